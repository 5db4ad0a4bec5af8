# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that exists is compared with the inventory: everything that is different is said, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _differences, _plan
from ansible_collections.quorum.etcd.plugins.module_utils._errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._marker import NEVER_STARTED, STARTED
from ansible_collections.quorum.etcd.plugins.module_utils._model import Authorities
from inventory_of import (
    LAYOUT,
    VERSION,
    bare,
    marked,
    member_id,
    member_list,
    running,
    seeing,
    serving,
    silent,
    stopped,
    three,
)


def of_host(host, version=VERSION):
    return list(_differences.of_host(host, version))


def only(texts):
    (text,) = texts
    return text


def members(*changes):
    """The member list, its entries changed in turn."""
    return [{**member, **change} for member, change in zip(member_list(), [*changes, {}, {}, {}])]


def of_membership(host, listed):
    hosts = [serving(host, listed), serving(bare(1), listed), serving(bare(2), listed)]
    return list(_differences.of_membership(hosts))


@pytest.mark.parametrize("tls", [False, True])
def test_a_host_as_it_should_be_has_none(tls):
    assert of_host(serving(bare(tls=tls))) == []


@pytest.mark.parametrize("at", range(3))
def test_every_difference_keeps_a_run_from_saying_that_nothing_is_to_do(at):
    hosts = [serving(host) for host in three()]
    hosts[at] = seeing(hosts[at], unit={"enabled": "disabled"})
    plan = _plan.plan(hosts)
    assert plan.summary == f"3 hosts, etcd {VERSION}: different from the inventory"
    assert f"not as the inventory says: {plan.differences[0]}" in plan.text("c")


class TestFiles:
    FILES = (LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file, LAYOUT.link("etcdctl"))

    def changed(self, path, **changes):
        host = serving(bare())
        return seeing(host, files={path: {**host.seen["files"][path], **changes}})

    @pytest.mark.parametrize("path", FILES)
    def test_that_are_missing(self, path):
        assert f"etcd-host0: {path} is missing." in of_host(self.changed(path, exists=False))

    @pytest.mark.parametrize("path", FILES)
    def test_with_another_content(self, path):
        texts = of_host(self.changed(path, sha256="another"))
        assert f"etcd-host0: {path} differs from what the inventory says." in texts

    @pytest.mark.parametrize("path", FILES)
    @pytest.mark.parametrize("change", [{"mode": "0777"}, {"owner": "nobody"}, {"group": "users"}])
    def test_with_another_mode_or_owner(self, path, change):
        assert only(of_host(self.changed(path, **change))).startswith(f"etcd-host0: {path} is ")

    @pytest.mark.parametrize("tool", ["etcd", "etcdutl"])
    def test_links_that_point_elsewhere(self, tool):
        text = only(of_host(self.changed(LAYOUT.link(tool), link="/usr/bin/true")))
        assert text == (
            f"etcd-host0: {LAYOUT.link(tool)} does not point to {LAYOUT.release_dir(VERSION, 'amd64')}/{tool}."
        )

    def test_that_a_stopped_member_has_count_too(self):
        host = stopped(bare())
        files = {LAYOUT.conf_file: {**host.seen["files"][LAYOUT.conf_file], "sha256": "another"}}
        assert len(of_host(seeing(host, files=files))) == 1

    def test_of_a_member_that_never_ran_are_written_anew_and_no_difference(self):
        host = marked(bare(), NEVER_STARTED)
        files = {LAYOUT.conf_file: {**host.seen["files"][LAYOUT.conf_file], "sha256": "another"}}
        assert of_host(seeing(host, files=files)) == []


class TestCertificates:
    def test_that_are_due(self):
        reasons = {"etcd": ["it ends in 3 days.", "it lacks 10.0.0.9."], "admin": ["it is missing."]}
        texts = of_host(replace(serving(bare(tls=True)), authorities=Authorities("/pki", renew=reasons)))
        assert texts == [
            f"etcd-host0: {LAYOUT.certificate('etcd')} should be issued anew: it ends in 3 days.",
            f"etcd-host0: {LAYOUT.certificate('etcd')} should be issued anew: it lacks 10.0.0.9.",
            f"etcd-host0: {LAYOUT.certificate('admin')} should be issued anew: it is missing.",
        ]

    def test_bundles_that_are_not_those_of_the_controller(self):
        path = LAYOUT.certificate("peer-ca")
        authorities = Authorities("/pki", bundles={path: "wanted"})
        host = replace(serving(bare(tls=True)), authorities=authorities)
        assert of_host(host) == [f"etcd-host0: {path} does not hold the CAs of /pki."]
        assert of_host(seeing(host, files={path: {"exists": True, "sha256": "wanted"}})) == []


