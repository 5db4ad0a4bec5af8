# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that the operator wants restarted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Start, Update
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import bare, member_id, saying, seeing, serving, stopped, three

ASKED = "etcd_restart asks for it"


def cluster(*words, hosts=None):
    return [saying(host, restart=words) for host in hosts or map(serving, three())]


def restarted(hosts, **given):
    return [step.host for step in cluster_plan.plan(hosts, **given).steps if step.restarts]


def test_all_members_are_restarted_one_after_the_other_and_the_leader_last():
    plan = cluster_plan.plan(cluster("all"))
    assert [len(wave) for wave in plan.waves] == [1, 1, 1]
    assert [step.host for step in plan.steps] == ["etcd-host1", "etcd-host2", "etcd-host0"]
    assert plan.steps[0].title == f"etcd-host1: restart, because {ASKED}"


@pytest.mark.parametrize("word", ["etcd-host1", member_id(1), "10.0.0.2"])
def test_one_member_is_named_by_any_word_for_it(word):
    assert restarted(cluster(word)) == ["etcd-host1"]


def test_the_step_is_an_update_which_the_others_report_before():
    (step,) = cluster_plan.plan(cluster("etcd-host1")).steps
    assert isinstance(step.act, Update)
    assert (step.act.restart, set(step.act.witnesses)) == (True, {"etcd-host0", "etcd-host2"})


def test_it_is_done_once_for_a_command():
    assert restarted(cluster("all"), verifying=True) == []


def test_another_reason_is_told_beside_it():
    hosts = [serving(host) for host in three()]
    hosts[1] = replace(hosts[1], wanted=bare(1, etcd_settings={"log-level": "debug"}).wanted)
    (step,) = cluster_plan.plan(cluster("etcd-host1", hosts=hosts)).steps
    assert step.title.startswith("etcd-host1: restart, because /etc/etcd/etcd.conf differs")
    assert step.title.endswith(f"; {ASKED}")


def test_a_member_that_is_down_is_started_and_the_others_restart_then():
    hosts = [serving(host) for host in three()[:2]] + [stopped(bare(2))]
    steps = cluster_plan.plan(cluster("all", hosts=hosts)).steps
    assert next(type(step.act) for step in steps if step.host == "etcd-host2") is Start
    assert [step.host for step in steps if step.restarts] == ["etcd-host1", "etcd-host0"]


def test_nobody_is_restarted_whom_the_others_cannot_spare():
    hosts = [serving(host) for host in three()[:2]] + [seeing(stopped(bare(2)), unit={"enabled": "masked"})]
    with pytest.raises(Refused) as refused:
        cluster_plan.plan(cluster("etcd-host1", hosts=hosts))
    assert refused.value.code == "quorum-at-risk"


@pytest.mark.parametrize("hosts", [None, three()], ids=["a cluster", "bare hosts"])
def test_a_word_that_names_no_host_is_refused(hosts):
    with pytest.raises(BadInput, match="etcd_restart names etcd-host7"):
        cluster_plan.plan(cluster("etcd-host1", "etcd-host7", hosts=hosts))
