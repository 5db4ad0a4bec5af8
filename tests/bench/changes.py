# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changing a cluster costs its clients: one member more, and a setting rolled over all members.

The same writer writes while nothing happens, while a run finds nothing to do, while the setting is rolled, and while
the members are restarted one after the other by hand. Machines differ and are noisy, so what counts is the one beside
the other, in the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import CHECKOUT, PLAYBOOK, phases, timed

LAB = [sys.executable, "-m", "lab", "--name", os.environ.get("BENCH_LAB", "bench-changes")]
DIRECTORY = CHECKOUT / ".cache" / "bench-changes"
MEMBERS = 3
SECONDS = 10


def lab(*arguments: str) -> str:
    done = subprocess.run([*LAB, *arguments], cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def prepare(*arguments: str) -> list[str]:
    """Four hosts with their data in memory, three of them a cluster: the endpoints' options for the writer.

    :param arguments: of the run that founds it.
    """
    lab("down")
    lab("up", "--data-tmpfs", "1g", "--hosts", str(MEMBERS + 1))
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    lab("inventory", "--no-nodes", "--dir", str(DIRECTORY))
    timed(run_with("", *arguments))
    for name in ("ca", "admin", "admin-key"):
        (DIRECTORY / f"{name}.pem").write_text(lab("exec", "etcd-host0", "cat", f"/etc/etcd/ssl/{name}.pem"))
    endpoints = [f"https://{lab('address', f'etcd-host{at}').strip()}:2379" for at in range(MEMBERS)]
    secure = [f"--{option}={DIRECTORY}/{name}.pem" for option, name in (("cacert", "ca"), ("cert", "admin"))]
    return [f"--endpoints={','.join(endpoints)}", *secure, f"--key={DIRECTORY}/admin-key.pem"]


def run_with(last_host: str, *arguments: str) -> list[str]:
    """The playbook; the fourth host is in the inventory with these variables, or not at all."""
    lines = (DIRECTORY / "hosts").read_text().splitlines()
    told = [f"{line} {last_host}" if f"etcd-host{MEMBERS}" in line else line for line in lines]
    if not last_host:
        told = [line for line in told if f"etcd-host{MEMBERS}" not in line]
    (DIRECTORY / "now").write_text("\n".join(told) + "\n")
    return [*PLAYBOOK, "-i", str(DIRECTORY / "now"), *arguments]


def written_during(
    access: list[str], act: Callable[[], object], also: Callable[[str], dict[str, float]] = lambda _record: {}
) -> dict[str, float]:
    """The longest stall in seconds, and how many writes failed, of a writer beside this.

    :param also: what else to find in the writer's record.
    """
    with tempfile.TemporaryDirectory() as scratch:
        record, stop = f"{scratch}/record", Path(scratch) / "stop"
        command = [*LAB, "writer", "run", *access, f"--record={record}", f"--until-file={stop}"]
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as writer:
            try:
                time.sleep(2)
                act()
                time.sleep(1)
            finally:
                stop.touch()
            if writer.wait():
                sys.exit("The writer failed.")
        said = lab("writer", "verify", *access, f"--record={record}")
        more = also(Path(record).read_text())
    found = {name: re.search(rf"^{name}: ([0-9.]+)", said, re.MULTILINE) for name in ("longest stall", "failed")}
    return {name: float(match.group(1)) for name, match in found.items() if match} | more


def restart_by_hand() -> None:
    for at in range(MEMBERS):
        lab("exec", f"etcd-host{at}", "systemctl", "restart", "etcd")


def measure(rounds: int) -> dict[str, list[dict[str, float]]]:
    access = prepare()
    taken: dict[str, list[dict[str, float]]] = {"nothing": [], "no-op": [], "rolled": [], "by hand": [], "added": []}
    for number in range(rounds):
        setting = json.dumps({"etcd_settings": {"election-timeout": 1000 + 100 * (number + 1)}})
        taken["nothing"].append(written_during(access, lambda: time.sleep(SECONDS)))
        for name in ("rolled", "no-op"):
            taken[name].append(written_during(access, partial(timed, run_with("", "-e", setting))))
        taken["by hand"].append(written_during(access, restart_by_hand))
        floor, _lines = timed(["ansible", "etcd_cluster", "-m", "ping", "-i", str(DIRECTORY / "now")])
        seconds, lines = timed(run_with("etcd_member_state=present", "-e", setting))
        taken["added"].append(
            {"ping": floor, "run": seconds, "join": phases(lines, {"Join the cluster": "join"})["join"]}
        )
        timed(run_with("etcd_member_state=absent", "-e", setting))
    lab("down")
    return taken


def table(taken: dict[str, list[dict[str, float]]]) -> str:
    """The results as Markdown."""
    rows = ["| while | longest stall: median (least to most) | failed writes |", "|---|---|---|"]
    for name, title in (
        ("nothing", "nothing happens"),
        ("no-op", "a run finds nothing to do"),
        ("rolled", "a setting is rolled over three members"),
        ("by hand", "three members are restarted by hand"),
    ):
        stalls = [one["longest stall"] * 1000 for one in taken[name]]
        failed = sum(one["failed"] for one in taken[name])
        rows.append(
            f"| {title} | {statistics.median(stalls):.0f} ms ({min(stalls):.0f} to {max(stalls):.0f}) | {failed:.0f} |"
        )
    added = {key: statistics.median(one[key] for one in taken["added"]) for key in taken["added"][0]}
    rows += [
        "",
        f"One member more: {added['run']:.1f} s, {added['run'] / added['ping']:.1f} times the floor of "
        f"{added['ping']:.2f} s; {added['join']:.1f} s of it in the one call from its files to its vote.",
    ]
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is done")
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