class TestWhatRuns:
    def test_another_version(self):
        text = of_host(serving(bare(), version="3.5.33"))[0]
        assert text.startswith(f"etcd-host0 runs etcd 3.5.33, and the inventory asks for {VERSION}.")

    def test_a_file_that_was_changed_after_the_start(self):
        host = serving(bare())
        for path in host.seen["record"]:
            text = only(of_host(seeing(host, record={path: "what it was"})))
            assert text == f"etcd-host0: {path} was changed after the member started; what runs is still the old."

    @pytest.mark.parametrize(
        "name, value, said",
        [
            ("ETCD_LOG_LEVEL", "debug", "ETCD_LOG_LEVEL=debug, not info"),
            ("ETCD_LOG_LEVEL", None, "ETCD_LOG_LEVEL=(unset), not info"),
            ("ETCD_MAX_TXN_OPS", "256", "ETCD_MAX_TXN_OPS=256, not (unset)"),
        ],
    )
    def test_other_settings_with_the_drop_ins_that_may_be_their_cause(self, name, value, said):
        host = serving(bare())
        environment = {**host.seen["runtime"]["environment"], name: value}
        environment = {key: text for key, text in environment.items() if text is not None}
        host = seeing(host, runtime={"environment": environment})
        assert only(of_host(host)) == f"etcd-host0 runs with {said}."
        drop_in = "/etc/systemd/system/etcd.service.d/mine.conf"
        assert f"(drop-ins: {drop_in})" in only(of_host(seeing(host, unit={"drop_in_paths": [drop_in]})))

    def test_the_settings_of_its_first_start_are_none(self):
        first = {
            "ETCD_INITIAL_CLUSTER": "etcd-host0=http://10.0.0.1:2380",
            "ETCD_INITIAL_CLUSTER_TOKEN": "t",
            "ETCD_INITIAL_CLUSTER_STATE": "new",
        }
        host = serving(bare())
        assert of_host(seeing(host, runtime={"environment": {**host.seen["runtime"]["environment"], **first}})) == []

    def test_a_unit_that_would_not_start_at_boot(self):
        assert "systemctl enable etcd.service" in only(of_host(seeing(serving(bare()), unit={"enabled": "disabled"})))

    def test_a_member_that_lost_its_data_and_stays_down(self):
        lost = seeing(stopped(bare()), data={"log": False, "member_id": "", "cluster_id": ""})
        assert f"there is no write-ahead log in {LAYOUT.log_dir}: its data are gone" in only(of_host(lost))

    def test_a_member_that_serves_from_a_log_that_is_gone(self):
        """Its gate would refuse the next start."""
        assert LAYOUT.log_dir in only(of_host(seeing(serving(bare()), data={"log": False})))

    def test_a_host_without_an_answer(self):
        assert of_host(silent(bare(), "timed out.")) == ["etcd-host0 could not be looked at: timed out."]

    def test_a_host_that_is_no_member(self):
        assert "it is no member of this cluster" in only(of_host(bare()))


