# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a run takes, beside the least that Ansible itself needs on the same hosts at the same time.

Machines differ and are noisy, so what counts is the ratio to C(ansible all -m ping), taken in turn with every run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-m", "lab", "--name", os.environ.get("BENCH_LAB", "bench")]
PLAYBOOK = ["ansible-playbook", "quorum.etcd.etcd"]
PHASES = {
    "Observe": "observe",
    "Plan": "plan",
    "Install": "install",
    "Make the certificate authorities": "authority",
    "Write the member's files": "configure",
    "Reach every member": "prove",
    "Start the member": "start",
    "Await the member": "await",
}


def timed(arguments: Sequence[str]) -> tuple[float, list[tuple[float, str]]]:
    """Run a command that must succeed: seconds, and its lines with the second at which each came."""
    begin = time.monotonic()
    lines = []
    with subprocess.Popen(
        arguments, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append((time.monotonic() - begin, line.rstrip()))
    if process.returncode:
        sys.exit("\n".join(line for _at, line in lines[-30:]) + f"\n{' '.join(arguments)} failed.")
    return time.monotonic() - begin, lines


def processor() -> float:
    """Seconds of processor time of all commands that have ended, and of the processes that they have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def phases(lines: Sequence[tuple[float, str]], kinds: Mapping[str, str] = PHASES) -> dict[str, float]:
    """Seconds in each kind of task; what is between them is C(rest)."""
    spent = dict.fromkeys([*kinds.values(), "rest"], 0.0)
    current, since = "rest", 0.0
    for at, line in lines:
        if line.startswith(("TASK [", "PLAY RECAP")):
            spent[current] += at - since
            name = re.sub(r"^TASK \[(quorum\.etcd\.etcd : )?|\] \**$", "", line)
            current, since = kinds.get(name, "rest"), at
    spent[current] += lines[-1][0] - since
    return spent


def tasks_a_host(lines: Sequence[tuple[float, str]]) -> int:
    """Tasks that really ran on the host with the most of them."""
    return max(int(found.group(1)) for _at, line in lines if (found := re.search(r" : ok=(\d+) ", line)))


def measure(hosts: int, rounds: int) -> dict[str, object]:
    """Fresh clusters and runs with nothing to do on this many hosts."""
    taken: dict[str, list[float]] = {"ping": [], "check": [], "fresh": [], "no-op": []}
    used: dict[str, list[float]] = {name: [] for name in taken}
    fresh_phases: list[dict[str, float]] = []
    tasks = {}
    directory = CHECKOUT / ".cache" / "bench"
    for _round in range(rounds):
        subprocess.run([*LAB, "down"], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*LAB, "up", "--hosts", str(hosts)], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(directory, ignore_errors=True)
        inventory = ["-i", f"{directory}/hosts"]
        subprocess.run(
            [*LAB, "inventory", "--dir", str(directory)], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL
        )
        ping = ["ansible", "etcd_cluster", "-m", "ping", *inventory]
        timed(ping)  # opens the connections that every later run shares
        for name, arguments in (
            ("ping", ping),
            ("check", [*PLAYBOOK, *inventory, "--check"]),
            ("ping", ping),
            ("fresh", [*PLAYBOOK, *inventory]),
            ("ping", ping),
            ("no-op", [*PLAYBOOK, *inventory]),
        ):
            before = processor()
            seconds, lines = timed(arguments)
            taken[name].append(seconds)
            used[name].append(processor() - before)
            if name != "ping":
                tasks[name] = tasks_a_host(lines)
            if name == "fresh":
                fresh_phases.append(phases(lines))
    subprocess.run([*LAB, "down"], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    median = {name: statistics.median(values) for name, values in taken.items()}
    return {
        "hosts": hosts,
        "seconds": median,
        "processor": {name: statistics.median(values) for name, values in used.items()},
        "spread": {name: [min(values), max(values)] for name, values in taken.items()},
        "tasks": tasks,
        "phases": {name: statistics.median(one[name] for one in fresh_phases) for name in fresh_phases[0]},
    }


def table(results: Sequence[dict]) -> str:
    """The results as a Markdown table."""
    rows = ["| | " + " | ".join(f"{one['hosts']} hosts" for one in results) + " |", "|---" * (len(results) + 1) + "|"]
    for name in ("ping", "check", "no-op", "fresh"):
        cells = []
        for one in results:
            seconds, floor = one["seconds"][name], one["seconds"]["ping"]
            low, high = one["spread"][name]
            tasks = f", {one['tasks'][name]} tasks a host" if name in one["tasks"] else ""
            cells.append(f"{seconds:.2f} s ({low:.2f} to {high:.2f}), {seconds / floor:.1f} times the floor{tasks}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    for name in ("ping", "no-op"):
        cells = []
        for one in results:
            seconds, floor = one["processor"][name], one["processor"]["ping"]
            cells.append(f"{seconds:.2f} s, {seconds / floor:.1f} times that of a ping")
        rows.append(f"| processor time of the controller: {name} | " + " | ".join(cells) + " |")
    for name in results[0]["phases"]:
        cells = [f"{one['phases'][name]:.2f} s" for one in results]
        rows.append(f"| fresh: {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=[3, 5, 9], help="sizes of cluster")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is made")
    given = parser.parse_args()
    os.environ.setdefault("ANSIBLE_PIPELINING", "true")
    results = [measure(hosts, given.rounds) for hosts in given.hosts]
    (CHECKOUT / ".cache" / "bench.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
