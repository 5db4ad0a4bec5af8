# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the key stays that says whose a pending downgrade is. Real ones are in tests/component/test_upgrade.py."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, queries, raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes

ONE = [ClusterMember("1", "etcd-host0", ("http://10.0.0.1:2380",), ("http://10.0.0.1:2379",))]


class Killed(BaseException):
    """The end of a process, in the middle of its work."""


class Cluster:
    """Of one member of 3.6, as a client of it sees it.

    :ivar key: the seconds of the lease on the key; 0 without the key.
    """

    def __init__(self):
        self.key, self.downgrade_to, self.refusals, self.stuck = 0, "", {}, False

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        return None

    def check(self):
        """The lock is held."""

    def read(self, _key):
        return {"kvs": [{}] if self.key else []}

    def lease_grant(self, seconds):
        return {"lease": seconds}

    def put(self, _key, _value, lease):
        self.key = lease

    def delete(self, _key):
        self.key = 0

    def downgrade(self, action, version=""):
        if self.refusals.get(action):
            raise self.refusals[action]
        self.downgrade_to = version

    def storage_versions(self, *_asked):
        return {"3.6.0" if self.stuck or not self.downgrade_to else self.downgrade_to}

    def votes(self, *_asked):
        return Votes(ONE, frozenset({"1"}), downgrade=self.downgrade_to, versions={"1": "3.6.14"})


@pytest.fixture
def cluster(monkeypatch):
    found = Cluster()
    monkeypatch.setattr(cluster_lock, "held", lambda *_given: contextlib.nullcontext(found))
    monkeypatch.setattr(raft_snapshots, "Client", lambda *_given: found)
    monkeypatch.setattr(queries, "votes", found.votes)
    monkeypatch.setattr(queries, "storage_versions", found.storage_versions)
    return found


def refusal(detail):
    return RpcError("http://10.0.0.1:2379", "Maintenance.Downgrade", 9, "FailedPrecondition", detail)


def renew():
    raft_snapshots.renew(["http://10.0.0.1:2379"], None, "test", 0.0)


def killed_at(monkeypatch, step):
    def at(reached):
        if reached == step:
            raise Killed

    with monkeypatch.context() as interrupting, pytest.raises(Killed):
        interrupting.setattr(checkpoints, "at", at)
        renew()


def test_it_goes_with_the_downgrade(cluster):
    renew()
    assert (cluster.key, cluster.downgrade_to) == (0, "")


@pytest.mark.parametrize("step, pending", [("announced", ""), ("about to cancel", "3.5.0")])
def test_where_the_downgrade_begins_or_ends_it_stays_for_minutes(cluster, monkeypatch, step, pending):
    killed_at(monkeypatch, f"raft snapshots: {step}")
    assert (cluster.key, cluster.downgrade_to) == (300, pending)


def test_while_the_downgrade_is_pending_it_stays_for_an_hour(cluster, monkeypatch):
    killed_at(monkeypatch, "raft snapshots: downgrade enabled")
    assert (cluster.key, cluster.downgrade_to) == (3600, "3.5.0")
    renew()
    assert (cluster.key, cluster.downgrade_to) == (0, "")


def test_it_goes_where_the_downgrade_is_refused(cluster):
    """Somebody else's has begun in between."""
    cluster.refusals["ENABLE"] = refusal("etcdserver: cluster has a downgrade job in progress")
    with pytest.raises(RpcError):
        renew()
    assert cluster.key == 0


def test_it_stays_for_minutes_where_nobody_knows_whether_the_downgrade_has_begun(cluster):
    cluster.refusals["ENABLE"] = TransportError("http://10.0.0.1:2379", "it did not answer", sent=True)
    with pytest.raises(TransportError):
        renew()
    assert cluster.key == 300


def test_it_goes_with_a_downgrade_that_took_too_long(cluster):
    cluster.stuck = True
    with pytest.raises(HostError, match="and not 3.5"):
        renew()
    assert (cluster.key, cluster.downgrade_to) == (0, "")


def test_it_stays_for_an_hour_where_the_downgrade_cannot_be_cancelled(cluster):
    cluster.refusals["CANCEL"] = TransportError("http://10.0.0.1:2379", "it did not answer", sent=True)
    with pytest.raises(TransportError):
        renew()
    assert (cluster.key, cluster.downgrade_to) == (3600, "3.5.0")
