# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a restore of three members takes that hold next to nothing, and how long their clients miss them.

A client asks all members for their health while the restore runs, which etcd answers after a linearizable read. What
counts as without service is the longest time in which none of them answered.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from bench import CHECKOUT, PLAYBOOK, phases, timed

LAB = [sys.executable, "-m", "lab", "--name", os.environ.get("BENCH_LAB", "bench-restores")]
DIRECTORY = CHECKOUT / ".cache" / "bench-restores"
MEMBERS = 3
INVENTORY = ["-i", f"{DIRECTORY}/hosts"]
RESTORE = ["ansible-playbook", "quorum.etcd.restore", *INVENTORY, "-e", "etcd_confirm_cluster=etcd_cluster"]
#: Seconds: between two questions, and for each.
PAUSE = 0.05
PATIENCE = 1.0


def lab(*arguments: str) -> str:
    done = subprocess.run([*LAB, *arguments], cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def prepare() -> list[str]:
    """Return the addresses of three members that were just founded."""
    lab("down")
    lab("up", "--hosts", str(MEMBERS))
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    lab("inventory", "--dir", str(DIRECTORY))
    timed([*PLAYBOOK, *INVENTORY])
    return [lab("address", f"etcd-host{at}").strip() for at in range(MEMBERS)]


def trusting() -> ssl.SSLContext:
    """Return what a client needs to ask the members: it has the certificate of their administrator."""
    for name in ("ca", "admin", "admin-key"):
        (DIRECTORY / f"{name}.pem").write_text(lab("exec", "etcd-host0", "cat", f"/etc/etcd/ssl/{name}.pem"))
    context = ssl.create_default_context(cafile=f"{DIRECTORY}/ca.pem")
    context.load_cert_chain(f"{DIRECTORY}/admin.pem", f"{DIRECTORY}/admin-key.pem")
    return context


class Client:
    """Asks one member again and again, in a thread of its own.

    :param answers: takes the time of each answer.
    """

    def __init__(self, address: str, context: ssl.SSLContext, answers: list[float]) -> None:
        self._address, self._context, self._answers = address, context, answers
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _ask_on(self) -> None:
        while not self._is_over.wait(PAUSE):
            connection = http.client.HTTPSConnection(self._address, 2379, timeout=PATIENCE, context=self._context)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == http.client.OK:
                    self._answers.append(time.monotonic())
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()


def longest_gap(answers: Sequence[float]) -> float:
    ordered = sorted(answers)
    return max(later - earlier for earlier, later in zip(ordered, ordered[1:]))


def measure(rounds: int) -> list[dict[str, float]]:
    addresses = prepare()
    context = trusting()
    taken = []
    for _round in range(rounds):
        timed(["ansible-playbook", "quorum.etcd.snapshot", *INVENTORY])
        floor, _lines = timed(["ansible", "etcd_cluster", "-m", "ping", *INVENTORY])
        answers: list[float] = []
        first, second, third = (Client(address, context, answers) for address in addresses)
        with first, second, third:
            time.sleep(1)
            seconds, lines = timed(RESTORE)
            time.sleep(1)
        ended = phases(lines, {"Restore the snapshot for a trial": "trial"})
        taken.append({"ping": floor, "run": seconds, "without service": longest_gap(answers), "trial": ended["trial"]})
    lab("down")
    return taken


def table(taken: Sequence[dict[str, float]]) -> str:
    """The results as Markdown."""
    floor = statistics.median(one["ping"] for one in taken)
    rows = ["| | median (least to most) | times the floor |", "|---|---|---|"]
    for name, title in (
        ("run", "the restore"),
        ("trial", "the trial in it"),
        ("without service", "without service"),
    ):
        seconds = [one[name] for one in taken]
        middle = statistics.median(seconds)
        rows.append(f"| {title} | {middle:.1f} s ({min(seconds):.1f} to {max(seconds):.1f}) | {middle / floor:.1f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often it is restored")
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
