# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gives a member its update, and whether it restarts in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER
from ansible_collections.quorum.etcd.plugins.module_utils._plan import drift
from inventory_of import LAYOUT, VERSION, bare, member_list, seeing, serving, stopped

FILES = (LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file, LAYOUT.link("etcdctl"))
MEMBER = member_list(1)[0]


def update(host, member=MEMBER):
    return drift.find(host, member, VERSION)


def only(found):
    assert found is not None
    (why,) = found.why
    return why


@pytest.mark.parametrize("host", [serving(bare()), stopped(bare()), serving(bare(tls=True))])
def test_a_member_as_it_should_be_has_none(host):
    assert update(host, replace(MEMBER, peer_urls=list(host.wanted.member.peer_urls))) is None


class TestFiles:
    def changed(self, path, **changes):
        host = serving(bare())
        return seeing(host, files={path: changes})

    @pytest.mark.parametrize("path", FILES)
    def test_that_are_missing(self, path):
        assert f"{path} is missing" in update(self.changed(path, exists=False)).why

    @pytest.mark.parametrize("path", FILES)
    def test_that_somebody_edited_are_put_right_without_a_restart(self, path):
        """What runs is still what is wanted."""
        found = update(self.changed(path, sha256="another"))
        assert (only(found), found.restart) == (f"{path} differs", False)

    @pytest.mark.parametrize("path", FILES)
    @pytest.mark.parametrize("change", [{"mode": "0777"}, {"owner": "nobody"}, {"group": "users"}])
    def test_with_another_mode_or_owner(self, path, change):
        assert only(update(self.changed(path, **change))).startswith(f"{path} is ")

    @pytest.mark.parametrize("tool", ["etcd", "etcdutl"])
    def test_links_that_point_elsewhere(self, tool):
        found = update(self.changed(LAYOUT.link(tool), link="/usr/bin/true"))
        target = f"{LAYOUT.release_dir(VERSION, 'amd64')}/{tool}"
        assert (only(found), found.restart) == (f"{LAYOUT.link(tool)} does not point to {target}", False)

    def test_of_a_stopped_member_count_too_and_it_starts(self):
        host = stopped(bare())
        files = {LAYOUT.conf_file: {"sha256": "another"}}
        assert update(seeing(host, files=files)).restart


class TestCertificates:
    def test_that_are_due_are_issued_without_a_restart(self):
        reasons = {"etcd": ["it ends in 3 days.", "it lacks 10.0.0.9."], "admin": ["it is missing."]}
        host = replace(serving(bare(tls=True)), authorities=Authorities("/pki", renew=reasons))
        found = update(host, replace(MEMBER, peer_urls=list(host.wanted.member.peer_urls)))
        assert found.why == (
            f"{LAYOUT.certificate('etcd')} is issued anew: it ends in 3 days",
            f"{LAYOUT.certificate('etcd')} is issued anew: it lacks 10.0.0.9",
            f"{LAYOUT.certificate('admin')} is issued anew: it is missing",
        )
        assert not found.restart

    def test_bundles_that_are_not_those_of_the_controller(self):
        path = LAYOUT.certificate("peer-ca")
        host = replace(serving(bare()), authorities=Authorities("/pki", bundles={path: "wanted"}))
        assert only(update(host)) == f"{path} does not hold the CAs of /pki"
        assert update(seeing(host, files={path: {"exists": True, "sha256": "wanted"}})) is None


