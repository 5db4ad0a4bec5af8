# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_compaction against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import Cluster
from fullness import QUOTA, fill

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


def write(client: Client, times: int = 50) -> int:
    """Write a key so often; the revision of the last time."""
    for number in range(times):
        revision = client.put("k", str(number))
    return revision


def is_readable(client: Client, revision: int) -> bool:
    try:
        client.read("k", revision=revision)
    except RpcError:
        return False
    return True


def test_so_many_revisions_are_kept(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version)
    options = {"keep_revisions": 10, "endpoints": cluster.endpoints}
    with cluster.client() as client:
        last = write(client)
        foreseen = run_module("etcd_compaction", check_mode=True, **options).result
        assert is_readable(client, 1)
        result = run_module("etcd_compaction", **options).result
        assert is_readable(client, last - 10)
        assert not is_readable(client, last - 11)
        assert client.read("k")["kvs"][0]["value"] == b"49"
    assert (foreseen["changed"], foreseen["diff"]) == (result["changed"], result["diff"])
    assert result["changed"]
    assert (result["current_revision"], result["oldest_revision"]) == (last, last - 10)
    assert result["diff"] == {"before": {"oldest_revision": 1}, "after": {"oldest_revision": last - 10}}
    again = run_module("etcd_compaction", **options).result
    assert (again["changed"], again["oldest_revision"]) == (False, last - 10)
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_revision_is_the_oldest_one_from_then_on(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        last = write(client)
        for revision in (20, last):
            options = {"revision": revision, "endpoints": cluster.endpoints}
            assert run_module("etcd_compaction", **options).result["oldest_revision"] == revision
            assert is_readable(client, revision)
            assert not is_readable(client, revision - 1)
        earlier = run_module("etcd_compaction", revision=20, endpoints=cluster.endpoints).result
        assert (earlier["changed"], earlier["oldest_revision"]) == (False, last)


def test_more_than_there_ever_were_are_all_of_them(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version)
    result = run_module("etcd_compaction", keep_revisions=1000, physical=True, endpoints=cluster.endpoints).result
    assert (result["changed"], result["oldest_revision"]) == (False, 1)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"revision": 100}, "The cluster is at revision 6, and 100 is to be the oldest one."),
        ({"revision": 0}, "revision is 0; revisions are numbered from 1."),
        ({"keep_revisions": -1}, "keep_revisions is -1; give how many revisions to keep, from 0."),
        ({}, "one of the following is required: revision, keep_revisions"),
        ({"revision": 3, "keep_revisions": 1}, "parameters are mutually exclusive: revision|keep_revisions"),
    ],
    ids=["future", "zero", "negative", "neither", "both"],
)
def test_what_cannot_be_is_refused(
    version: str, make_cluster: MakeCluster, run_module: RunModule, options: dict[str, int], said: str
) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        write(client, 5)
        outcome = run_module("etcd_compaction", endpoints=cluster.endpoints, **options)
        assert outcome.failed
        assert outcome.result["msg"].startswith(said)
        assert is_readable(client, 1)


def test_every_member_has_removed_it_when_that_is_waited_for(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    """Also where the same was compacted before, and while nobody can write."""
    cluster = make_cluster(every_version, size=3, extra=[f"--quota-backend-bytes={QUOTA}"])
    with cluster.client() as client:
        fill(client)
        run_module("etcd_compaction", keep_revisions=0, endpoints=cluster.endpoints)
        result = run_module(
            "etcd_compaction", keep_revisions=0, physical=True, endpoints=[cluster.members[2].client_url]
        ).result
        assert not result["changed"]
        for endpoint in cluster.endpoints:
            # etcd counts anew with its next write at the earliest, and nobody can write.
            client.defragment(endpoint, 30)
            assert client.status(endpoint).db_size_in_use < QUOTA / 4
