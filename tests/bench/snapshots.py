# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to save a snapshot and to make a member's data of it, beside etcd's own tools of the same version.

Both save the same database of the same member to the same file system, and make data of the same file, in pairs, of
which every other one begins with theirs. Machines differ and are noisy, so what counts is the ratio of a pair. Ours
also compares the checksum, reads the file's revision, and asks the member for the count and the hash of its keys, which
it does not do by default where the database is large (stalls.py).
Before it makes data it judges the whole file; afterwards it has them on the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests" / "component"))

from cluster import DEFAULT_VERSION, Cluster, Tls, binary

DIRECTORY = CHECKOUT / ".cache" / "bench-snapshots"
MIB = 1 << 20
VALUE = 64 << 10

SAVE = """
import sys
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
endpoint, directory, *credentials = sys.argv[1:]
saving.save([endpoint], Credentials(*credentials), directory, "bench", max_hash_size=1 << 40)
"""
RESTORE = """
import subprocess, sys
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import etcdutl
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._host.etcdutl import Recipe
def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    return Result(done.returncode, done.stdout, done.stderr)
releases, version, snapshot, name, url, into = sys.argv[1:]
snapshot_file.read(snapshot)
etcdutl.restore(run, releases, version, snapshot, Recipe(name, [url], f"{name}={url}", "bench"), into)
"""
MEMBER = ("bench", "http://127.0.0.1:2380")


def fill(cluster: Cluster, size: int) -> None:
    """Write values that nothing can compress, until the database has this size."""
    with cluster.client(timeout=60.0) as client:
        at = 0
        while client.status().db_size_in_use < size:
            for _value in range(100):
                client.put(f"bench/{at:08}", os.urandom(VALUE))
                at += 1


class Spent(NamedTuple):
    """What one command took: seconds, of those on a processor, and MiB of memory at most."""

    seconds: float
    processor: float
    memory: float


def run(arguments: Sequence[str]) -> Spent:
    """Run a command that must succeed."""
    begin = time.monotonic()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, ended = 0.0, 0
    while not ended:
        time.sleep(0.02)
        # What the kernel says at the end has the memory of this very process in it, whose child the other was.
        memory = peak_memory(process.pid) or memory
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    seconds = time.monotonic() - begin
    process.returncode = status
    if status:
        sys.exit(f"{' '.join(arguments)} failed.")
    return Spent(seconds, usage.ru_utime + usage.ru_stime, memory)


def peak_memory(pid: int) -> float:
    """MiB; 0 once it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


#: What is done in a pair; it makes the directory that it is given.
Act = Callable[[Path], Spent]


def saves(cluster: Cluster) -> tuple[Act, Act]:
    """Ours and theirs."""
    named = zip(("cacert", "cert", "key"), (text for text in cluster.credentials if text))
    options = [f"--{name}={value}" for name, value in named]
    given = [text for text in cluster.credentials if text]

    def ours(directory: Path) -> Spent:
        return run([sys.executable, "-c", SAVE, cluster.endpoints[0], str(directory), *given])

    def theirs(directory: Path) -> Spent:
        directory.mkdir()
        program = binary(cluster.version, "etcdctl")
        command = [program, f"--endpoints={cluster.endpoints[0]}", *options, "snapshot", "save"]
        return run([*command, str(directory / "db")])

    return ours, theirs


def restores(version: str, snapshot: Path) -> tuple[Act, Act]:
    """Ours and theirs."""
    program = binary(version, "etcdutl")
    name, url = MEMBER
    member = [f"--name={name}", f"--initial-advertise-peer-urls={url}", f"--initial-cluster={name}={url}"]

    def ours(directory: Path) -> Spent:
        releases = str(Path(program).parent)
        return run([sys.executable, "-c", RESTORE, releases, version, str(snapshot), name, url, str(directory)])

    def theirs(directory: Path) -> Spent:
        return run([program, "snapshot", "restore", str(snapshot), *member, f"--data-dir={directory}"])

    return ours, theirs


def pairs(acts: tuple[Act, Act], directory: Path, count: int) -> list[dict[str, Spent]]:
    found = []
    for at in range(count):
        order = list(zip(("ours", "theirs"), acts))
        pair = {}
        for name, act in order if at % 2 else order[::-1]:
            pair[name] = act(directory)
            shutil.rmtree(directory)
        found.append(pair)
        seconds = [pair[name].seconds for name in ("ours", "theirs")]
        print("  {:.2f} s beside {:.2f} s: {:.2f}".format(*seconds, seconds[0] / seconds[1]), file=sys.stderr)
    return found


def row(title: str, found: Sequence[dict[str, Spent]]) -> str:
    """The results of one kind as a line of Markdown."""
    ratios = [pair["ours"].seconds / pair["theirs"].seconds for pair in found]
    texts = []
    for name in ("ours", "theirs"):
        middle = [statistics.median(values) for values in zip(*(pair[name] for pair in found))]
        texts.append(f"{middle[0]:.2f} s, {middle[1]:.2f} s, {max(pair[name].memory for pair in found):.0f} MiB")
    return (
        f"| {title} | {texts[0]} | {texts[1]} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="of the database, in MiB")
    parser.add_argument("--pairs", type=int, default=10, help="how many of each kind")
    parser.add_argument("--version", default=DEFAULT_VERSION, help="of etcd")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where all of it lies; it is removed")
    options = parser.parse_args()
    rows = [
        "| | ours: time, processor, memory | etcd's own | ratio of times: median (least to most) |",
        "|---|---|---|---|",
    ]
    for title, secure in (("plain", False), ("mutual TLS", True)):
        shutil.rmtree(options.directory, ignore_errors=True)
        options.directory.mkdir(parents=True)
        tls = Tls.make(options.directory / "pki") if secure else None
        cluster = Cluster(options.directory, options.version, tls=tls)
        cluster.members[0].extra = [f"--quota-backend-bytes={2 * options.size * MIB + (1 << 30)}"]
        try:
            cluster.start()
            fill(cluster, options.size * MIB)
            made = options.directory / "made"
            rows.append(row(f"save, {title}", pairs(saves(cluster), made, options.pairs)))
            if not secure:
                snapshot = options.directory / "snapshot.db"
                command = [binary(options.version, "etcdctl"), f"--endpoints={cluster.endpoints[0]}"]
                run([*command, "snapshot", "save", str(snapshot)])
                rows.append(row("make data of it", pairs(restores(options.version, snapshot), made, options.pairs)))
        finally:
            cluster.stop()
            shutil.rmtree(options.directory, ignore_errors=True)
    print("\n".join(rows))


if __name__ == "__main__":
    main()
