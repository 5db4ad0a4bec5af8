# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms


def member(at):
    return ClusterMember(f"a{at}", f"m{at}", [f"https://10.0.0.{at}:2380"], [f"https://10.0.0.{at}:2379"])


def spare(size, healthy=None):
    members = [member(at) for at in range(1, size + 1)]
    votes = Votes(members, frozenset(one.id for one in members[: healthy or size]))
    return MaintenanceWindow("a1", ["https://10.0.0.2:2379"], Credentials(), votes, None)


@pytest.mark.parametrize("size", [1, 2])
def test_who_is_needed_for_the_quorum_is_announced(size):
    assert spare(size).notes == ["m1 is needed for the quorum: while it is down nobody can write."]


def test_who_is_not_needed_is_not_announced():
    assert spare(3).notes == []
    lost = MaintenanceWindow("a9", [], Credentials(), spare(2).votes, None)
    assert (lost.notes, lost.peer_urls) == ([], ())


def test_that_nobody_can_have_the_lock_is_announced():
    (note,) = replace(spare(3), unlocked=True).notes
    assert note.startswith("Under NOSPACE etcd keeps no lock for anybody")
    assert len(replace(spare(2), unlocked=True).notes) == 2


def test_what_the_cluster_knows_a_member_by_is_told():
    assert spare(3).peer_urls == ("https://10.0.0.1:2380",)


@pytest.mark.parametrize("damaged", [True, False])
def test_a_member_that_does_not_answer_is_known_by_its_marker(layout, monkeypatch, damaged):
    """Its log may be damaged, or lie where the caller does not know of."""
    Path(layout.state_dir).mkdir(parents=True)
    Path(layout.marker_file).write_text(markers.render(Marker(markers.STARTED, member_id="a1")))
    if damaged:
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, "0.wal").write_bytes(struct.pack("<Q", 24) + b"\xff" * 24)
    monkeypatch.setattr(maintenance.queries, "votes", lambda *_args: spare(3, healthy=2).votes)
    terms = Terms("stop", ["https://10.0.0.2:2379"])
    with pytest.raises(Refused, match=r"Without m1, 1 of 3 voters would be healthy"):
        maintenance.spared(View(), layout, terms, check=True).__enter__()


@pytest.mark.parametrize("check", [True, False])
def test_a_member_that_does_not_say_who_the_others_are_is_not_judged(layout, check):
    view = View(error="no answer within 3 s.")
    with pytest.raises(Refused, match=r"no answer within 3 s\. .* Name their client URLs \(endpoints\)"):
        maintenance.claimed(view, layout, Terms("restart"), check).__enter__()