class TestWhatRuns:
    def test_and_was_started_with_other_files_restarts(self):
        host = serving(bare())
        for path in host.seen.record:
            found = update(seeing(host, record={path: "what it was"}))
            assert (only(found), found.restart) == (f"it runs with another {path}", True)

    def test_is_judged_by_its_environment_where_the_record_is_lost(self):
        host = serving(bare())
        environment = {**host.seen.runtime.environment, "ETCD_LOG_LEVEL": "debug"}
        lost = seeing(seeing(host, runtime={"environment": environment}), record=dict.fromkeys(host.seen.record, ""))
        lost = replace(lost, seen=replace(lost.seen, record={}))
        assert (only(update(lost)), update(lost).restart) == ("it runs with ETCD_LOG_LEVEL=debug, not info", True)

    def test_from_another_directory_restarts_where_there_is_no_record(self):
        """A member of somebody else's unit, which has no gate: it would go on under files that it never read."""
        identity = {"pid": 100, "started": 1, "executable": "/usr/bin/etcd"}
        host = seeing(serving(bare()), runtime={"identity": identity})
        found = update(replace(host, seen=replace(host.seen, record={})))
        binary = f"{LAYOUT.release_dir(VERSION, 'amd64')}/etcd"
        assert (only(found), found.restart) == (f"it runs /usr/bin/etcd, not {binary}", True)

    def test_with_a_setting_of_a_drop_in_never_restarts(self):
        """It would come back the same, in every run anew."""
        host = serving(bare())
        environment = {**host.seen.runtime.environment, "ETCD_LOG_LEVEL": "debug"}
        sources = [[LAYOUT.conf_file, {}], ["/etc/mine.env", {"ETCD_LOG_LEVEL": "debug"}]]
        host = seeing(host, runtime={"environment": environment, "sources": sources})
        assert update(host) is None
        assert list(drift.overridden_settings(host, VERSION)) == [
            "etcd-host0 runs with ETCD_LOG_LEVEL=debug, not info, because of /etc/mine.env. Change it there."
        ]

    @pytest.mark.parametrize("reload", [False, True])
    def test_with_a_setting_of_a_drop_in_that_is_gone_restarts(self, reload):
        """Nothing on the host says so any more, or systemd has not read its files since."""
        host = serving(bare())
        environment = {**host.seen.runtime.environment, "ETCD_MAX_TXN_OPS": "256"}
        sources = [["Environment= of etcd.service", {"ETCD_MAX_TXN_OPS": "256"}]] if reload else []
        host = seeing(
            host,
            runtime={"environment": environment, "sources": [*sources, [LAYOUT.conf_file, {}]]},
            unit={"need_daemon_reload": reload},
        )
        assert (only(update(host)), update(host).restart) == ("it runs with ETCD_MAX_TXN_OPS=256, not (unset)", True)
        assert list(drift.overridden_settings(host, VERSION)) == []

    def test_gets_its_settings_changed_with_a_restart(self):
        host = serving(bare())
        other = replace(host, wanted=bare(etcd_settings={"heartbeat-interval": 150}).wanted)
        found = update(other)
        assert found.restart
        assert f"{LAYOUT.conf_file} differs" in found.why

    def test_under_another_name_is_renamed_with_a_restart(self):
        """Its id and its data stay."""
        other = replace(serving(bare()), wanted=bare(NODE_NAME="infra0").wanted)
        found = update(other)
        assert (found.restart, found.peer_urls) == (True, ())


class TestATurnThatWasInterrupted:
    def test_is_finished(self):
        assert only(update(seeing(serving(bare()), previous=True))) == "its last update was interrupted"

    def test_and_restarts_once_if_what_runs_is_not_what_its_gate_saw(self):
        host = serving(bare())
        environment = {**host.seen.runtime.environment, "ETCD_LOG_LEVEL": "debug"}
        found = update(seeing(seeing(host, runtime={"environment": environment}), previous=True))
        assert found.restart
        assert "it runs with ETCD_LOG_LEVEL=debug, not info" in found.why


class TestAPeerUrlThatDiffers:
    ELSEWHERE = "http://10.9.9.9:2380"

    def member(self):
        return replace(MEMBER, peer_urls=[self.ELSEWHERE])

    def test_and_was_derived_is_refused_naming_both(self):
        with pytest.raises(Refused) as caught:
            drift.check_address(serving(bare()), self.member())
        text = str(caught.value)
        assert self.ELSEWHERE in text
        assert "http://10.0.0.1:2380 (from ansible_host)" in text
        assert "Write etcd_address for etcd-host0" in text
        assert update(serving(bare()), self.member()) is None

    def test_and_was_written_is_a_turn_with_a_restart(self):
        host = serving(bare(etcd_address="10.0.0.1"))
        drift.check_address(host, self.member())
        found = update(host, self.member())
        assert (found.restart, found.peer_urls) == (True, ("http://10.0.0.1:2380",))
        assert only(found) == "its peer URL becomes http://10.0.0.1:2380"

    def test_in_its_order_only_does_not_differ(self):
        nodes = "etcd-host0=http://10.0.0.1:2380,etcd-host0=http://10.1.0.1:2380"
        host = serving(bare(ETCD_NODES=nodes))
        assert update(host, replace(MEMBER, peer_urls=["http://10.1.0.1:2380", "http://10.0.0.1:2380"])) is None


class TestTheTimer:
    TIMER = LAYOUT.snapshot_timer

    def host(self, base=None, **timer):
        """A member whose snapshots are saved by the clock."""
        host = base or bare()
        wanted = replace(host.wanted, snapshots=replace(host.wanted.snapshots, schedule="daily"))
        runs = {"enabled": "enabled", "active_state": "active", **timer}
        return seeing(serving(replace(host, wanted=wanted)), timer=runs)

    def test_that_runs_is_no_reason(self):
        assert update(self.host()) is None

    @pytest.mark.parametrize("lacks", [{"enabled": "disabled"}, {"active_state": "inactive"}, {"enabled": ""}])
    def test_that_does_not_is_one_without_a_restart(self, lacks):
        found = update(self.host(**lacks))
        assert only(found).startswith(f"{self.TIMER} is ")
        assert found.restart is False

    def test_that_is_masked_is_the_operators(self):
        assert update(self.host(enabled="masked", active_state="inactive")) is None

    def test_that_is_there_without_a_schedule_goes(self):
        host = seeing(serving(bare()), files={LAYOUT.snapshot_timer_file: {"exists": True}})
        assert only(update(host)) == f"{LAYOUT.snapshot_timer_file} is there, and etcd_snapshot_schedule is empty"

    def test_of_a_member_that_stands_still_waits_for_it(self):
        host = self.host(enabled="disabled")
        assert update(seeing(host, runtime=None)) is None

    def test_and_its_program_are_replaced_without_a_restart(self):
        host = serving(bare())
        wanted = replace(host.wanted, snapshots=replace(host.wanted.snapshots, program="another"))
        found = update(replace(host, wanted=wanted))
        assert (only(found), found.restart) == (f"{LAYOUT.snapshot_program} is not the one of this release", False)

    def test_follows_another_interpreter_of_its_host(self):
        host = seeing(serving(bare()), host={"interpreter": "/usr/bin/python3.13"})
        found = update(host)
        assert found.why == tuple(f"{file} differs" for file in (LAYOUT.link("etcdctl"), LAYOUT.snapshot_unit_file))
        assert not found.restart


