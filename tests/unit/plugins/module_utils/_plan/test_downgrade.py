# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster goes back by one minor: in etcd's own order, and from wherever a run before has stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.downgrade import Wish
from inventory_of import bare, emptied, member_list, seeing, serving, silent, stopped, written

OLD, NEW = "3.6.14", "3.7.1"


def member(at, has, speaks, asked="", pending="", **variables):
    """A member that runs a release, of a cluster that speaks a version."""
    wanted = bare(at, etcd_version=asked, **variables)
    host = seeing(serving(written(stopped(wanted), has), version=has), cluster_version=f"{speaks}.0", releases=[has])
    return seeing(host, cluster={"status": replace(host.seen.status, downgrade=pending)})


def cluster(*has, speaks="3.7", **variables):
    return [member(at, one, speaks, **variables) for at, one in enumerate(has)]


def plan(hosts, to="3.6"):
    return cluster_plan.plan(hosts, back=Wish(to))


def cancelling(hosts):
    return cluster_plan.plan(hosts, back=Wish("", cancels=True))


def course(found):
    """What is planned, an act a line: its kind, its host's number, and its release."""
    told = []
    for step in found.steps:
        release = next(
            (getattr(step.act, name) for name in ("version", "target", "minor") if hasattr(step.act, name)), ""
        )
        told.append(" ".join([step.kind, step.host[-1], release]).strip())
    return told


def refusal(hosts, to="3.6"):
    with pytest.raises(Refused) as refused:
        plan(hosts, to)
    return refused.value


class TestTheWay:
    def test_replaces_no_binary_before_every_member_has_the_older_version(self):
        found = plan(cluster(NEW, NEW, NEW))
        assert course(found) == [
            *(f"install {at} {OLD}" for at in range(3)),
            "save-before 1",
            "enable-downgrade 0 3.6",
            "await-version 0 3.6",
            # The leader is the last.
            *(f"update {at} {OLD}" for at in (1, 2, 0)),
            "await-downgrade 0",
        ]
        assert found.summary == f"3 hosts, etcd {NEW} -> {OLD}: 10 steps to what the inventory says"
        assert found.can_be_rehearsed

    def test_leads_from_3_6_to_3_5(self):
        found = plan(cluster(OLD, OLD, OLD, speaks="3.6"), "3.5")
        assert [line for line in course(found) if line.startswith("update")] == [
            f"update {at} 3.5.33" for at in (1, 2, 0)
        ]

    def test_is_gone_on_with_while_a_host_waits_to_join(self):
        hosts = cluster(OLD, NEW, NEW, speaks="3.6", pending="3.6.0")
        found = plan([*hosts, bare(3)])
        assert [line for line in course(found) if line.startswith("update")] == [f"update {at} {OLD}" for at in (1, 2)]
        assert not [line for line in course(found) if line.startswith("join")]
        assert "etcd-host3 joins once all members run one minor of etcd." in found.differences

    def test_leads_to_the_release_that_is_named(self):
        assert "update 1 3.6.13" in course(plan(cluster(NEW, NEW, NEW), "3.6.13"))
        assert "update 1 3.6.13" in course(plan(cluster(NEW, NEW, NEW, asked="3.6.13")))

    def test_leads_to_the_release_that_members_have_already(self):
        assert "update 0 3.6.13" in course(plan(cluster(NEW, "3.6.13", NEW, speaks="3.6", pending="3.6.0")))

    def test_brings_the_settings_under_their_older_names(self):
        names = {"corrupt-check-time": "1h"}
        with pytest.raises(BadInput, match="came with etcd 3.6; in 3.5 it is experimental-corrupt-check-time"):
            plan(cluster(OLD, OLD, OLD, speaks="3.6", etcd_settings=names), "3.5")
        older = {f"experimental-{name}": value for name, value in names.items()}
        assert "update 1 3.5.33" in course(plan(cluster(OLD, OLD, OLD, speaks="3.6", etcd_settings=older), "3.5"))


