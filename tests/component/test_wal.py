# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logs of real members, read while they run and after they were killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import gate as _gate
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal, wal_tail
from ansible_collections.quorum.etcd.plugins.module_utils._host import member_storage
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from layout_below import layout_below


def test_a_log_names_the_member_and_its_cluster(make_cluster, every_version):
    cluster = make_cluster(every_version, size=3)
    with cluster.client() as client:
        known = client.member_list()
    by_name = {member.name: member.id for member in known.members}
    logs = {member.name: str(member.directory / "member" / "wal") for member in cluster.members}
    expected = {name: (by_name[name], known.cluster_id) for name in logs}
    assert {name: wal.identity(log) for name, log in logs.items()} == expected
    for member in cluster.members:
        cluster.end(member)
    assert {name: wal.identity(log) for name, log in logs.items()} == expected


def test_the_gate_reads_the_same_ids_from_it(make_cluster, every_version, tmp_path):
    cluster = make_cluster(every_version, size=3)
    for member in cluster.members:
        layout = layout_below(tmp_path / member.name)
        Path(layout.state_dir).mkdir(parents=True)
        log = str(member.directory / "member" / "wal")
        member_id, cluster_id = wal.identity(log)
        Path(layout.marker_file).write_text(markers.render(Marker(markers.STARTED, member_id=member_id)))
        gate = tmp_path / "gate"
        gate.write_text(_gate.render(layout, []))
        for moment in ("before", "ready"):
            environment = {**os.environ, "ETCD_DATA_DIR": str(member.directory)}
            subprocess.run(["sh", str(gate), moment], env=environment, check=True)
        assert Path(layout.newest_file).read_text() == f"{wal.newest(log)} {member_id} {cluster_id}\n"


def test_a_member_that_fails_its_first_start_leaves_no_log(make_cluster, every_version, tmp_path):
    """What the gate forgets such a start by: etcd checks what it was told before it makes a log."""
    cluster = make_cluster(every_version)
    (member,) = cluster.members
    cluster.end(member)
    member.directory = tmp_path / "another"
    member.extra = ["--initial-cluster=somebody-else=http://127.0.0.1:1"]
    cluster.launch(member)
    assert member.process.wait() != 0
    assert wal.segments(str(member.directory / "member" / "wal")) == []


def test_only_a_member_that_has_begun_leaves_a_database_that_counts_as_data(make_cluster, every_version, tmp_path):
    cluster = make_cluster(every_version)
    (member,) = cluster.members
    layout = layout_below(tmp_path / "host")
    used = str(member.directory)
    cluster.end(member)
    Path(used, "member", "wal").rename(tmp_path / "away")
    assert member_storage.left(replace(layout, data_dir=used)) == f"{used}/member/snap/db"
    member.directory = tmp_path / "another"
    cluster.members.append(replace(member, name="another", peer_url="http://127.0.0.1:1"))
    member.extra = ["--initial-cluster-state=existing"]
    cluster.launch(member)
    assert member.process.wait() != 0
    assert (member.directory / "member" / "snap" / "db").exists()
    assert member_storage.left(replace(layout, data_dir=str(member.directory))) == ""


class TestALogAfterAPowerCut:
    """Three members are killed at once under writers: each has written what the others may not know of."""

    @pytest.fixture
    def killed(self, make_cluster, every_version):
        cluster = make_cluster(every_version, size=3)
        writers = [threading.Thread(target=_write, args=(cluster, at)) for at in range(8)]
        for writer in writers:
            writer.start()
        with cluster.client() as client:
            while client.status().raft_index < 200:
                pass
        for member in cluster.members:
            member.process.send_signal(signal.SIGKILL)
        for member in cluster.members:
            cluster.end(member)
        for writer in writers:
            writer.join()
        return cluster

    def test_ends_behind_what_it_knows_to_be_agreed_on(self, killed):
        tails = [wal_tail.tail(_log_of(member)) for member in killed.members]
        assert all(tail.index >= tail.commit >= 150 for tail in tails)
        assert len({tail.term for tail in tails}) == 1

    def test_in_which_all_is_agreed_on_is_taken_by_etcd_and_nothing_is_discarded(self, killed):
        for member in killed.members:
            before = wal_tail.tail(_log_of(member))
            assert wal_tail.commit_all_entries(_log_of(member)) == before.index - before.commit
            member.extra = ["--force-new-cluster"]
            killed.launch(member)
            killed.wait_for(member)
            assert _DISCARDED.search(killed.log(member)) is None
            with Client([member.client_url]) as client:
                assert client.status().raft_index > before.index
            killed.end(member)

    def test_that_is_torn_ends_before_that_as_etcd_says_too(self, killed):
        (member, *_others) = killed.members
        whole = wal_tail.tail(_log_of(member))
        path = Path(wal.segments(_log_of(member))[-1])
        content = path.read_bytes().rstrip(b"\0")
        # The last sector that was to be written was not.
        path.write_bytes(content[: len(content) - len(content) % 512].ljust(path.stat().st_size, b"\0"))
        torn = wal_tail.tail(_log_of(member))
        assert torn.index <= whole.index
        wal_tail.commit_all_entries(_log_of(member))
        member.extra = ["--force-new-cluster"]
        killed.launch(member)
        killed.wait_for(member)
        with Client([member.client_url]) as client:
            assert client.status().raft_index > torn.index

    def test_of_several_segments_is_read_to_its_end(self, make_cluster, version):
        cluster = make_cluster(version)
        (member,) = cluster.members
        with cluster.client() as client:
            while len(wal.segments(_log_of(member))) < 2:
                client.put("large", "x" * 1_000_000)
            applied = client.status().raft_index
        cluster.end(member)
        tail = wal_tail.tail(_log_of(member))
        assert (tail.index, tail.torn) == (applied, False)


#: Of its log, in 3.4 and since.
_DISCARDED = re.compile(r"discarding .*uncommitted")


def _log_of(member):
    return str(member.directory / "member" / "wal")


def _write(cluster, at):
    with Client([cluster.members[0].client_url], timeout=5.0) as client, contextlib.suppress(EtcdError):
        for number in itertools.count():
            client.put(f"key/{at}/{number}", "value" * 20)
