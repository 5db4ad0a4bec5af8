# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that run get the release of the inventory: a minor at a time, and from wherever a run before has stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Checksums
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import (
    absent,
    bare,
    emptied,
    learner,
    learning,
    logged,
    member_list,
    saying,
    seeing,
    serving,
    silent,
    stopped,
    written,
)

NEWEST = "3.7.1"


def member(at, has, asked=NEWEST, **variables):
    """A member that runs a release, with the files of that one, in an inventory that asks for another."""
    wanted = bare(at, etcd_version=asked, **variables)
    return seeing(serving(written(stopped(wanted), has), version=has), cluster_version=f"{has[:3]}.0", releases=[has])


def cluster(*has, asked=NEWEST, **variables):
    return [member(at, one, asked, **variables) for at, one in enumerate(has)]


def down(at, has, asked=NEWEST, **seen):
    """A member that stands still, with the files of a release."""
    host = seeing(written(stopped(bare(at, etcd_version=asked)), has), unit={"enabled": "enabled", "version": has})
    return seeing(host, **seen) if seen else host


def speaking(hosts, minor):
    return [seeing(host, cluster_version=f"{minor}.0") if host.answers else host for host in hosts]


def stopping_at(hosts, minor):
    return [replace(host, wanted=replace(host.wanted, upgrade_stop_at=minor)) for host in hosts]


def course(hosts):
    """What is planned, an act a line: its kind, its host's number, and its release."""
    told = []
    for step in cluster_plan.plan(hosts).steps:
        release = getattr(step.act, "version", "") or getattr(step.act, "minor", "")
        told.append(" ".join([step.kind, step.host[-1], release]).strip())
    return told


def updates(hosts):
    return [line.removeprefix("update ") for line in course(hosts) if line.startswith("update")]


def refusal(hosts):
    with pytest.raises(Refused) as refused:
        cluster_plan.plan(hosts)
    return refused.value


class TestAnotherPatch:
    @pytest.mark.parametrize("has, asked", [("3.6.13", "3.6.14"), ("3.6.14", "3.6.13")])
    def test_is_one_stage_with_the_leader_last(self, has, asked):
        assert course(cluster(has, has, has, asked=asked)) == [
            *(f"install {at} {asked}" for at in range(3)),
            "save-first 1",
            "rehearse 1",
            *(f"update {at} {asked}" for at in (1, 2, 0)),
        ]

    def test_is_said_with_its_way(self):
        plan = cluster_plan.plan(cluster("3.6.13", "3.6.13", "3.6.13", asked="3.6.14"))
        assert plan.summary == "3 hosts, etcd 3.6.13 -> 3.6.14: 8 steps to what the inventory says"
        assert "etcd-host1: restart, because etcd 3.6.14 takes the place of 3.6.13" in plan.text("c")
        assert plan.can_be_rehearsed

    def test_goes_on_where_it_was_interrupted(self):
        assert updates(cluster("3.6.13", "3.6.14", "3.6.13", asked="3.6.14")) == ["2 3.6.14", "0 3.6.14"]

    def test_goes_to_those_that_answer_though_a_host_is_silent(self):
        hosts = cluster("3.6.13", "3.6.13", "3.6.13", asked="3.6.14")
        hosts[2] = silent(hosts[2])
        # Of the two that are left none can be spared.
        assert refusal(hosts).code == "quorum-at-risk"

    def test_brings_a_changed_setting_along(self):
        hosts = [replace(one, wanted=bare(at, etcd_version="3.6.14", etcd_settings={"log-level": "debug"}).wanted)
                 for at, one in enumerate(cluster("3.6.13", "3.6.13", "3.6.13", asked="3.6.14"))]  # fmt: skip
        assert updates(hosts) == ["1 3.6.14", "2 3.6.14", "0 3.6.14"]
        assert "etcd.conf differs" in cluster_plan.plan(hosts).text("c")

    def test_of_all_members_is_nothing_to_do(self):
        plan = cluster_plan.plan(cluster("3.6.14", "3.6.14", "3.6.14", asked="3.6.14"))
        assert (plan.steps, plan.differences) == ([], ())

    def test_that_some_members_have_is_told_with_the_command_that_goes_on(self):
        """Where no release is asked for, none is waited for either."""
        found = cluster_plan.plan(cluster("3.6.13", "3.6.14", "3.6.13", asked=""))
        assert found.steps == []
        assert found.differences == (
            "The members run etcd 3.6.13 and 3.6.14: an upgrade was begun and not finished. To go on with it: "
            "-e etcd_version=3.6.14",
        )


