# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a playground takes, for a user without rights whose archive is there already.

Machines differ and are noisy, so what counts is the ratio to C(ansible localhost -m ping) of the same user, in turn
with every run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from subprocess import CompletedProcess

from playground_site import Site

VERSION = "3.6.14"


def seconds(done: CompletedProcess[str], since: float) -> float:
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.monotonic() - since


def measure(rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"ping": [], "made": [], "again": [], "removed": []}
    for _round in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o755)
            site = Site(Path(directory), VERSION)
            begin = time.monotonic()
            taken["ping"].append(seconds(site.user.run("ansible", "localhost", "-m", "ping"), begin))
            for name, arguments in (("made", ()), ("again", ()), ("removed", ("-e", "etcd_playground=absent"))):
                begin = time.monotonic()
                taken[name].append(seconds(site.play(*arguments), begin))
            if site.left() or site.processes():
                sys.exit(f"Left behind: {site.left()} {site.processes()}")
    return taken


def table(taken: dict[str, list[float]]) -> str:
    """The results as Markdown."""
    floor = statistics.median(taken["ping"])
    rows = ["| | median (least to most) | times the floor |", "|---|---|---|"]
    for name, values in taken.items():
        median = statistics.median(values)
        rows.append(f"| {name} | {median:.1f} s ({min(values):.1f} to {max(values):.1f}) | {median / floor:.1f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is done")
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
