# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_watch_info against real etcd."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._data import watching
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._data.watching import Event, Expectation
from cluster import Cluster

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


class Waiter:
    """Waits beside the test."""

    def __init__(self, cluster: Cluster, key: bytes, expected: Expectation, revision: int = 0) -> None:
        self._client = cluster.client()
        self._pool = ThreadPoolExecutor(1)
        session = Session(self._client, cluster.credentials)
        self._future = self._pool.submit(watching.wait, session, key, expected, revision, Deadline(60.0), time.sleep)

    def event(self) -> Event:
        try:
            return self._future.result(timeout=60.0)
        finally:
            self._client.close()
            self._pool.shutdown()

    @property
    def waits(self) -> bool:
        return not self._future.done()


def test_a_value_that_is_there_needs_no_waiting(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        revision = client.put("k", "v")
        client.put("other", "x")
    found = run_module("etcd_watch_info", endpoints=cluster.endpoints, key="k", value="v", wait=0).result
    assert (found["revision"], found["entry"]["value"], found["changed"]) == (revision, "v", False)
    found = run_module("etcd_watch_info", endpoints=cluster.endpoints, key="none", state="absent", wait=0).result
    assert found["entry"] == {}


def test_a_value_of_a_moment_is_noticed(
    every_version: str, make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, now, looked = make_cluster(every_version), watching.now, threading.Event()

    def look(session: Session, key: bytes) -> Event:
        found = now(session, key)
        looked.set()
        return found

    monkeypatch.setattr(watching, "now", look)
    with cluster.client() as client:
        client.put("k", "first")
        waiter = Waiter(cluster, b"k", Expectation(value=b"wanted"))
        assert looked.wait(60.0)
        client.put("k", "second")
        assert waiter.waits
        revision = client.put("k", "wanted")
        client.put("k", "third")
        assert waiter.event().revision == revision


def test_what_has_happened_since_a_revision_counts(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        before = client.put("k", "blue")
        wanted = client.put("k", "green")
        client.put("k", "red")
        gone = client.delete("k")
        options = {"endpoints": cluster.endpoints, "key": "k", "revision": before}
        found = run_module("etcd_watch_info", value="green", **options).result
        assert (found["revision"], found["entry"]["value"]) == (wanted, "green")
        found = run_module("etcd_watch_info", state="absent", **options).result
        assert (found["revision"], found["entry"]) == (gone, {})
        client.compact(gone)
    refused = run_module("etcd_watch_info", value="green", **options).result
    assert [one["code"] for one in refused["refusals"]] == ["revision-compacted"]
    assert refused["msg"].startswith(f"Revision {before} was compacted; the oldest that is left is {gone}.")


def test_what_does_not_come_in_time_is_a_failure(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version)
    refused = run_module("etcd_watch_info", endpoints=cluster.endpoints, key="k", wait=0.3).result
    assert [one["code"] for one in refused["refusals"]] == ["wait-over"]
    assert refused["msg"].startswith("k was not as expected within 0.3 s: it does not exist.")
    with cluster.client() as client:
        revision = client.put("k", "v")
    refused = run_module("etcd_watch_info", endpoints=cluster.endpoints, key="k", value="w", wait=0.3).result
    assert f"its last change is of revision {revision}" in refused["msg"]


def test_a_member_that_ends_is_no_failure(every_version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(every_version, size=3)
    cluster.lead(cluster.members[1])
    with cluster.client() as client:
        client.put("k", "first")
        waiter = Waiter(cluster, b"k", Expectation(value=b"wanted"))
        time.sleep(0.3)
        cluster.end(cluster.members[0])
        revision = client.put("k", "wanted", timeout=20.0)
        assert waiter.event().revision == revision


def test_where_nothing_happens_for_long_a_compaction_takes_nothing(
    version: str, make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_QUIET", 0.3)
    asked = threading.Event()
    real = watching._advanced

    def advanced(*arguments: Any) -> Event:
        asked.set()
        return real(*arguments)

    monkeypatch.setattr(watching, "_advanced", advanced)
    cluster = make_cluster(version)
    with cluster.client() as client:
        client.put("k", "first")
        waiter = Waiter(cluster, b"k", Expectation(value=b"wanted"))
        for _time in range(3):
            client.compact(client.put("other", "x"))
            asked.clear()
            assert asked.wait(30.0)
            assert asked.wait(30.0)
        assert waiter.waits
        assert client.put("k", "wanted") == waiter.event().revision
