# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._plan import approved_plan, cluster_plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.approved_plan import ApprovedPlan
from inventory_of import (
    CLUSTER_ID,
    absent,
    bare,
    marked,
    member_id,
    member_list,
    saying,
    seeing,
    serving,
    silent,
    stopped,
    three,
    written,
)

NOON = 1_800_000_000.0
DAY = 86400.0


def described(hosts, at=NOON, collection="1.0.0", plan=None):
    plan = cluster_plan.plan(hosts) if plan is None else plan
    return approved_plan.describe(hosts, plan, "etcd_cluster", at, collection)


def held_to(approved, hosts, collection="1.0.0"):
    """What a run that is held to a plan has left to do, by the titles of its steps.

    :raises Refused: it is not what was approved.
    """
    plan = cluster_plan.plan(approved_plan.without_done(hosts, approved))
    approved_plan.check(approved, described(hosts, collection=collection, plan=plan), "plan.json")
    return [step.title for step in plan.steps]


def refused(approved, hosts, **others):
    with pytest.raises(Refused) as caught:
        held_to(approved, hosts, **others)
    assert caught.value.code == "plan-changed"
    assert caught.value.remedy.endswith("quorum.etcd.etcd -i INVENTORY --check -e etcd_plan_file=plan.json")
    return caught.value.found


def is_in_service(**variables):
    return [serving(host) for host in three(**variables)]


def wanting(host, **settings):
    """A host of which the inventory wants other settings than it has."""
    return replace(host, wanted=replace(host.wanted, settings={**host.wanted.settings, **settings}))


def to_be_updated(*numbers, **settings):
    """Three members in service, some of which are to get another setting."""
    settings = settings or {"log-level": "warn"}
    numbers = numbers or (0, 1, 2)
    return [wanting(host, **settings) if at in numbers else host for at, host in enumerate(is_in_service())]


def with_a_missing_file(at):
    """Three members in service, one of which is updated without a restart."""
    hosts = is_in_service()
    hosts[at] = seeing(hosts[at], files={hosts[at].wanted.layout.snapshot_unit_file: {"exists": False, "sha256": ""}})
    return hosts


def updated(host):
    """A host on which its update was done."""
    return serving(replace(bare(int(host.name[-1])), wanted=host.wanted))


def led_by(at, hosts):
    return [seeing(host, cluster={"status": replace(host.seen.status, leader=member_id(at))}) for host in hosts]


def having_one_due(host):
    """A host with a certificate that is to be issued anew."""
    return replace(host, authorities=replace(host.authorities, renew={"peer": ["it ends soon."]}))


def edited(host):
    return seeing(host, files={host.wanted.layout.conf_file: {"sha256": "edited by hand"}})


def seeing_members(hosts, members):
    return [seeing(host, cluster={"members": members}) for host in hosts]


class TestTheSameSteps:
    def test_are_one_plan_whenever_they_are_planned(self):
        assert described(to_be_updated(), NOON).id == described(to_be_updated(), NOON + DAY).id

    def test_are_carried_out(self):
        assert len(held_to(described(to_be_updated()), to_be_updated())) == 3

    def test_are_one_plan_whoever_leads(self):
        hosts = to_be_updated()
        other = led_by(2, hosts)
        assert [step.host for step in cluster_plan.plan(hosts).steps] != [
            step.host for step in cluster_plan.plan(other).steps
        ]
        assert described(hosts).id == described(other).id
        assert len(held_to(described(hosts), other)) == 3

    def test_are_one_plan_in_whichever_order_the_hosts_are_listed(self):
        assert described(to_be_updated()).id == described(to_be_updated()[::-1]).id

    def test_are_one_plan_whatever_the_hosts_have_drawn(self):
        hosts = [seeing(host, host={"nonce": "another"}) for host in to_be_updated()]
        assert described(hosts).id == described(to_be_updated()).id

    def test_that_found_a_cluster_are_one_plan_whatever_its_token(self):
        hosts = [seeing(host, host={"nonce": "another"}) for host in three()]
        assert described(hosts).id == described(three()).id
        assert len(held_to(described(three()), hosts)) == 15

    def test_are_another_plan_for_another_setting(self):
        assert described(to_be_updated()).id != described(to_be_updated(**{"log-level": "error"})).id

    def test_of_an_upgrade_are_one_plan_whoever_leads(self):
        hosts = [seeing(serving(bare(at, etcd_version="3.7.1")), cluster_version="3.6.0") for at in range(3)]
        assert described(hosts).id == described(led_by(1, hosts)).id
        assert held_to(described(hosts), led_by(1, hosts))