class TestInterrupted:
    def test_once_it_is_enabled_it_is_gone_on_with(self):
        found = plan(cluster(NEW, NEW, NEW, pending="3.6.0"))
        assert "go on with the downgrade to 3.6" in found.text("c")
        assert course(found)[4:6] == ["enable-downgrade 0 3.6", "await-version 0 3.6"]

    def test_between_two_members_the_others_follow(self):
        found = plan(cluster(NEW, OLD, NEW, speaks="3.6", pending="3.6.0"))
        assert course(found) == [
            *(f"install {at} {OLD}" for at in (0, 2)),
            "save-before 1",
            "enable-downgrade 0 3.6",
            "await-version 0 3.6",
            *(f"update {at} {OLD}" for at in (2, 0)),
            "await-downgrade 0",
        ]

    def test_cancelled_between_two_members_the_others_follow_without_another_job(self):
        found = plan(cluster(NEW, OLD, NEW, speaks="3.6"))
        assert not [line for line in course(found) if line.startswith("enable")]
        assert found.differences == ()
        assert [line for line in course(found) if line.startswith("update")] == [f"update {at} {OLD}" for at in (2, 0)]

    def test_cancelled_a_moment_ago_another_job_is_enabled(self):
        """The cluster speaks the older version still, and no member holds it there."""
        assert "enable-downgrade 0 3.6" in course(plan(cluster(NEW, NEW, NEW, speaks="3.6")))

    def test_after_the_last_member_its_end_is_awaited(self):
        assert course(plan(cluster(OLD, OLD, OLD, speaks="3.6", pending="3.6.0"))) == ["await-downgrade 0"]

    def test_done_there_is_nothing_to_do(self):
        found = plan(cluster(OLD, OLD, OLD, speaks="3.6"))
        assert (found.steps, found.differences) == ([], ())

    def test_a_member_that_is_down_is_started_first(self):
        hosts = cluster(NEW, NEW, NEW, pending="3.6.0")
        hosts[2] = written(stopped(bare(2)), NEW)
        found = plan(hosts)
        assert course(found) == ["start 2", "await 2"]
        assert any("is planned after the steps above" in one for one in found.differences)


class TestCancelled:
    @pytest.mark.parametrize(
        "has, speaks", [((NEW, NEW, NEW), "3.7"), ((NEW, NEW, NEW), "3.6"), ((OLD, OLD, OLD), "3.6")]
    )
    def test_is_one_step(self, has, speaks):
        found = cancelling(cluster(*has, speaks=speaks, pending="3.6.0"))
        assert course(found) == ["cancel-downgrade 0"]
        assert found.notes == ()

    def test_says_who_has_the_older_minor_and_the_ways_on(self):
        found = cancelling(cluster(NEW, OLD, NEW, speaks="3.6", pending="3.6.0"))
        assert course(found) == ["cancel-downgrade 0"]
        assert "etcd-host1 has the older minor already" in found.notes[0]
        assert f"-e etcd_version={NEW}" in found.notes[0]
        assert "-e etcd_downgrade_to=3.6" in found.notes[0]

    def test_without_a_job_is_nothing_to_do(self):
        found = cancelling(cluster(NEW, NEW, NEW))
        assert (found.steps, found.summary) == ([], f"3 hosts, etcd {NEW}: no downgrade is pending")