class TestAnotherMinor:
    def test_waits_for_the_cluster_version_before_the_next(self):
        assert course(cluster("3.5.33", "3.5.33", "3.5.33")) == [
            *(f"install {at} 3.6.14" for at in range(3)),
            *(f"install {at} 3.7.1" for at in range(3)),
            "save-first 1",
            *(f"examine {at}" for at in range(3)),
            "rehearse 1",
            # The leader hands over to the first of the others, which is the last one then.
            *(f"update {at} 3.6.14" for at in (1, 2, 0)),
            "await-version 0 3.6",
            "renew-raft-snapshots 0",
            *(f"update {at} 3.7.1" for at in (0, 2, 1)),
            "await-version 0 3.7",
        ]

    def test_presumes_of_each_member_what_the_stage_before_has_given_it(self):
        steps = cluster_plan.plan(cluster("3.5.33", "3.6.14", "3.5.33")).steps
        presumed = [(step.host[-1], step.act.from_version, step.act.version) for step in steps if step.kind == "update"]
        assert presumed == [
            ("2", "3.5.33", "3.6.14"),
            ("0", "3.5.33", "3.6.14"),
            ("0", "3.6.14", "3.7.1"),
            ("2", "3.6.14", "3.7.1"),
            ("1", "3.6.14", "3.7.1"),
        ]

    def test_ends_where_it_is_to_stop(self):
        hosts = stopping_at(cluster("3.5.33", "3.5.33", "3.5.33"), "3.6")
        assert updates(hosts) == ["1 3.6.14", "2 3.6.14", "0 3.6.14"]
        assert cluster_plan.plan(stopping_at(cluster("3.6.14", "3.6.14", "3.6.14"), "3.6")).steps == []

    @pytest.mark.parametrize(
        "has, left",
        [
            (("3.5.33", "3.6.14", "3.5.33"), ["2 3.6.14", "0 3.6.14", "0 3.7.1", "2 3.7.1", "1 3.7.1"]),
            (("3.6.14", "3.6.14", "3.6.14"), ["1 3.7.1", "2 3.7.1", "0 3.7.1"]),
            (("3.6.14", "3.7.1", "3.7.1"), ["0 3.7.1"]),
        ],
    )
    def test_goes_on_where_it_was_interrupted(self, has, left):
        assert updates(cluster(*has)) == left

    def test_that_is_reached_is_awaited_still(self):
        hosts = [seeing(host, cluster_version="3.6.0") for host in cluster(NEWEST, NEWEST, NEWEST)]
        assert course(hosts) == ["await-version 0 3.7"]

    def test_lets_nobody_write_a_raft_snapshot_once_a_member_has_3_7(self):
        assert not [line for line in course(cluster("3.6.14", NEWEST, "3.6.14")) if line.startswith("renew")]

    def test_ends_before_all_else_what_lets_members_write_raft_snapshots(self):
        """The key that says whose it is may be gone in minutes."""
        kinds = [line.split()[0] for line in course(self.going_back(is_renewing=True))]
        assert kinds[:2] == ["renew-raft-snapshots", "install"]
        assert kinds[-6:] == ["rehearse", "await-version", "update", "update", "update", "await-version"]

    def going_back(self, **cluster_says):
        return [
            seeing(
                one,
                cluster={"status": replace(one.seen.status, downgrade="3.5.0"), **cluster_says},
                cluster_version="3.5.0",
            )
            for one in cluster("3.6.14", "3.6.14", "3.6.14")
        ]

    def test_is_refused_while_somebody_downgrades_the_cluster_to_3_5(self):
        """No key says that it is the one by which members write raft snapshots."""
        found = refusal(self.going_back())
        assert found.code == "downgrade-running"
        assert "quorum.etcd.downgrade -i INVENTORY -e etcd_downgrade_to=3.5" in found.remedy
        assert "etcd_downgrade_cancel=true" in found.remedy

    def test_is_refused_while_another_downgrade_is_pending(self):
        hosts = [
            seeing(one, cluster={"status": replace(one.seen.status, downgrade="3.4.0")})
            for one in cluster("3.5.33", "3.5.33", "3.5.33")
        ]
        assert refusal(hosts).code == "downgrade-running"

    def test_is_not_awaited_while_somebody_downgrades_from_it(self):
        hosts = [
            seeing(one, cluster={"status": replace(one.seen.status, downgrade="3.6.0")}, cluster_version="3.6.0")
            for one in cluster(NEWEST, NEWEST, NEWEST)
        ]
        assert refusal(hosts).code == "downgrade-running"

    @pytest.mark.parametrize("has", ["3.6.14", "3.5.33"])
    def test_is_refused_while_a_host_is_silent(self, has):
        hosts = cluster(has, has, has)
        hosts[2] = silent(hosts[2])
        found = refusal(hosts)
        assert found.code == "upgrade-not-all-members"
        assert "etcd-host2 could not be looked at" in found.found

    def test_is_refused_while_a_member_is_on_no_host_of_the_inventory(self):
        stranger = replace(member_list()[0], id="ff", name="other", peer_urls=["http://10.0.0.9:2380"])
        listed = [*member_list(), stranger]
        hosts = [seeing(one, cluster={"members": listed}) for one in cluster("3.6.14", "3.6.14", "3.6.14")]
        assert "member other is on no host of this inventory" in refusal(hosts).found

    def test_is_refused_beside_a_learner(self):
        listed = [*member_list(), replace(learner(3), name="other")]
        hosts = [seeing(one, cluster={"members": listed}) for one in cluster("3.6.14", "3.6.14", "3.6.14")]
        assert "other is a learner" in refusal(hosts).found

    def test_is_refused_with_a_setting_that_it_does_not_take(self):
        with pytest.raises(BadInput, match="enable-v2 is gone in etcd 3.6"):
            cluster_plan.plan(cluster("3.5.33", "3.5.33", "3.5.33", etcd_settings={"enable-v2": True}))

    def test_is_refused_without_a_checksum_for_a_release_on_the_way(self):
        unlisted = Checksums(listed=False)
        hosts = [
            replace(one, wanted=replace(one.wanted, checksums=unlisted))
            for one in cluster("3.5.33", "3.5.33", "3.5.33")
        ]
        with pytest.raises(BadInput, match="No checksum is known for etcd-v3.7.1"):
            cluster_plan.plan(hosts)

    def test_writes_a_setting_under_the_name_that_each_release_has(self):
        settings = {"experimental-corrupt-check-time": "5m"}
        plan = cluster_plan.plan(cluster("3.5.33", "3.5.33", "3.5.33", etcd_settings=settings))
        assert any("etcd 3.7 knows as corrupt-check-time" in text for text in plan.warnings)