class TestMembership:
    def test_as_it_should_be(self):
        assert of_membership(bare(0), member_list()) == []

    def test_another_name(self):
        text = only(of_membership(bare(0), members({"name": "infra0"})))
        assert "etcd-host0 is called 'infra0' in the cluster" in text

    def test_a_learner(self):
        assert only(of_membership(bare(0), members({"is_learner": True}))) == (
            "etcd-host0 is a learner: it does not vote."
        )

    def test_a_member_that_no_host_of_the_inventory_is(self):
        extra = {**member_list()[0], "id": "ff", "name": "", "peer_urls": ["http://10.0.0.9:2380"]}
        text = only(of_membership(bare(0), [*member_list(), extra]))
        assert text.startswith("Member ff (not started, http://10.0.0.9:2380) is on no host of this inventory.")

    def test_a_member_that_the_cluster_does_not_have(self):
        listed = member_list()[1:]
        text = only(of_membership(bare(0), listed))
        assert text.startswith(f"etcd-host0 has the data of member {member_id(0)}, which the cluster's member list ")

    def test_a_silent_host_may_be_the_member_that_is_missing(self):
        assert list(_differences.of_membership([serving(bare(0)), serving(bare(1)), silent(bare(2))])) == []

    def test_a_stopped_member_is_known_by_its_log(self):
        hosts = [serving(bare(0)), serving(bare(1)), stopped(bare(2))]
        assert list(_differences.of_membership(hosts)) == []

    def test_a_member_without_data_is_known_by_its_marker(self):
        lost = seeing(stopped(bare(2)), data={"log": False, "member_id": "", "cluster_id": ""})
        assert list(_differences.of_membership([serving(bare(0)), serving(bare(1)), lost])) == []

    def test_a_member_that_never_started_is_known_by_its_peer_urls(self):
        hosts = [serving(bare(0), members({}, {}, {"name": ""})), marked(bare(2), NEVER_STARTED)]
        assert not [text for text in _differences.of_membership(hosts) if member_id(2) in text]

    def test_is_not_judged_where_nobody_serves(self):
        assert list(_differences.of_membership([stopped(bare(at)) for at in range(3)])) == []


class TestAPeerUrlThatDiffers:
    ELSEWHERE = {"peer_urls": ["http://10.9.9.9:2380"]}

    def test_and_was_derived_is_refused_naming_both(self):
        with pytest.raises(Refused) as caught:
            of_membership(bare(0), members(self.ELSEWHERE))
        text = str(caught.value)
        assert "http://10.9.9.9:2380" in text
        assert "http://10.0.0.1:2380 (from ansible_host)" in text
        assert "Write etcd_address for etcd-host0" in text

    def test_and_was_written_is_a_difference(self):
        text = only(of_membership(bare(0, etcd_address="10.0.0.1"), members(self.ELSEWHERE)))
        assert "known to its cluster as http://10.9.9.9:2380, and the inventory says http://10.0.0.1:2380" in text
        assert "put etcd_address back" in text

    def test_in_its_order_only_does_not_differ(self):
        nodes = ",".join(
            f"etcd-host{at}=http://10.0.0.{at + 1}:2380,etcd-host{at}=http://10.1.0.{at + 1}:2380" for at in range(3)
        )
        hosts = [bare(at, ETCD_NODES=nodes) for at in range(3)]
        listed = [
            {**member, "peer_urls": [f"http://10.1.0.{at + 1}:2380", f"http://10.0.0.{at + 1}:2380"]}
            for at, member in enumerate(member_list())
        ]
        assert list(_differences.of_membership([serving(host, listed) for host in hosts])) == []


class TestHealth:
    def test_a_member_that_runs_and_does_not_serve(self):
        hosts = [serving(bare(0)), serving(bare(1)), running(stopped(bare(2)))]
        assert only(_differences.of_health(hosts)) == ("etcd-host2 runs and does not serve: nobody listens there.")

    def test_an_alarm_is_said_of_the_member_that_has_it(self):
        alarms = [{"member_id": member_id(1), "alarm": "NOSPACE"}]
        hosts = [seeing(serving(host), cluster={"alarms": alarms}) for host in three()]
        assert only(_differences.of_health(hosts)) == "etcd-host1 has the alarm NOSPACE."

    def test_of_a_cluster_that_serves_is_no_difference(self):
        assert list(_differences.of_health([serving(host) for host in three()])) == []

    def test_of_members_that_do_not_run_is_not_said_here(self):
        assert list(_differences.of_health([stopped(host) for host in three()])) == []


def test_a_member_is_called_by_both_its_names():
    host = marked(bare(0), STARTED)
    other = replace(host, name="10.0.0.1")
    assert of_host(other)[0].startswith("etcd-host0 (10.0.0.1) ")
