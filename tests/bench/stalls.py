# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a writer waits while a snapshot is saved, with etcd's hash of all keys and without it.

Machines differ and are noisy, so what counts is how much longer the longest put is than while nothing happens.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests" / "component"))

from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from cluster import DEFAULT_VERSION, Cluster

# In memory: a disk would be measured otherwise.
DIRECTORY = Path("/dev/shm/quorum-etcd-bench-stalls")
MIB = 1 << 20
# etcd takes no more operations in one transaction by default.
_AT_ONCE = 120
_PATIENCE = 120.0
# Seconds between two puts, and before and after what is measured.
_PAUSE = 0.002
_AROUND = 1.0


def fill(cluster: Cluster, size: int, value: int) -> int:
    """Write values until the database has this size; how many keys that takes."""
    body, count = os.urandom(value), 0
    with cluster.client(timeout=_PATIENCE) as client:
        while client.status().db_size < size:
            for _transaction in range(100):
                keys = (f"registry/{count + at:012}".encode() for at in range(_AT_ONCE))
                client.txn([], [{"request_put": {"key": key, "value": os.urandom(8) + body}} for key in keys])
                count += _AT_ONCE
    return count


def write(endpoint: str, stop: Event, puts: multiprocessing.Queue[list[tuple[float, float]]]) -> None:
    """Put until told to stop; tell when each put began and how long it took."""
    found = []
    with Client([endpoint], Credentials(), _PATIENCE) as client:
        while not stop.is_set():
            begin = time.monotonic()
            client.put("stall", "x")
            found.append((begin, time.monotonic() - begin))
            time.sleep(_PAUSE)
    puts.put(found)


def longest(endpoint: str, act: Callable[[], object]) -> float:
    """Milliseconds of the longest put that overlaps with this."""
    stop: Event = multiprocessing.Event()
    puts: multiprocessing.Queue[list[tuple[float, float]]] = multiprocessing.Queue()
    writer = multiprocessing.Process(target=write, args=(endpoint, stop, puts))
    writer.start()
    time.sleep(_AROUND)
    begin = time.monotonic()
    act()
    end = time.monotonic()
    time.sleep(_AROUND)
    stop.set()
    found = puts.get()
    writer.join()
    return 1000 * max(took for at, took in found if at + took >= begin and at <= end)


def acts(cluster: Cluster, directory: Path) -> dict[str, Callable[[], object]]:
    def save(max_hash_size: int) -> None:
        saving.save(cluster.endpoints, Credentials(), str(directory), "bench", max_hash_size=max_hash_size)
        shutil.rmtree(directory)

    def hash_kv() -> None:
        with cluster.client(timeout=_PATIENCE) as client:
            client.hash_kv()

    return {
        "idle": lambda: time.sleep(5),
        "HashKV alone": hash_kv,
        "saved without the hash": lambda: save(0),
        "saved with it": lambda: save(1 << 62),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="of the database, in MiB")
    parser.add_argument("--value", type=int, default=4096, help="bytes of each value; fewer make more keys")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--version", default=DEFAULT_VERSION, help="of etcd")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where all of it lies; it is removed")
    options = parser.parse_args()
    shutil.rmtree(options.directory, ignore_errors=True)
    options.directory.mkdir(parents=True)
    extra = [f"--quota-backend-bytes={2 * options.size * MIB + (1 << 30)}", "--snapshot-count=500", "--max-wals=2"]
    cluster = Cluster(options.directory, options.version, extra=extra)
    try:
        cluster.start()
        keys = fill(cluster, options.size * MIB, options.value)
        todo = acts(cluster, options.directory / "made")
        found: dict[str, list[float]] = {name: [] for name in todo}
        for _round in range(options.rounds):
            for name, act in todo.items():
                found[name].append(longest(cluster.endpoints[0], act))
    finally:
        cluster.stop()
        shutil.rmtree(options.directory, ignore_errors=True)
    print(f"| database | keys | {' | '.join(found)} |")
    print("|---" * (len(found) + 2) + "|")
    spans = (f"{min(one):.0f} to {max(one):.0f} ms" for one in found.values())
    print(f"| etcd {options.version}, {options.size} MiB | {keys:,} | {' | '.join(spans)} |")


if __name__ == "__main__":
    main()
