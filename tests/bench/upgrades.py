# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an upgrade by one minor and a rolling restart cost clients, beside plain restarts of the same members.

The same writer writes while nothing happens, while the members are restarted one after the other by hand, while a
setting is rolled over them, and while they are upgraded. Ansible uses the processors that the writer needs, so the
stall is taken twice: over all of it, and in the restarts alone. Those begin and end by the clock of the kernel that
hosts, controller and writer share: when systemd stopped a member, and when that member said that it is ready.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from bench import timed
from changes import DIRECTORY, MEMBERS, SECONDS, lab, prepare, restart_by_hand, run_with, written_during

BEFORE, AFTER = "3.5.33", "3.6.14"
ARMS = {
    "nothing": "nothing happens",
    "by hand": "three members are restarted by hand",
    "rolled": "a setting is rolled over three members",
    "upgraded": f"three members are upgraded from {BEFORE} to {AFTER}",
}
_FETCH = (
    "import sys, tarfile, urllib.request as u; "
    "tarfile.open(fileobj=u.urlopen(sys.argv[1]), mode='r|gz').extractall('/tmp/by-hand')"
)


def restarts() -> list[tuple[float, float]]:
    """When each member last stopped and was ready again, seconds on the kernel's clock."""
    found = []
    for at in range(MEMBERS):
        shown = lab("exec", f"etcd-host{at}", "systemctl", "show", "etcd")
        unit = dict(line.partition("=")[::2] for line in shown.splitlines())
        down, up = (int(unit[f"{moment}TimestampMonotonic"]) for moment in ("ActiveExit", "ActiveEnter"))
        found.append((down / 1e6, up / 1e6))
    return found


def stall_in(windows: list[tuple[float, float]], record: str) -> float:
    """The longest time without an acknowledged write that overlaps with one of these, seconds."""
    lines = [json.loads(line) for line in record.splitlines()]
    begun = lines[0]["begun"]
    times = [begun, *(begun + one["seconds"] for one in lines if one.get("outcome") == "acknowledged")]
    gaps = [(one, other) for one, other in pairwise(times) if any(other > down and one < up for down, up in windows)]
    return max((other - one for one, other in gaps), default=0.0)


def bare_upgrade() -> float:
    """Seconds of what nobody can leave out: a snapshot, and on each host the release, fetched, and a restart."""
    url = json.loads(next(line for line in _variables() if line.startswith("etcd_download_url")).partition(": ")[2])
    archive = f"{url}/v{AFTER}/etcd-v{AFTER}-linux-amd64.tar.gz"
    begin = time.monotonic()
    lab("exec", "etcd-host0", "etcdctl", "snapshot", "save", "/tmp/by-hand.db")
    for at in range(MEMBERS):
        lab("exec", f"etcd-host{at}", "python3", "-c", _FETCH, archive)
        lab("exec", f"etcd-host{at}", "systemctl", "restart", "etcd")
    return time.monotonic() - begin


def _variables() -> list[str]:
    return (DIRECTORY / "group_vars" / "etcd_cluster.yml").read_text().splitlines()


def measure(rounds: int) -> tuple[dict[str, list[dict[str, float]]], list[float]]:
    """Each arm in turn, on a cluster that is made anew for each round; and how long the bare upgrades took."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ARMS}
    bare = []
    for number in range(rounds):
        access = prepare("-e", f"etcd_version={BEFORE}")
        setting = json.dumps({"etcd_settings": {"election-timeout": 1100}})
        acts: dict[str, Callable[[], object]] = {
            "nothing": lambda: time.sleep(SECONDS),
            "by hand": restart_by_hand,
            "rolled": lambda: timed(run_with("", "-e", setting, "-e", f"etcd_version={BEFORE}")),  # noqa: B023
            "upgraded": lambda: timed(run_with("", "-e", setting, "-e", f"etcd_version={AFTER}")),  # noqa: B023
        }
        # The upgrade is the last one, for there is no way back; which of the others is the first makes no difference.
        first = list(acts)[:-1]
        for name in [*first[number % 3 :], *first[: number % 3], "upgraded"]:
            if name == "upgraded":
                bare.append(bare_upgrade())
            taken[name].append(_arm(access, acts[name], is_still=name == "nothing"))
    lab("down")
    return taken, bare


def _arm(access: list[str], act: Callable[[], object], is_still: bool) -> dict[str, float]:
    seconds = []

    def timed_act() -> None:
        begin = time.monotonic()
        act()
        seconds.append(time.monotonic() - begin)

    def in_the_act(record: str) -> dict[str, float]:
        return {} if is_still else {"in the act": stall_in(restarts(), record)}

    return {**written_during(access, timed_act, in_the_act), "seconds": seconds[0]}


def table(taken: dict[str, list[dict[str, float]]], bare: list[float]) -> str:
    """The results as Markdown."""
    rows = ["| while | longest stall: median (least to most) | of it in the restarts | failed writes | time |"]
    rows.append("|---|---|---|---|---|")
    for name, title in ARMS.items():
        inside = _span([one["in the act"] for one in taken[name]]) if name != "nothing" else ""
        seconds = statistics.median(one["seconds"] for one in taken[name])
        failed = sum(one["failed"] for one in taken[name])
        stall = _span([one["longest stall"] for one in taken[name]])
        rows.append(f"| {title} | {stall} | {inside} | {failed:.0f} | {seconds:.1f} s |")
    medians = {
        name: statistics.median(one["in the act"] for one in taken[name]) for name in ("by hand", "rolled", "upgraded")
    }
    upgrade, least = statistics.median(one["seconds"] for one in taken["upgraded"]), statistics.median(bare)
    rows += ["", "| | goal | found |", "|---|---|---|"]
    failed = sum(one["failed"] for name in ("rolled", "upgraded") for one in taken[name])
    rows.append(f"| failed writes, rolled and upgraded | none | {failed:.0f} |")
    for name in ("rolled", "upgraded"):
        ratio = medians[name] / medians["by hand"]
        rows.append(f"| stall in the restarts, {name} | at most 1.5 times that by hand | {ratio:.1f} times |")
    rows.append(
        f"| time of the upgrade | at most 2.5 times the bare one of {least:.1f} s | {upgrade / least:.1f} times |"
    )
    return "\n".join(rows)


def _span(seconds: list[float]) -> str:
    median, least, most = (1000 * one for one in (statistics.median(seconds), min(seconds), max(seconds)))
    return f"{median:.0f} ms ({least:.0f} to {most:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is done")
    print(table(*measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