class TestWhatElseIsDue:
    def test_comes_first_and_in_a_run_of_its_own(self):
        hosts = cluster("3.6.13", "3.6.13", "3.6.13", asked="3.6.14")
        hosts[2] = seeing(written(stopped(bare(2, etcd_version="3.6.14")), "3.6.13"), unit={"version": "3.6.13"})
        assert course(hosts) == ["start 2", "await 2"]
        (text,) = cluster_plan.plan(hosts).differences
        assert text == "The upgrade to etcd 3.6.14 (3.6.13 -> 3.6.14) is planned after the steps above."

    def test_a_host_that_joins_gets_what_the_members_have(self):
        plan = cluster_plan.plan(
            [*cluster("3.6.13", "3.6.13", "3.6.13", asked="3.6.14"), bare(3, etcd_version="3.6.14")]
        )
        assert {step.act.version for step in plan.steps if isinstance(step.act, acts.Join)} == {"3.6.13"}


class TestMixedMinors:
    MIXED = ("3.5.33", "3.6.14", "3.5.33")

    def test_without_a_version_are_left_as_they_are_and_reported(self):
        plan = cluster_plan.plan(cluster(*self.MIXED, asked=""))
        assert plan.steps == []
        assert any("-e etcd_version=3.6.14" in text for text in plan.differences)

    @pytest.mark.parametrize("asked", ["", "3.6.14"])
    def test_take_no_new_member_which_holds_up_nothing_else(self, asked):
        hosts = [*cluster(*self.MIXED, asked=asked), bare(3, etcd_version=asked)]
        plan = cluster_plan.plan(hosts)
        assert "join" not in [step.kind for step in plan.steps]
        assert "etcd-host3 joins once all members run one minor of etcd." in plan.differences
        assert bool(asked) == ("update 0 3.6.14" in course(hosts))

    def test_take_no_new_member_beside_a_lost_one_that_is_replaced(self):
        hosts = [*cluster(*self.MIXED, asked=""), bare(3)]
        hosts[2] = emptied(bare(2))
        steps = [f"{step.kind} {step.host[-1]}" for step in cluster_plan.plan(hosts).steps if step.kind != "install"]
        assert steps == ["leave 2", "join 2"]

    def test_take_one_without_which_no_member_could_be_spared(self):
        """A third was lost in the middle of the upgrade, forgotten, and has a successor."""
        listed = member_list(2)
        hosts = [seeing(one, cluster={"members": listed}) for one in cluster(*self.MIXED[:2])]
        assert course([*hosts, bare(2, etcd_version=NEWEST)]) == ["install 2 3.5.33", "join 2 3.5.33"]

    def test_lose_no_healthy_member(self):
        hosts = cluster(*self.MIXED, asked="")
        hosts[2] = absent(hosts[2])
        assert refusal(hosts).code == "versions-mixed"

    def test_have_a_lost_member_replaced_with_the_older_minor(self):
        hosts = cluster(*self.MIXED)
        hosts[2] = emptied(bare(2, etcd_version=NEWEST))
        plan = cluster_plan.plan(hosts)
        assert [step.kind for step in plan.steps if step.kind != "install"] == ["leave", "join"]
        assert [step.act.version for step in plan.steps if step.kind == "join"] == ["3.5.33"]

    def test_go_back_to_the_older_one_while_a_member_has_it(self):
        assert updates(cluster("3.6.14", "3.7.1", "3.6.14", asked="3.6.14")) == ["1 3.6.14"]
        assert refusal(cluster("3.7.1", "3.7.1", "3.7.1", asked="3.6.14")).code == "version-lower"