class TestTheFormOfTheSettings:
    YAML = replace(LAYOUT, config_format="yaml")

    def switched(self, was, becomes, **seen):
        """A member that serves with its settings in one form, and is to have them in another."""
        host = serving(bare(layout=was))
        host = replace(host, wanted=replace(host.wanted, layout=becomes))
        return replace(host, seen=replace(host.seen, **seen))

    def test_of_a_member_as_it_should_be_is_no_reason(self):
        assert update(serving(bare(layout=self.YAML))) is None

    @pytest.mark.parametrize("recorded", [True, False])
    @pytest.mark.parametrize("to_yaml", [True, False])
    def test_that_changes_restarts_the_member(self, to_yaml, recorded):
        was, becomes = (LAYOUT, self.YAML) if to_yaml else (self.YAML, LAYOUT)
        found = update(self.switched(was, becomes, **({} if recorded else {"record": {}})))
        assert found.restart
        assert f"{becomes.conf_file} is missing" in found.why
        reads = "its environment" if to_yaml else "a file"
        assert f"it reads {reads} instead of {becomes.conf_file}" in found.why

    def test_what_the_gate_recorded_tells_of_a_file_and_its_loss_is_a_reason(self):
        host = seeing(serving(bare(layout=self.YAML)), record={self.YAML.conf_file: "another"})
        assert f"it runs with another {self.YAML.conf_file}" in update(host).why
        host = serving(bare(layout=self.YAML))
        found = update(replace(host, seen=replace(host.seen, record={})))
        assert found.restart
        assert f"which {self.YAML.conf_file} it has read is not known" in found.why

    def test_that_a_drop_in_chooses_is_said_and_never_restarts(self):
        """It would read that file again, in every run anew."""
        place = "ExecStart= of etcd.service (/etc/systemd/system/etcd.service.d/mine.conf)"
        host = serving(bare())
        runs = {
            "command": ["/opt/etcd/etcd", "--config-file=/etc/mine.yml"],
            "environment": {**host.seen.runtime.environment, "ETCD_CONFIG_FILE": "/etc/mine.yml"},
            "sources": [*host.seen.runtime.sources, (place, {"ETCD_CONFIG_FILE": "/etc/mine.yml"})],
        }
        host = seeing(host, runtime=runs)
        assert update(host) is None
        (said,) = drift.overridden_settings(host, VERSION)
        assert "ETCD_CONFIG_FILE=/etc/mine.yml" in said and place in said

    def test_that_changed_alone_is_no_settings_that_no_restart_mends(self):
        assert list(drift.overridden_settings(self.switched(LAYOUT, self.YAML), VERSION)) == []


class TestAMemberInAContainer:
    IMAGE, OTHER = "2f" * 32, "3a" * 32

    def host(self, image=IMAGE):
        """One that serves out of an image, and is to have this one."""
        layout = replace(LAYOUT, install_method=CONTAINER)
        host = bare(layout=layout)
        host = replace(host, wanted=replace(host.wanted, container=Container("podman", "", {VERSION: self.IMAGE})))
        host = serving(host)
        return replace(host, wanted=replace(host.wanted, container=Container("podman", "", {VERSION: image})))

    def test_that_has_its_image_is_as_it_should_be(self):
        assert drift.find(self.host(), None, VERSION) is None

    def test_restarts_for_another_image_of_its_version(self):
        found = drift.find(self.host(self.OTHER), None, VERSION)
        assert found.restart
        assert f"it runs with another {LAYOUT.unit_file}" in found.why

    def test_has_a_release_if_it_came_as_that_image(self):
        host = self.host()
        there = replace(host.seen, releases=[VERSION], images={VERSION: f"podman {self.IMAGE}"})
        assert replace(host, seen=there).has_release(VERSION)
        assert not replace(host, seen=replace(there, images={})).has_release(VERSION)
        assert not replace(host, seen=replace(there, images={VERSION: f"docker {self.IMAGE}"})).has_release(VERSION)
        assert not replace(host, seen=replace(there, images={VERSION: f"podman {self.OTHER}"})).has_release(VERSION)
