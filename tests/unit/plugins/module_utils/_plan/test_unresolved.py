# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that exists is compared with the inventory: everything that is different is said, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Forget, Join, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, roster, unresolved
from inventory_of import (
    LAYOUT,
    VERSION,
    absent,
    bare,
    emptied,
    member_id,
    member_list,
    running,
    seeing,
    serving,
    silent,
    stopped,
    three,
)


def of_host(host, version=VERSION, steps=()):
    return list(unresolved.of_host(host, version, VERSION, steps))


def only(texts):
    (text,) = texts
    return text


def of_membership(hosts, steps=()):
    return list(unresolved.of_membership(hosts, roster.build(hosts), steps))


def seeing_all(listed):
    return [serving(bare(at), listed) for at in range(3)]


@pytest.mark.parametrize("tls", [False, True])
def test_a_host_as_it_should_be_has_none(tls):
    assert of_host(serving(bare(tls=tls))) == []


@pytest.mark.parametrize("at", range(3))
def test_every_difference_keeps_a_run_from_saying_that_nothing_is_to_do(at):
    hosts = [serving(host) for host in three()]
    hosts[at] = seeing(hosts[at], unit={"enabled": "disabled"})
    plan = cluster_plan.plan(hosts)
    assert plan.summary == f"3 hosts, etcd {VERSION}: different from the inventory"
    assert f"not as the inventory says: {plan.differences[0]}" in plan.text("c")


class TestWhatRuns:
    def test_another_version(self):
        text = of_host(serving(bare(), version="3.5.33"), "3.5.33")[0]
        assert text.startswith(f"etcd-host0 runs etcd 3.5.33, and the inventory asks for {VERSION}.")

    def test_of_which_one_gets_the_version_that_is_asked_for_is_none(self):
        steps = [Step("etcd-host0", "", Update(version=VERSION))]
        assert of_host(serving(bare(), version="3.5.33"), "3.5.33", steps) == []

    def test_two_minors_and_no_version_that_is_asked_for(self):
        hosts = [serving(bare(0)), serving(bare(1), version="3.5.33"), serving(bare(2))]
        assert only(unresolved.of_versions(hosts, "")).endswith(f"To go on with it: -e etcd_version={VERSION}")
        assert list(unresolved.of_versions(hosts, VERSION)) == list(unresolved.of_versions(hosts[:1], "")) == []

    @pytest.mark.parametrize(
        "name, value, said",
        [
            ("ETCD_LOG_LEVEL", "debug", "ETCD_LOG_LEVEL=debug, not info"),
            ("ETCD_LOG_LEVEL", None, "ETCD_LOG_LEVEL=(unset), not info"),
            ("ETCD_MAX_TXN_OPS", "256", "ETCD_MAX_TXN_OPS=256, not (unset)"),
        ],
    )
    def test_a_setting_of_the_users_own_with_the_source_that_makes_it(self, name, value, said):
        host = serving(bare())
        environment = {**host.seen.runtime.environment, name: value}
        environment = {key: text for key, text in environment.items() if text is not None}
        mine = ["/etc/mine.env", {name: value or "(unset)"}]
        host = seeing(host, runtime={"environment": environment, "sources": [[LAYOUT.conf_file, {}], mine]})
        assert only(of_host(host)) == f"etcd-host0 runs with {said}, because of /etc/mine.env. Change it there."

    def test_the_settings_of_its_first_start_are_none(self):
        first = {
            "ETCD_INITIAL_CLUSTER": "etcd-host0=http://10.0.0.1:2380",
            "ETCD_INITIAL_CLUSTER_TOKEN": "t",
            "ETCD_INITIAL_CLUSTER_STATE": "new",
        }
        host = serving(bare())
        assert of_host(seeing(host, runtime={"environment": {**host.seen.runtime.environment, **first}})) == []

    def test_a_unit_that_would_not_start_at_boot(self):
        assert "systemctl enable etcd.service" in only(of_host(seeing(serving(bare()), unit={"enabled": "disabled"})))

    def test_a_member_that_lost_its_data_and_stays_down(self):
        assert f"there is no write-ahead log in {LAYOUT.log_dir}: its data are gone" in only(of_host(emptied(bare())))

    def test_a_member_that_lost_its_data_and_is_replaced_is_none(self):
        assert of_host(emptied(bare()), steps=[Step("etcd-host0", "", Join())]) == []

    def test_a_member_that_serves_from_a_log_that_is_gone(self):
        """Its gate would refuse the next start."""
        assert LAYOUT.log_dir in only(of_host(seeing(serving(bare()), data={"log": False})))

    def test_a_host_without_an_answer(self):
        assert of_host(silent(bare(), "timed out.")) == ["etcd-host0 could not be looked at: timed out."]

    def test_a_host_that_is_to_be_no_member_is_none(self):
        assert of_host(absent(serving(bare()))) == []