class TestASettingThatComesWithTheRelease:
    @pytest.mark.parametrize("asked", ["3.5.33", NEWEST])
    def test_and_cuts_clients_off_is_to_be_confirmed(self, asked):
        hosts = [
            replace(host, wanted=replace(host.wanted, settings={"tls-min-version": "TLS1.3"}))
            for host in cluster("3.4.23", "3.4.23", "3.4.23", asked=asked)
        ]
        found = refusal(hosts)
        assert (found.code, "-e etcd_confirm=tls-min-version" in found.remedy) == ("clients-cut-off", True)
        assert updates([saying(host, confirm=("tls-min-version",)) for host in hosts])


class TestWhatIsAdvisedWithoutTheUpgrade:
    """A host is silent, and the others are to have all else."""

    SETTINGS = ({"max-learners": 2}, {"feature-gates": "CompactHashCheck=true"}, {"log-level": "debug"})

    @pytest.mark.parametrize("settings", SETTINGS)
    @pytest.mark.parametrize("has", [("3.5.33", "3.5.33"), ("3.5.33", "3.6.14")])
    def test_is_accepted(self, has, settings):
        hosts = [*cluster(*has, asked=NEWEST, etcd_settings=settings), silent(bare(2))]
        advice = refusal(hosts).remedy
        stop_at = min(has, key=releases.order)
        assert f"-e etcd_upgrade_stop_at={stop_at}" in advice
        hosts = [host if host.silent else stopping_at([host], stop_at)[0] for host in hosts]
        assert cluster_plan.plan(hosts).steps == []


class TestWhereItIsToStop:
    """C(etcd_upgrade_stop_at) is a ceiling, and may stay in the inventory."""

    @pytest.mark.parametrize("has", ["3.6.15", "3.6.14", NEWEST])
    def test_no_member_gets_less_than_it_runs(self, has):
        plan = cluster_plan.plan(stopping_at(cluster(has, has, has), "3.6"))
        assert (plan.steps, plan.differences) == ([], ())

    @pytest.mark.parametrize("stop_at", ["3.6", "3.6.14"])
    def test_an_upgrade_that_went_further_is_left_as_it_is(self, stop_at):
        plan = cluster_plan.plan(stopping_at(cluster(NEWEST, "3.6.14", "3.6.14"), stop_at))
        assert plan.steps == []
        (text,) = plan.differences
        assert f"etcd_upgrade_stop_at ({stop_at})" in text

    def test_a_member_is_started_though_there_is_no_way(self):
        hosts = [*cluster("3.7.1", "3.7.1", asked="3.6.14"), down(2, "3.7.1", "3.6.14")]
        assert course(hosts) == ["start 2", "await 2"]
        assert any("An older minor" in text for text in cluster_plan.plan(hosts).differences)


