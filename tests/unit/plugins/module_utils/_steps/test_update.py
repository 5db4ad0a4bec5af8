# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an update does on its host alone; what it does in a cluster is tried on real ones."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, rollback
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._steps import update, way_back
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms
from ansible_collections.quorum.etcd.plugins.module_utils._steps.update import Update
from ansible_collections.quorum.etcd.plugins.module_utils._steps.way_back import UpdatedHost

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes a member's files")

PLANNED = Marker(markers.STARTED, cluster="prod", name="etcd-host0", token="t", member_id="8e9e", cluster_id="cdf8")
ENDED = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "MainPID": "0"}


@pytest.fixture
def host(service_manager, layout):
    """A member that has run and has ended."""
    service_manager.units[layout.unit] = dict(ENDED)
    for directory in (layout.state_dir, layout.log_dir, layout.conf_dir):
        Path(directory).mkdir(parents=True)
    Path(layout.log_dir, "0.wal").touch()
    mark(layout, PLANNED)
    Path(layout.conf_file).write_text("old\n")
    return service_manager


def mark(layout, marker):
    Path(layout.marker_file).write_text(markers.render(marker))


def content(layout, text="new\n", owner="root"):
    return Content(
        [
            {"path": layout.conf_file, "content": text, "mode": "0644", "owner": "root", "group": "root"},
            {"path": layout.gate_file, "content": "#!/bin/sh\n", "mode": "0755", "owner": owner, "group": "root"},
        ],
        {layout.link("etcd"): "/opt/etcd/etcd"},
        {},
        {},
    )


def take(host, layout, sent=None, check=False, **changes):
    asked = {"expected": PLANNED, "name": "etcd-host0", "restart": False, "peer_urls": [], "environment": {}}
    terms = changes.pop("terms", Terms("update"))
    one = Update(**{**asked, "timeout": 0.0, **changes})
    return update.apply(host.systemd, layout, sent or content(layout), one, terms, check)


def settings(layout):
    return Path(layout.conf_file).read_text()


def kept(layout):
    return os.path.exists(rollback.path_of(layout))


def started(layout, text):
    """What the gate wrote down at the last start."""
    Path(layout.run_dir).mkdir(parents=True, exist_ok=True)
    Path(layout.conf_file).with_suffix(".read").write_text(text)
    digest = host_files.describe(str(Path(layout.conf_file).with_suffix(".read")))["sha256"]
    Path(layout.run_dir, "started").write_text(f"{digest}  {layout.conf_file}\n")


class TestATurnWithoutARestart:
    def test_puts_files_right_and_keeps_nothing(self, host, layout):
        result = take(host, layout)
        assert result["changed"]
        assert {one["before_header"] for one in result["diff"]} == {
            layout.conf_file,
            layout.gate_file,
            layout.link("etcd"),
        }
        assert settings(layout) == "new\n"
        assert os.readlink(layout.link("etcd")) == "/opt/etcd/etcd"
        assert host.done == ["daemon-reload"]
        assert not kept(layout)

    def test_changes_nothing_where_all_is_right(self, host, layout):
        take(host, layout)
        assert not take(host, layout)["changed"]

    def test_says_what_the_process_reads_differently(self, host, layout):
        started(layout, "old\n")
        (note,) = take(host, layout)["notes"]
        assert note.startswith(f"{layout.conf_file} was changed by somebody else")

    def test_begins_nothing_before_the_one_that_was_interrupted_is_seen_to_serve(self, host, layout):
        rollback.keep(layout, [layout.conf_file])
        with pytest.raises(HostError, match="ends as soon as it starts"):
            take(host, layout)
        assert settings(layout) == "old\n"
        assert kept(layout)

    def test_does_not_forget_which_member_it_is(self, host, layout):
        take(host, layout)
        assert host_files.read_marker(layout) == PLANNED

    def test_that_fails_is_undone_and_restarts_nothing(self, host, layout):
        with pytest.raises(
            HostError, match=r"update of etcd-host0 failed and was undone: .* it did not stop\. There is no"
        ):
            take(host, layout, content(layout, owner="no-such-user"))
        assert settings(layout) == "old\n"
        assert not os.path.exists(layout.gate_file)
        assert host.done == ["daemon-reload"]
        assert not kept(layout)

    def test_in_check_mode_only_looks(self, host, layout):
        assert take(host, layout, check=True)["diff"]
        assert (settings(layout), host.done, kept(layout)) == ("old\n", [], False)
        assert not os.path.exists(layout.run_dir)