class TestAnInterruptedPlan:
    def test_goes_on_with_what_is_left(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[1] = updated(hosts[1])
        left = held_to(approved, hosts)
        assert len(left) == 2
        assert not any("etcd-host1" in title for title in left)

    def test_has_nothing_to_do_once_all_is_done(self):
        hosts = to_be_updated()
        approved = described(hosts)
        assert held_to(approved, [updated(host) for host in hosts]) == []

    def test_goes_on_with_a_member_that_was_left_down_in_its_update(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[1] = stopped(replace(bare(1), wanted=hosts[1].wanted))
        assert any("start etcd-host1" in title for title in held_to(approved, hosts))

    def test_rolls_back_the_update_that_was_interrupted(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[1] = seeing(stopped(replace(bare(1), wanted=hosts[1].wanted)), previous=True)
        assert any("roll back the interrupted update of etcd-host1" in title for title in held_to(approved, hosts))

    def test_goes_on_where_only_some_files_were_written(self):
        hosts = to_be_updated()
        approved = described(hosts)
        files = updated(hosts[1]).seen.files
        conf = hosts[1].wanted.layout.conf_file
        hosts[1] = seeing(hosts[1], files={conf: {"sha256": files[conf].sha256}})
        assert len(held_to(approved, hosts)) == 3

    def test_of_a_first_start_goes_on_with_what_was_offered(self):
        approved = described(three())
        hosts = [marked(host, "offered") for host in three()]
        assert held_to(approved, hosts)

    def test_of_a_first_start_goes_on_with_members_that_stand_still(self):
        approved = described(three())
        left = held_to(approved, [serving(bare(0)), serving(bare(1)), stopped(bare(2))])
        assert left[0] == "start etcd-host2"

    def test_goes_on_once_a_member_has_its_new_name(self):
        def named(name):
            return [serving(bare(0)), serving(bare(1)), serving(bare(2, etcd_name=name))]

        hosts = [*named("etcd-host2")[:2], replace(named("etcd-host2")[2], wanted=bare(2, etcd_name="infra2").wanted)]
        approved = described(hosts)
        renamed = [*member_list(2), replace(member_list(3)[2], name="infra2")]
        assert held_to(approved, seeing_members(named("infra2"), renamed)) == []

    def test_goes_on_once_a_host_has_joined(self):
        hosts = [*to_be_updated(), bare(3)]
        approved = described(hosts)
        now = [serving(host) for host in to_be_updated()]
        joined = [replace(host, wanted=before.wanted) for host, before in zip(now, hosts)]
        hosts = seeing_members([*joined, serving(bare(3))], member_list(4))
        left = held_to(approved, hosts)
        assert left
        assert not any("join" in title for title in left)

    def test_goes_on_once_a_forgotten_member_is_gone(self):
        hosts = [saying(host, forget=("etcd-host3",)) for host in to_be_updated()]
        approved = described(seeing_members(hosts, member_list(4)))
        assert "remove etcd-host3" in " ".join(step.title for step in approved.steps)
        assert len(held_to(approved, hosts)) == 3


class TestADrift:
    """What is no part of what was approved is refused by name."""

    def test_of_a_setting_that_was_edited_on_a_host_without_a_step(self):
        approved = described(to_be_updated(0))
        hosts = to_be_updated(0)
        hosts[1] = edited(hosts[1])
        found = refused(approved, hosts)
        assert "'etcd-host1: no restart, because /etc/etcd/etcd.conf differs' was not approved" in found
        assert "etcd-host0" not in found

    def test_of_a_setting_that_was_edited_on_a_host_with_a_step(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[1] = edited(hosts[1])
        assert "On etcd-host1 somebody has changed /etc/etcd/etcd.conf" in refused(approved, hosts)

    def test_of_a_setting_in_the_inventory(self):
        found = refused(described(to_be_updated()), to_be_updated(**{"log-level": "error"}))
        assert "The inventory says something else of etcd-host0: log-level of etcd_settings" in found
        assert "would write something else than what was approved to /etc/etcd/etcd.conf" in found

    def test_of_a_setting_that_was_taken_back_in_the_inventory(self):
        found = refused(described(to_be_updated()), is_in_service())
        assert "The inventory says something else of etcd-host2: log-level of etcd_settings" in found

    def test_of_a_member_that_was_lost(self):
        hosts = to_be_updated(0)
        approved = described(hosts)
        hosts[2] = stopped(bare(2))
        found = refused(approved, hosts)
        assert "The member on etcd-host2 served and does not serve now" in found
        assert "'start etcd-host2' was not approved" in found

    def test_of_a_member_that_was_lost_and_is_only_to_get_a_release(self):
        hosts = with_a_missing_file(0)
        hosts[1] = seeing(hosts[1], releases=[])
        approved = described(hosts)
        assert [step.kind for step in approved.of_host("etcd-host1")] == ["install"]
        hosts[1] = seeing(hosts[1], cluster={"serves": False}, unit={"enabled": "masked"})
        assert "The member on etcd-host1 served and does not serve now" in refused(approved, hosts)

    def test_of_a_member_that_came_from_elsewhere(self):
        hosts = to_be_updated()
        found = refused(described(hosts), seeing_members(hosts, member_list(4)))
        assert "The cluster has the voter etcd-host3 at http://10.0.0.4:2380 now" in found

    def test_of_a_member_that_somebody_removed(self):
        hosts = to_be_updated()
        approved = described(seeing_members(hosts, member_list(4)))
        found = refused(approved, hosts)
        assert "The cluster no longer has the voter etcd-host3 at http://10.0.0.4:2380" in found

    def test_of_a_member_that_somebody_removed_and_added_again(self):
        hosts = to_be_updated()
        approved = described(seeing_members(hosts, member_list(4)))
        again = [*member_list(3), replace(member_list(4)[3], id="beef")]
        found = refused(approved, seeing_members(hosts, again))
        assert f"was removed and added again: its ID is beef and was {member_id(3)}" in found
        assert "no longer has" not in found

    def test_never_of_a_member_that_was_replaced_as_it_was_approved(self):
        hosts = [*to_be_updated()[:2], seeing(stopped(bare(2)), data={"damaged": True})]
        approved = described(hosts)
        assert {"leave", "join"} <= {step.kind for step in approved.of_host("etcd-host2")}
        listed = [*member_list(2), replace(member_list(3)[2], id="beef")]
        now = [seeing(host, cluster={"members": listed}) for host in hosts[:2]]
        replaced = seeing(
            serving(bare(2)), cluster={"members": listed, "member_id": "beef"}, data={"member_id": "beef"}
        )
        replaced = seeing(replaced, marker=replace(replaced.marker, member_id="beef"))
        assert held_to(approved, [*now, replaced])

    def test_of_a_certificate_that_is_due_by_now(self):
        found = refused(described(to_be_updated()), list(map(having_one_due, to_be_updated())))
        assert "'etcd-host1: no restart, because its certificates are due' would issue a certificate anew" in found

    def test_never_of_a_certificate_that_was_renewed_meanwhile(self):
        hosts = to_be_updated()
        approved = described(list(map(having_one_due, hosts)))
        assert len(approved.steps) == 6
        assert len(held_to(approved, hosts)) == 3

    def test_of_a_host_that_came_into_the_inventory(self):
        found = refused(described(to_be_updated()), [*to_be_updated(), bare(3)])
        assert "The inventory has etcd-host3 now" in found
        assert "'install etcd 3.6.14 on etcd-host3' was not approved" in found

    def test_of_a_host_that_went_out_of_the_inventory(self):
        assert "The inventory no longer has etcd-host2" in refused(described(to_be_updated()), to_be_updated()[:2])

    def test_of_a_host_that_is_to_leave(self):
        hosts = with_a_missing_file(0)
        approved = described(hosts)
        hosts[2] = absent(hosts[2])
        assert "The inventory says something else of etcd-host2: etcd_member_state" in refused(approved, hosts)

    def test_of_the_version(self):
        def asking(version):
            return [seeing(serving(bare(at, etcd_version=version)), cluster_version="3.6.0") for at in range(3)]

        found = refused(described(asking("3.7.0")), asking("3.7.1"))
        assert "The inventory says something else of etcd-host0: etcd_version" in found
        assert "'install etcd 3.7.1 on etcd-host0' was not approved" in found

    def test_of_the_collection(self):
        found = refused(described(to_be_updated()), to_be_updated(), collection="1.1.0")
        assert "made by version 1.0.0 of this collection, and this is 1.1.0" in found

    def test_of_the_python_that_the_files_name(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[0] = seeing(hosts[0], host={"interpreter": "/usr/bin/python3.13"})
        assert "than what was approved to /etc/systemd/system" in refused(approved, hosts)

    def test_of_a_host_that_gives_no_answer(self):
        hosts = with_a_missing_file(0)
        approved = described(hosts)
        hosts[2] = silent(hosts[2])
        assert "Etcd-host2 gives no answer now" in refused(approved, hosts)

    def test_never_of_a_member_that_serves_again(self):
        hosts = to_be_updated(0)
        hosts[2] = stopped(bare(2))
        approved = described(hosts)
        assert any(step.title == "start etcd-host2" for step in approved.steps)
        assert len(held_to(approved, to_be_updated(0))) == 1

    @pytest.mark.parametrize("words", [("etcd-host3",), ()])
    def test_of_the_members_to_forget(self, words):
        hosts = seeing_members(to_be_updated(), member_list(5))
        approved = described([saying(host, forget=("etcd-host3", "etcd-host4")) for host in hosts])
        found = refused(approved, [saying(host, forget=words) for host in hosts])
        assert f"Etcd_forget is {', '.join(words) or 'empty'} and was etcd-host3, etcd-host4" in found

    def test_of_another_cluster_of_that_name(self):
        hosts = to_be_updated()
        approved = replace(described(hosts), cluster_id="another")
        with pytest.raises(Refused, match=CLUSTER_ID) as caught:
            held_to(approved, hosts)
        assert caught.value.code == "plan-of-another-cluster"

    def test_of_a_release_that_somebody_removed(self):
        hosts = to_be_updated()
        approved = described(hosts)
        hosts[1] = seeing(hosts[1], releases=[])
        assert "'install etcd 3.6.14 on etcd-host1' was not approved" in refused(approved, hosts)


class TestItsAge:
    def checked(self, made_at, max_age=DAY):
        approved_plan.check_age(described(to_be_updated(), at=made_at), NOON, max_age, "plan.json")

    def test_may_be_what_is_said(self):
        self.checked(NOON - DAY)
        self.checked(NOON - 30 * DAY, max_age=0)

    def test_is_refused_beyond_that(self):
        with pytest.raises(Refused, match=r"1 day, 0:01:00 ago, and is good for 1 day, 0:00:00") as caught:
            self.checked(NOON - DAY - 60)
        assert caught.value.code == "plan-expired"

    def test_is_not_told_by_clocks_that_differ(self):
        self.checked(NOON + 59)
        with pytest.raises(Refused, match=r"1:00:00 ahead of this controller's clock. One of the two clocks is wrong"):
            self.checked(NOON + 3600)


class TestWrittenDown:
    def test_is_read_as_it_was(self):
        approved = described(to_be_updated())
        assert ApprovedPlan.from_dict(json.loads(json.dumps(approved.to_dict()))).id == approved.id

    @pytest.mark.parametrize("name, value", [("made_at", NOON + DAY), ("steps", []), ("summary", "harmless")])
    def test_is_refused_once_it_was_edited(self, name, value):
        told = {**described(to_be_updated()).to_dict(), name: value}
        with pytest.raises(ValueError, match="it was edited"):
            ApprovedPlan.from_dict(told)

    def test_has_titles_for_people(self):
        told = described(to_be_updated()).to_dict()
        assert [step["title"].partition(":")[0] for step in told["steps"]] == ["etcd-host1", "etcd-host2", "etcd-host0"]

    def test_has_checksums_of_what_is_written_and_nothing_of_it(self):
        hosts = is_in_service(etcd_settings={"quota-backend-bytes": 4294967297})
        text = json.dumps(described([wanting(host, **{"log-level": "warn"}) for host in hosts]).to_dict())
        assert '"/etc/etcd/etcd.conf"' in text
        assert "4294967297" not in text
        assert "-key" not in text


class TestAnUpgrade:
    def hosts(self):
        return [seeing(serving(bare(at, etcd_version="3.7.1")), cluster_version="3.6.0") for at in range(3)]

    def test_is_approved_as_a_whole(self):
        approved_plan.check_complete(cluster_plan.plan(self.hosts()), "etcd_cluster")

    def test_that_follows_on_other_steps_is_not(self):
        hosts = self.hosts()
        hosts[2] = seeing(stopped(bare(2, etcd_version="3.7.1")), unit={"version": "3.6.14"})
        with pytest.raises(Refused, match="leave etcd_version unset") as caught:
            approved_plan.check_complete(cluster_plan.plan(hosts), "etcd_cluster")
        assert caught.value.code == "plan-incomplete"

    def test_goes_on_with_the_members_that_are_left(self):
        approved = described(self.hosts())
        hosts = self.hosts()
        done = replace(bare(1), wanted=hosts[1].wanted)
        hosts[1] = seeing(serving(having(done, "3.7.1"), version="3.7.1"), cluster_version="3.6.0")
        left = held_to(approved, hosts)
        assert not any(title.startswith("etcd-host1: restart") for title in left)
        assert any(title.startswith("etcd-host2: restart") for title in left)


def having(host, version):
    """A member with the files and the release of its next version."""
    found = written(stopped(host), version)
    return seeing(found, unit={"enabled": "enabled"}, releases=["3.6.14", version])


def test_a_plan_is_refused_by_an_error_that_is_told_to_programs():
    with pytest.raises(EtcdError) as caught:
        held_to(described(to_be_updated()), is_in_service())
    assert [problem["code"] for problem in caught.value.refusals] == ["plan-changed"]