class TestTheClusterVersion:
    """All members have the release that is asked for, and the cluster is still to follow."""

    def following(self, asked="3.6.14", **variables):
        return speaking(cluster(*["3.6.14"] * 3, asked=asked, **variables), "3.5")

    def changed(self, hosts):
        """A setting has changed too, and the members run without it."""
        return [
            host if host.silent else replace(host, wanted=replace(host.wanted, settings={"log-level": "debug"}))
            for host in hosts
        ]

    def test_is_awaited_after_all_else(self):
        hosts = self.changed(self.following())
        assert course(hosts) == [*(f"update {at} 3.6.14" for at in (1, 2, 0)), "await-version 0 3.6"]
        # The run looks once more and has nothing left that it could not have known.
        assert cluster_plan.plan(hosts).comes_after

    @pytest.mark.parametrize(
        "lost", [silent, lambda _host: seeing(down(2, "3.5.33", "3.6.14"), unit={"enabled": "masked"})]
    )
    def test_is_awaited_only_where_every_member_may_have_it(self, lost):
        hosts = self.following()
        hosts[2] = lost(hosts[2])
        plan = cluster_plan.plan(hosts)
        assert plan.steps == []
        assert any("does not speak 3.6 yet" in text and "etcd_forget" in text for text in plan.differences)

    def test_keeps_no_setting_from_five_members_of_which_one_is_silent(self):
        hosts = [seeing(member(at, "3.6.14", "3.6.14"), cluster={"members": member_list(5)}) for at in range(5)]
        hosts = speaking(hosts, "3.5")
        hosts[4] = silent(hosts[4])
        assert updates(self.changed(hosts)) == ["1 3.6.14", "2 3.6.14", "3 3.6.14", "0 3.6.14"]

    def test_keeps_no_patch_from_five_members_of_which_one_is_silent(self):
        hosts = [seeing(member(at, "3.6.13", "3.6.14"), cluster={"members": member_list(5)}) for at in range(5)]
        hosts = speaking(hosts, "3.5")
        hosts[4] = silent(hosts[4])
        assert course(hosts)[-1] == "update 0 3.6.14"
        hosts[4] = seeing(member(4, "3.6.13", "3.6.14"), cluster={"members": member_list(5)})
        assert course(hosts)[-1] == "await-version 0 3.6"

    def test_does_not_follow_while_somebody_downgrades_the_cluster(self):
        hosts = speaking(cluster(NEWEST, NEWEST, NEWEST), "3.6")
        hosts = [seeing(one, cluster={"status": replace(one.seen.status, downgrade="3.6.0")}) for one in hosts]
        assert refusal(hosts).code == "downgrade-running"
        # What else is due has nothing to do with that.
        plan = cluster_plan.plan(self.changed(hosts))
        assert {step.kind for step in plan.steps} == {"update"}
        assert any("is being downgraded to 3.6.0" in text for text in plan.differences)