class TestATurnWithARestart:
    def test_of_a_member_that_ends_again_puts_its_files_back_and_says_why(self, host, layout):
        with pytest.raises(HostError, match="putting its previous files back failed too") as caught:
            take(host, layout, restart=True)
        assert str(caught.value).count("its last words") == 2
        assert f"kept in {rollback.path_of(layout)}" in str(caught.value)
        assert settings(layout) == "old\n"
        assert host.done.count(f"restart --no-block {layout.unit}") == 2
        assert kept(layout)

    def test_of_a_member_that_was_down_keeps_files_that_nobody_has_seen_serve(self, host, layout):
        with pytest.raises(HostError, match="run the same command again: it begins with this member"):
            take(host, layout, restart=True)
        assert rollback.read(layout).doubtful

    def test_is_refused_where_its_gate_would_refuse_it(self, host, layout):
        os.unlink(f"{layout.log_dir}/0.wal")
        with pytest.raises(Refused, match="There is no write-ahead log"):
            take(host, layout, restart=True)
        assert (settings(layout), host.done, kept(layout)) == ("old\n", [], False)


class TestAMarker:
    @pytest.mark.parametrize(
        "meanwhile", [{"state": "leaving"}, {"token": "u"}, {"member_id": "1"}, {"cluster": "b"}, {"name": "n"}, None]
    )
    def test_that_changed_since_the_plan_is_refused(self, host, layout, meanwhile):
        if meanwhile is None:
            os.unlink(layout.marker_file)
        else:
            mark(layout, replace(PLANNED, **meanwhile))
        with pytest.raises(Refused, match="Somebody else changed this host meanwhile"):
            take(host, layout)
        assert settings(layout) == "old\n"

    @pytest.mark.parametrize(
        "planned",
        [{"state": "starting"}, {"member_id": "", "cluster_id": ""}],
        ids=["by the gate", "by an earlier step"],
    )
    def test_that_moved_on_by_itself_is_not(self, host, layout, planned):
        take(host, layout, expected=replace(PLANNED, **planned))
        assert settings(layout) == "new\n"


def unit_of(version):
    return f"ExecStart=/opt/etcd/etcd-v{version}-linux-amd64/etcd\n"