class TestRefused:
    @pytest.mark.parametrize(
        "has, to, code",
        [
            (NEW, "3.5", "downgrade-jump"),
            (OLD, "3.7", "downgrade-not-lower"),
            ("3.6.13", OLD, "downgrade-not-lower"),
            ("3.5.33", "3.4", "downgrade-unsupported"),
            (NEW, "3.4", "downgrade-unsupported"),
            (NEW, "3.6.9", "version-jump"),
            (OLD, "3.5.1", "release-loses-data"),
        ],
    )
    def test_is_what_etcd_does_not_do(self, has, to, code):
        assert refusal(cluster(has, has, has, speaks=has[:3]), to).code == code

    @pytest.mark.parametrize("to", ["", "three", "3.6.x", "4.0"])
    def test_is_a_target_that_is_none(self, to):
        with pytest.raises(BadInput, match="etcd_downgrade_to=3.6"):
            plan(cluster(NEW, NEW, NEW), to)

    def test_is_an_inventory_that_would_bring_the_newer_minor_back(self):
        assert refusal(cluster(NEW, NEW, NEW, asked=NEW)).code == "downgrade-not-asked"
        named = refusal(cluster(NEW, NEW, NEW, asked="3.6.13"), OLD)
        assert (named.code, named.remedy) == ("downgrade-not-asked", f"Take etcd_version out, or let it be {OLD}.")
        assert plan(cluster(NEW, NEW, NEW, asked=OLD), OLD).steps

    def test_is_what_would_leave_a_member_behind(self):
        hosts = cluster(NEW, NEW, NEW, pending="3.6.0")
        hosts[2] = silent(hosts[2])
        found = refusal(hosts)
        assert found.code == "downgrade-not-all-members"
        assert "etcd_downgrade_cancel=true" in found.remedy

    @pytest.mark.parametrize("has, to", [(("3.5.33", OLD, OLD), "3.6"), ((OLD, OLD, OLD), "3.7")])
    def test_names_the_ordinary_command_to_who_wants_a_newer_minor(self, has, to):
        found = refusal(cluster(*has, speaks="3.5"), to)
        assert found.code == "downgrade-not-lower"
        assert f"quorum.etcd.etcd -i INVENTORY -e etcd_version={OLD if to == '3.6' else NEW}" in found.remedy

    def test_of_3_4_names_the_way_back_of_an_upgrade_that_was_begun(self):
        assert plan(cluster("3.4.23", "3.4.23", "3.4.23", speaks="3.4"), "3.4").steps == []
        found = refusal(cluster("3.5.33", "3.4.23", "3.4.23", speaks="3.4"), "3.4")
        assert found.code == "downgrade-unsupported"
        assert "quorum.etcd.etcd -i INVENTORY -e etcd_version=3.4.23" in found.remedy

    def test_of_a_member_to_be_replaced_names_what_comes_before_the_same_command(self):
        hosts = cluster(NEW, NEW, NEW, pending="3.6.0")
        hosts[2] = emptied(written(bare(2), NEW))
        found = refusal(hosts)
        assert found.code == "downgrade-running"
        told = ["etcd_downgrade_cancel=true", "-e etcd_version=", "etcd_downgrade_to=3.6"]
        assert [found.remedy.index(one) for one in told] == sorted(found.remedy.index(one) for one in told)

    def test_of_too_few_members_names_what_lets_another_one_join_first(self):
        """One was taken out to be replaced, and the downgrade was enabled before it had joined anew."""
        two = member_list(2)
        hosts = [seeing(one, cluster={"members": two}) for one in cluster(NEW, NEW, speaks="3.6", pending="3.6.0")]
        found = refusal([*hosts, bare(2)])
        assert found.code == "downgrade-running"
        assert "etcd_downgrade_cancel=true" in found.remedy

    def test_is_another_one_that_is_pending(self):
        found = refusal(cluster(OLD, OLD, OLD, speaks="3.6", pending="3.6.0"), "3.5")
        assert found.code == "downgrade-running"

    def test_is_a_cluster_that_is_not_there(self):
        with pytest.raises(BadInput, match="no cluster yet"):
            plan([bare(0), bare(1), bare(2)])


class TestAnOrdinaryRun:
    def test_names_the_way_back_to_who_asks_for_an_older_minor(self):
        with pytest.raises(Refused) as refused:
            cluster_plan.plan(cluster(NEW, NEW, NEW, asked=OLD))
        assert refused.value.code == "version-lower"
        assert "quorum.etcd.downgrade -i INVENTORY -e etcd_downgrade_to=3.6" in refused.value.remedy

    def test_says_that_none_leads_back_from_3_5(self):
        with pytest.raises(Refused) as refused:
            cluster_plan.plan(cluster("3.5.33", "3.5.33", "3.5.33", speaks="3.5", asked="3.4.37"))
        assert "From 3.5 etcd has no way back." in refused.value.remedy

    @pytest.mark.parametrize("has", [(NEW, NEW, NEW), (NEW, OLD, NEW)])
    def test_names_a_pending_downgrade_and_both_ways_out(self, has):
        found = cluster_plan.plan(cluster(*has, speaks="3.6", pending="3.6.0"))
        assert found.steps == []
        (difference,) = found.differences
        assert "A downgrade to 3.6 is pending." in difference
        assert "-e etcd_downgrade_to=3.6" in difference
        assert "-e etcd_downgrade_cancel=true" in difference