class TestAMemberThatWasLeftBehind:
    """The cluster has gone on while it was down: with its own release it would end on an invalid downgrade."""

    @pytest.mark.parametrize("asked", ["", "3.6.14", NEWEST])
    @pytest.mark.parametrize("seen", [{}, {"unit": {"last_error": "invalid downgrade"}}])
    def test_gets_the_release_of_the_others(self, asked, seen):
        hosts = [*cluster("3.6.14", "3.6.14", asked=asked), down(2, "3.5.33", asked, **seen)]
        assert course(hosts) == ["install 2 3.6.14", "update 2 3.6.14"]

    def test_gets_it_while_it_is_seen_to_run(self):
        dying = seeing(member(2, "3.5.33"), cluster={"serves": False, "status": None})
        assert "update 2 3.6.14" in course([*cluster("3.6.14", "3.6.14"), dying])

    def test_is_not_started_on_what_ends_it_while_all_else_is_refused(self):
        """Nobody would get to read the refusal: the run ends where that start is awaited."""
        hosts = [*cluster("3.6.14", "3.6.14", asked="3.4.23"), down(2, "3.5.33", "3.4.23")]
        assert refusal(hosts).code == "version-lower"
        assert course([*speaking(hosts[:2], "3.5"), hosts[2]]) == ["start 2", "await 2"]

    def test_is_started_as_it_is_while_the_cluster_speaks_its_minor(self):
        hosts = [*speaking(cluster("3.6.14", "3.6.14", asked="3.6.14"), "3.5"), down(2, "3.5.33", "3.6.14")]
        assert course(hosts) == ["start 2", "await 2"]

    @pytest.mark.parametrize("has", ["3.4.23", "3.5.20"])
    def test_by_too_much_is_not_started_and_may_be_taken_out(self, has):
        hosts = [*cluster("3.6.14", "3.6.14", asked="3.6.14"), down(2, has, "3.6.14")]
        plan = cluster_plan.plan(hosts)
        assert plan.steps == []
        assert any("etcd_member_state: absent" in text for text in plan.differences)
        assert course([*hosts[:2], absent(hosts[2])])[-1] == "leave 2"

    @pytest.mark.parametrize("wrote", ["3.4.0", "3.5.0"])
    def test_whose_system_was_built_anew_is_not_started_unexamined(self, wrote):
        hosts = cluster("3.6.14", "3.6.14", asked="3.6.14")
        rebuilt = seeing(logged(bare(2, etcd_version="3.6.14")), marker=stopped(bare(2)).marker)
        hosts.append(seeing(rebuilt, data={"version": wrote}))
        plan = cluster_plan.plan(hosts)
        assert plan.steps == []
        assert any(f"has data of etcd {wrote[:3]} and no unit" in text for text in plan.differences)
        # As it is told to be.
        assert course([*hosts[:2], absent(hosts[2])])[-1] == "leave 2"

    def test_whose_system_was_built_anew_is_started_with_data_of_the_minor_of_the_others(self):
        hosts = cluster("3.6.14", "3.6.14", asked="3.6.14")
        rebuilt = seeing(logged(bare(2, etcd_version="3.6.14")), marker=stopped(bare(2)).marker)
        assert "start 2" in course([*hosts, seeing(rebuilt, data={"version": "3.6.0"})])


class TestALostMember:
    """Comes back with the minor that the others have, whatever its own files name."""

    @pytest.mark.parametrize("asked", ["", "3.6.14"])
    @pytest.mark.parametrize("own, others", [("3.6.14", "3.5.33"), ("3.5.33", "3.6.14")])
    def test_with_damaged_data(self, own, others, asked):
        hosts = [*speaking(cluster(others, others, asked=asked), "3.5"), down(2, own, asked, data={"damaged": True})]
        joining = [step.act.version for step in cluster_plan.plan(hosts).steps if step.kind == "join"]
        assert joining == [others]

    def test_does_not_follow_a_learner_of_another_minor(self):
        listed = [*member_list(3), learner(3)]
        old = seeing(learning(written(bare(3), "3.5.33"), listed), runtime={"version": "3.5.33"})
        old = seeing(old, cluster={"status": replace(old.seen.status, version="3.5.33")}, cluster_version="3.6.0")
        hosts = [seeing(one, cluster={"members": listed}) for one in cluster("3.6.14", "3.6.14", asked="")]
        lost = down(2, "3.5.33", "", data={"damaged": True})
        hosts = [*hosts, lost, absent(old)]
        assert [step.act.version for step in cluster_plan.plan(hosts).steps if step.kind == "join"] == ["3.6.14"]

    def test_that_has_joined_with_another_minor_is_taken_out_as_it_is_told(self):
        listed = [*member_list(2), learner(2)]
        wrong = seeing(learning(written(bare(2, etcd_version="3.6.14"), "3.6.14"), listed), cluster_version="3.5.0")
        hosts = [seeing(one, cluster={"members": listed}) for one in cluster("3.5.33", "3.5.33", asked="3.6.14")]
        assert course([*hosts, wrong])[-1].startswith("join 2")
        assert course([*hosts, absent(wrong)])[-1] == "leave 2"


class TestAMemberWhoseSettingsWereWrong:
    """It is down, and an upgrade is asked for: its own update brings it up."""

    @pytest.mark.parametrize("has, asked", [("3.5.33", "3.6.14"), ("3.6.13", "3.6.14")])
    @pytest.mark.parametrize("error", ["", "bad flag"])
    def test_is_updated_first(self, has, asked, error):
        other = {bare(2).wanted.layout.conf_file: {"sha256": "of other settings"}}
        hosts = [*cluster(has, has, asked=asked), down(2, has, asked, unit={"last_error": error}, files=other)]
        assert course(hosts) == [f"update 2 {has}"]