class TestAnotherRelease:
    """Another run may have upgraded the member since this plan was made."""

    @pytest.fixture
    def upgraded(self, host, layout):
        Path(layout.unit_file).write_text(unit_of("3.7.1"))
        return host

    @pytest.fixture
    def told(self, monkeypatch):
        """What the other member says at /version."""
        found = {}
        monkeypatch.setattr(peer_port, "versions", lambda _urls, _side: found)
        return found

    def older(self, host, layout, **changes):
        unit = {"path": layout.unit_file, "content": unit_of("3.6.14"), "mode": "0644", "owner": "root"}
        sent = Content([{**unit, "group": "root"}], {}, {}, {})
        terms = Terms("update", members=[{"id": "1", "peer_urls": ["http://10.0.0.1:2380"], "is_learner": False}])
        return take(host, layout, sent, terms=terms, **changes)

    @pytest.mark.parametrize("restart", [False, True])
    def test_than_the_plan_saw_is_refused(self, upgraded, layout, restart):
        with pytest.raises(Refused, match=r"has etcd 3\.7\.1 now, and the plan was made for etcd 3\.6\.14") as refused:
            self.older(upgraded, layout, restart=restart, from_version="3.6.14")
        assert refused.value.code == "host-changed"
        assert Path(layout.unit_file).read_text() == unit_of("3.7.1")

    def test_than_the_plan_saw_is_no_ground_in_check_mode(self, upgraded, layout):
        """The next stage of an upgrade presumes the release of the one before."""
        assert self.older(upgraded, layout, from_version="3.5.33", restart=True, check=True)["changed"]

    @pytest.mark.parametrize(
        "said, why",
        [({}, "no other member says that the cluster speaks that minor"), ("3.7.0", r"the cluster speaks 3\.7\.0")],
    )
    def test_of_an_older_minor_is_refused_unless_the_cluster_speaks_it(self, upgraded, layout, told, said, why):
        told.update({"etcdcluster": said} if said else {})
        with pytest.raises(Refused, match=why) as refused:
            self.older(upgraded, layout, restart=True, from_version="3.7.1")
        assert refused.value.code == "version-lower"
        assert Path(layout.unit_file).read_text() == unit_of("3.7.1")

    def test_of_an_older_minor_is_tried_while_the_cluster_speaks_it(self, upgraded, layout, told):
        told.update({"etcdcluster": "3.6.0"})
        with pytest.raises(HostError, match="ends as soon as it starts"):
            self.older(upgraded, layout, restart=True, from_version="3.7.1")

    def test_is_not_written_before_the_data_of_a_member_that_is_down_are_examined(self, host, layout, told):
        """No release of 3.5 is there that could tell what 3.6 would end on."""
        Path(layout.unit_file).parent.mkdir(parents=True, exist_ok=True)
        Path(layout.unit_file).write_text(unit_of("3.5.33"))
        with pytest.raises(Refused, match="API of version 2 cannot be told") as refused:
            self.older(host, layout, restart=True, from_version="3.5.33")
        assert refused.value.code == "v2-data-left"
        assert Path(layout.unit_file).read_text() == unit_of("3.5.33")

    @pytest.mark.parametrize("answers", [True, False])
    def test_of_an_older_minor_needs_no_other_member_where_there_is_none(self, upgraded, layout, told, answers):
        """That the cluster speaks it was asked of the only member itself."""
        only = ClusterMember("8e9e", "etcd-host0", ("http://10.0.0.1:2380",), ())
        votes = Votes([only], frozenset({"8e9e"}), versions={"8e9e": "3.7.1"} if answers else {})
        window = MaintenanceWindow("8e9e", [], Credentials(), votes, None)
        on_host = UpdatedHost(upgraded.systemd, layout, 0.0, time.monotonic)
        unit = {"path": layout.unit_file, "content": unit_of("3.6.14"), "mode": "0644", "owner": "root"}
        sent = Content([{**unit, "group": "root"}], {}, {}, {})
        allowed = contextlib.nullcontext() if answers else pytest.raises(Refused, match="no other member says")
        with allowed:
            update._check_not_older(on_host, sent, "3.7.1", Terms("update"), window)


class TestUndoing:
    def undo(self, host, layout, check=False):
        return way_back.undo(host.systemd, layout, Terms("update"), timeout=0.0, check=check)

    def test_without_a_previous_set_is_nothing(self, host, layout):
        assert not self.undo(host, layout)
        assert host.done == []

    def test_in_check_mode_is_only_said(self, host, layout):
        rollback.keep(layout, [layout.conf_file])
        Path(layout.conf_file).write_text("new\n")
        assert self.undo(host, layout, check=True)
        assert (settings(layout), host.done) == ("new\n", [])

    def test_keeps_the_set_until_the_member_serves(self, host, layout):
        rollback.keep(layout, [layout.conf_file])
        Path(layout.conf_file).write_text("new\n")
        with pytest.raises(HostError, match="ends as soon as it starts"):
            self.undo(host, layout)
        assert settings(layout) == "old\n"
        assert f"restart --no-block {layout.unit}" in host.done
        assert kept(layout)

    def test_that_failed_is_written_down_so_that_the_next_run_does_not_begin_with_it_again(self, host, layout):
        rollback.keep(layout, [layout.conf_file])
        with pytest.raises(HostError):
            self.undo(host, layout)
        assert rollback.read(layout).doubtful
