# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logs of real members, read while they run and after they were killed."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils import _wal


def test_a_log_names_the_member_and_its_cluster(make_cluster, every_version):
    cluster = make_cluster(every_version, size=3)
    with cluster.client() as client:
        known = client.member_list()
    by_name = {member["name"]: member["id"] for member in known["members"]}
    logs = {member.name: str(member.directory / "member" / "wal") for member in cluster.members}
    expected = {name: (by_name[name], known["cluster_id"]) for name in logs}
    assert {name: _wal.identity(log) for name, log in logs.items()} == expected
    for member in cluster.members:
        cluster.end(member)
    assert {name: _wal.identity(log) for name, log in logs.items()} == expected


def test_a_member_that_fails_its_first_start_leaves_no_log(make_cluster, every_version, tmp_path):
    """What the gate forgets such a start by: etcd checks what it was told before it makes a log."""
    cluster = make_cluster(every_version)
    (member,) = cluster.members
    cluster.end(member)
    member.directory = tmp_path / "another"
    member.extra = ["--initial-cluster=somebody-else=http://127.0.0.1:1"]
    cluster.launch(member)
    assert member.process.wait() != 0
    assert _wal.segments(str(member.directory / "member" / "wal")) == []