class TestMembership:
    STRANGER: ClassVar = replace(member_list()[0], id="ff", name="", peer_urls=["http://10.0.0.9:2380"])

    def test_as_it_should_be(self):
        assert of_membership(seeing_all(member_list())) == []

    def test_a_member_that_no_host_of_the_inventory_is(self):
        text = only(of_membership(seeing_all([*member_list(), self.STRANGER])))
        assert text.startswith("Member ff (not started, http://10.0.0.9:2380) is on no host of this inventory.")
        assert "It is counted for quorum, and is left alone." in text

    def test_a_member_that_a_step_removes_is_none(self):
        steps = [Step("etcd-host0", "", Forget(member_id="ff"))]
        assert of_membership(seeing_all([*member_list(), self.STRANGER]), steps) == []

    def test_a_silent_host_may_be_the_member_that_is_missing(self):
        assert of_membership([serving(bare(0)), serving(bare(1)), silent(bare(2))]) == []

    @pytest.mark.parametrize("third", [stopped(bare(2)), emptied(bare(2))])
    def test_a_stopped_member_is_none(self, third):
        assert of_membership([serving(bare(0)), serving(bare(1)), third]) == []

    def test_is_not_judged_where_nobody_serves(self):
        assert of_membership([stopped(bare(at)) for at in range(3)]) == []


class TestHealth:
    def test_a_member_that_runs_and_does_not_serve(self):
        hosts = [serving(bare(0)), serving(bare(1)), running(stopped(bare(2)))]
        assert only(unresolved.of_health(hosts)) == ("etcd-host2 runs and does not serve: nobody listens there.")

    @pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
    def test_an_alarm_is_said_of_the_member_that_has_it(self, alarm):
        alarms = [Alarm(member_id(1), alarm)]
        hosts = [seeing(serving(host), cluster={"alarms": alarms}) for host in three()]
        said = only(unresolved.of_health(hosts))
        assert said.startswith(f"etcd-host1 has the alarm {alarm}.")
        assert ("to disarm it, also once the quota is larger: ansible-playbook quorum.etcd.reclaim" in said) is (
            alarm == "NOSPACE"
        )

    def test_of_a_cluster_that_serves_is_no_difference(self):
        assert list(unresolved.of_health([serving(host) for host in three()])) == []

    def test_of_members_that_do_not_run_is_not_said_here(self):
        assert list(unresolved.of_health([stopped(host) for host in three()])) == []


def test_a_member_is_called_by_both_its_names():
    other = replace(emptied(bare(0)), name="10.0.0.1")
    assert of_host(other)[0].startswith("etcd-host0 (10.0.0.1) ")


def test_a_member_that_refuses_new_peer_connections_is_named_with_the_reason_whatever_else_is_planned():
    """It serves by those that were made before."""
    hosts = [serving(host) for host in three()]
    hosts[1] = seeing(hosts[1], refuses_peers="https://10.0.0.2:2380: it cannot use its own certificate.")
    (text,) = cluster_plan.plan(hosts).differences
    assert text.startswith("etcd-host1 refuses new peer connections: https://10.0.0.2:2380: it cannot use its own")
    hosts[0] = replace(hosts[0], wanted=bare(0, etcd_settings={"log-level": "debug"}).wanted)
    assert text in cluster_plan.plan(hosts).differences