class TestWhileNobodyServes:
    """Another release than the data are of is never started on them."""

    def rebuilt(self, at, wrote, asked):
        host = bare(at, etcd_version=asked)
        host = seeing(logged(host), marker=stopped(bare(at)).marker)
        return seeing(host, data={"version": wrote})

    def versions(self, hosts):
        return {step.act.version for step in cluster_plan.plan(hosts).steps if getattr(step.act, "version", "")}

    @pytest.mark.parametrize(
        "asked, found", [("", "3.5.33"), ("3.5.20", "3.5.20"), ("3.6.14", "3.5.33"), (NEWEST, "3.5.33")]
    )
    def test_systems_that_were_built_anew_get_one_for_their_data(self, asked, found):
        hosts = [self.rebuilt(at, "3.5.0", asked) for at in range(3)]
        assert self.versions(hosts) == {found}

    @pytest.mark.parametrize("asked", ["", NEWEST])
    def test_where_none_is_known_for_them_it_is_asked_for(self, asked):
        found = refusal([self.rebuilt(at, "3.4.0", asked) for at in range(3)])
        assert (found.code, "-e etcd_version=3.4.Z" in found.remedy) == ("version-unknown", True)
        assert self.versions([self.rebuilt(at, "3.4.0", "3.4.23") for at in range(3)]) == {"3.4.23"}

    def test_which_one_nothing_tells_is_not_taken_from_what_they_are_to_get(self):
        hosts = [self.rebuilt(at, "", NEWEST) for at in range(3)]
        found = refusal(hosts)
        assert (found.code, "what the members are to get" in found.danger) == ("version-unknown", True)
        assert "journalctl -u etcd.service | grep" in found.remedy
        assert self.versions([saying(host, confirm=(NEWEST,)) for host in hosts]) == {NEWEST}

    def test_which_one_nothing_tells_is_asked_for_as_it_is_accepted(self):
        found = refusal([self.rebuilt(at, "", "") for at in range(3)])
        assert (found.code, "-e etcd_confirm=X.Y.Z" in found.remedy) == ("version-unknown", True)

    def test_which_one_the_data_of_another_host_tell_is_taken(self):
        hosts = [self.rebuilt(at, wrote, NEWEST) for at, wrote in enumerate(("", "3.5.0", "3.5.0"))]
        assert self.versions(hosts) == {"3.5.33"}

    def test_one_that_lags_behind_gets_that_of_the_others(self):
        hosts = [self.rebuilt(at, wrote, NEWEST) for at, wrote in enumerate(("3.6.0", "3.5.0", "3.6.0"))]
        assert self.versions(hosts) == {"3.6.14"}

    def test_a_unit_for_other_data_is_not_started(self):
        hosts = [down(at, "3.7.1", NEWEST, data={"version": "3.5.0"}) for at in range(3)]
        found = refusal(hosts)
        assert (found.code, "-e etcd_version=3.5.33" in found.remedy) == ("version-unknown", True)
        hosts = [down(at, "3.7.1", "3.5.33", data={"version": "3.5.0"}) for at in range(3)]
        assert self.versions(hosts) == {"3.5.33"}
        assert [line.split()[0] for line in course(hosts)].count("start") == 3

    @pytest.mark.parametrize("has", ["3.5.33", "3.6.14"])
    def test_a_unit_for_the_data_or_for_the_next_minor_is_started(self, has):
        hosts = [down(at, has, NEWEST, data={"version": "3.5.0"}) for at in range(3)]
        assert {line.split()[0] for line in course(hosts)} == {"start", "await"}


def test_a_release_that_nobody_knows_is_taken_as_it_is_given():
    assert updates(cluster("3.6.14", "3.6.14", "3.6.14", asked="3.6.99")) == ["1 3.6.99", "2 3.6.99", "0 3.6.99"]
    assert "3.6.99" not in releases.KNOWN


def test_the_members_of_an_await_are_named_with_their_peer_urls():
    hosts = [seeing(host, cluster_version="3.6.0") for host in cluster(NEWEST, NEWEST, NEWEST)]
    (step,) = cluster_plan.plan(hosts).steps
    assert step.act.members[0] == {"name": "etcd-host0", "peer_urls": ["http://10.0.0.1:2380"]}
