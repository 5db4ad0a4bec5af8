# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part that a discovery service, or SRV records, have in a founding, interrupted anywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    STATIC,
    DiscoveryV2,
    DiscoveryV3,
    Srv,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    JOIN,
    NEVER_STARTED,
    OFFERED,
    STARTED,
    STARTING,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import bootstrap, cluster_plan
from inventory_of import (
    bare,
    initial_cluster,
    logged,
    marked,
    running,
    seeing,
    serving,
    silent,
    three,
    written,
)

URL = "http://10.0.0.9:2379/v2/keys/discovery/"
V3 = DiscoveryV3(endpoints=("http://10.0.0.9:2379",))
V3_GIVEN = replace(V3, token="given")
V2 = DiscoveryV2(url=URL)
V2_GIVEN = DiscoveryV2(url=f"{URL}given")
PUBLIC = DiscoveryV2(url="https://discovery.example.com/new?size=3")
DRAWN = "https://discovery.example.com/3e86b59982e49066c5d813af1c2e2579"
ALL = [V3, V3_GIVEN, V2, V2_GIVEN]
RECORDS = Srv(domain="example.com")


def by(source, *hosts):
    return [replace(host, wanted=replace(host.wanted, bootstrap=source)) for host in hosts or three()]


def steps(hosts, kind, of=cluster_plan.plan):
    return [step for step in of(hosts).steps if step.kind == kind]


def kinds(hosts):
    return [wave[0].kind for wave in cluster_plan.plan(hosts).waves]


def refusal(hosts):
    with pytest.raises(Refused) as refused:
        cluster_plan.plan(hosts)
    return refused.value


def waiting(at):
    """A member that has registered, waits for the others, and has no log before they have come."""
    host = seeing(running(marked(bare(at), STARTING)), data={"log": False, "member_id": "", "cluster_id": ""})
    host = seeing(host, runtime={"environment": {**host.seen.runtime.environment, "ETCD_DISCOVERY_TOKEN": "(hidden)"}})
    return seeing(host, marker={"state": STARTING, "cluster_id": "", "member_id": "", "token": "given"})


def began_by_records(at):
    """A member that has read them, and has no log yet."""
    host = waiting(at)
    environment = {name: value for name, value in host.seen.runtime.environment.items() if "DISCOVERY" not in name}
    told = {"ETCD_DISCOVERY_SRV": "example.com", "ETCD_DISCOVERY_SRV_NAME": "prod"}
    return seeing(host, runtime={"environment": {**environment, **told}})


class TestFounding:
    @pytest.mark.parametrize("source", ALL)
    def test_asks_before_anything_is_touched_and_again_before_the_start(self, source):
        found = kinds(by(source))
        assert found == ["ask", "install", "configure", "prove", "ask", "start", "await"]

    def test_asks_nobody_where_it_is_static(self):
        assert "ask" not in kinds(by(STATIC))
        assert cluster_plan.plan(by(STATIC)).looks_first == 0

    @pytest.mark.parametrize("source", ALL)
    def test_lets_check_mode_ask_as_well(self, source):
        assert cluster_plan.plan(by(source)).looks_first == 1

    @pytest.mark.parametrize("source", ALL)
    def test_lets_the_first_start_ask(self, source):
        assert all(step.act.learns for step in steps(by(source), "configure"))
        assert not any(step.act.learns for step in steps(by(STATIC), "configure"))

    @pytest.mark.parametrize("source, given", [(V3_GIVEN, "given"), (V2_GIVEN, f"{URL}given")])
    def test_goes_by_the_token_that_is_given_and_makes_none(self, source, given):
        hosts = by(source)
        assert {step.act.token for step in steps(hosts, "ask") + steps(hosts, "configure")} == {given}
        assert not any(step.act.makes for step in steps(hosts, "ask"))

    @pytest.mark.parametrize("source, place", [(V3, "etcd_cluster-"), (V2, f"{URL}etcd_cluster-")])
    def test_names_a_token_where_none_is_given(self, source, place):
        hosts = by(source)
        (token,) = {step.act.token for step in steps(hosts, "ask") + steps(hosts, "configure")}
        assert token.startswith(place)
        assert all(step.act.makes for step in steps(hosts, "ask"))
        assert [step.act.starts for step in steps(hosts, "ask")] == [False] * 3 + [True] * 3

    def test_makes_a_token_only_when_every_marker_has_it(self):
        """A run that is killed before the members start finds it there."""
        titles = [step.title for step in cluster_plan.plan(by(V3)).steps]
        made = next(at for at, title in enumerate(titles) if title.startswith("make the discovery token"))
        assert made > max(at for at, title in enumerate(titles) if title.startswith("reach every member"))

    @pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
    @pytest.mark.parametrize("source, token", [(V3, "of-before"), (V2, f"{URL}of-before"), (V3_GIVEN, "given")])
    def test_that_was_interrupted_goes_on_with_its_token(self, source, token, state):
        hosts = by(source, marked(bare(0), state, token=token), marked(bare(1), OFFERED, token=token), bare(2))
        assert bootstrap.token(hosts) == token

    def test_takes_no_token_of_another_source(self):
        """Nobody has started by it yet."""
        hosts = by(V2, marked(bare(0), OFFERED, token="a-static-one"), bare(1), bare(2))
        assert bootstrap.token(hosts).startswith(URL)

    @pytest.mark.parametrize("source", [V2, V3_GIVEN, V2_GIVEN])
    def test_is_refused_where_hosts_have_agreed_on_another_token(self, source):
        hosts = by(source, *(marked(bare(at), NEVER_STARTED, token="of-before") for at in range(3)))
        found = refusal(hosts)
        assert found.code == "founders-changed"
        assert "of-before" in str(found)

    def test_goes_on_statically_with_whatever_was_agreed(self):
        """The token makes the same cluster, whoever told the members of each other."""
        hosts = by(STATIC, *(marked(bare(at), NEVER_STARTED, token=f"{URL}x") for at in range(3)))
        assert {step.act.token for step in steps(hosts, "configure")} == {f"{URL}x"}

    def test_lets_only_those_be_registered_that_may_have_started(self):
        hosts = by(V3_GIVEN, marked(bare(0), NEVER_STARTED, token="given"), marked(bare(1), OFFERED), bare(2))
        assert {tuple(step.act.may_be_there) for step in steps(hosts, "ask")} == {("etcd-host0",)}


class TestAServiceThatDraws:
    def test_is_asked_once_and_the_rest_is_planned_after_it(self):
        plan = cluster_plan.plan(by(PUBLIC))
        assert [wave[0].kind for wave in plan.waves] == ["install", "draw"]
        assert [step.host for step in plan.steps if step.kind == "draw"] == ["etcd-host0"]
        assert plan.comes_after

    def test_is_not_asked_again_once_a_host_has_the_token(self):
        hosts = by(PUBLIC, marked(bare(0), OFFERED, token=DRAWN), bare(1), bare(2))
        assert "draw" not in kinds(hosts)
        assert {step.act.token for step in steps(hosts, "ask")} == {DRAWN}
        assert not any(step.act.makes and step.act.token == "" for step in steps(hosts, "ask"))

    def test_is_asked_for_as_many_members_as_there_are(self):
        hosts = by(PUBLIC, *(bare(at) for at in range(5)))
        with pytest.raises(BadInput, match="for 3 members, and the inventory has 5"):
            cluster_plan.plan(hosts)


class TestItIsRefused:
    @pytest.mark.parametrize(
        "source, version, found", [(V2, "3.7.1", "gone in etcd 3.7"), (V3, "3.5.33", "came with etcd 3.6")]
    )
    def test_where_the_release_does_not_know_it(self, source, version, found):
        with pytest.raises(BadInput, match=found):
            cluster_plan.plan(by(source, *three(etcd_version=version)))

    def test_where_hosts_say_different_things(self):
        hosts = [*by(V3, bare(0), bare(1)), *by(V3_GIVEN, bare(2))]
        with pytest.raises(BadInput, match="differs between the hosts"):
            cluster_plan.plan(hosts)


class TestAFirstStartThatWasInterrupted:
    def test_is_gone_on_with_by_the_service_while_others_wait_there(self):
        hosts = by(V3_GIVEN, waiting(0), *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        assert kinds(hosts) == ["configure", "ask", "start", "await"]
        assert all(step.act.learns for step in steps(hosts, "configure"))
        assert {step.host for step in steps(hosts, "ask")} == {"etcd-host1", "etcd-host2"}
        assert all(step.act.starts and "etcd-host0" in step.act.may_be_there for step in steps(hosts, "ask"))

    def test_is_gone_on_with_by_names_once_one_has_a_log(self):
        """All had registered then, so nobody waits for anybody."""
        began = seeing(running(logged(marked(bare(0), STARTING, token="given"))), marker={"state": STARTING})
        hosts = by(V3_GIVEN, began, *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        assert not steps(hosts, "ask")
        for step in steps(hosts, "configure"):
            assert not step.act.learns
            assert (step.act.token, step.act.initial_cluster) == ("given", initial_cluster())

    @pytest.mark.parametrize("source", [STATIC, RECORDS, V2_GIVEN, replace(V3, token="another")])
    def test_is_refused_while_others_wait_where_nobody_would_come_any_more(self, source):
        hosts = by(source, waiting(0), *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        found = refusal(hosts)
        assert found.code == "founders-changed"
        assert "etcd-host0 waits" in str(found)
        assert "systemctl stop etcd.service on etcd-host0" in found.remedy

    @pytest.mark.parametrize("source", [STATIC, V2_GIVEN])
    def test_is_gone_on_with_once_who_waits_is_stopped(self, source):
        """The gate has it never started then."""
        token = "given" if source is STATIC else V2_GIVEN.given_token
        hosts = by(source, *(marked(bare(at), NEVER_STARTED, token=token) for at in range(3)))
        assert [step.host for step in steps(hosts, "start")] == [host.name for host in hosts]

    @pytest.mark.parametrize(
        "third, found, remedy",
        [
            (silent(bare(2)), "could not be looked at", " -e etcd_fenced=etcd-host2, then"),
            (None, "not in the inventory", " -e etcd_confirm_cluster=etcd_cluster, then"),
            (bare(2), "nothing of its first start", "quorum.etcd.destroy"),
            (marked(bare(2), STARTING, token="given"), "nothing of its first start", "quorum.etcd.destroy"),
        ],
        ids=["silent", "not in the inventory", "built anew", "lost its power in the first start"],
    )
    def test_is_refused_where_one_will_never_come(self, third, found, remedy):
        """The others would wait for ever, and be awaited by each run."""
        hosts = [*by(V3_GIVEN, waiting(0), waiting(1)), *([third] if third else [])]
        refused = refusal(hosts)
        assert refused.code == "first-start-interrupted"
        assert "etcd-host0, etcd-host1 wait at a discovery service for etcd-host2" in str(refused)
        assert found in str(refused) and remedy in refused.remedy

    def test_waits_for_one_that_is_about_to_come(self):
        begins = seeing(marked(bare(2), STARTING, token="given"), unit={"active_state": "activating"})
        assert kinds(by(V3_GIVEN, waiting(0), waiting(1), begins)) == ["await"]
        assert kinds(by(V3_GIVEN, waiting(0), waiting(1), waiting(2))) == ["await"]

    def test_says_of_nobody_who_waits_that_its_log_is_lost(self):
        assert cluster_plan.plan(by(V3_GIVEN, waiting(0), waiting(1), waiting(2))).differences == ()

    def test_never_takes_one_that_was_ready_for_one_that_waits(self):
        """Its process has the settings of the first start for as long as it runs."""
        ready = seeing(waiting(0), marker={"state": STARTED, "member_id": "8e9e05c521646940"})
        plan = cluster_plan.plan(
            by(V3_GIVEN, ready, *(seeing(waiting(at), marker={"state": STARTED}) for at in (1, 2)))
        )
        assert "its write-ahead log is no longer in" in plan.differences[0]

    def test_says_of_one_that_answers_that_its_log_is_lost(self):
        """Nobody has seen it ready by then, and it has a log somewhere."""
        answers = seeing(serving(bare(0)), marker={"state": STARTING}, data={"log": False})
        plan = cluster_plan.plan(by(V3_GIVEN, answers, *(serving(bare(at)) for at in (1, 2))))
        assert any("its write-ahead log is no longer in" in text for text in plan.differences)

    def test_tells_the_service_who_must_be_registered_there(self):
        hosts = by(V3_GIVEN, waiting(0), *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        assert all(list(step.act.waiting) == ["etcd-host0"] for step in steps(hosts, "ask"))


class TestRecords:
    def test_are_compared_before_anything_is_touched_and_again_before_the_start(self):
        plan = cluster_plan.plan(by(RECORDS))
        assert kinds(by(RECORDS)) == [
            "compare-records", "install", "configure", "prove", "compare-records", "start", "await",
        ]  # fmt: skip
        assert plan.looks_first == 1

    def test_are_asked_for_once_for_all_hosts(self):
        assert [step.host for step in steps(by(RECORDS), "compare-records")] == ["etcd-host0", "etcd-host0"]
        assert {step.act.initial_cluster for step in steps(by(RECORDS), "compare-records")} == {initial_cluster()}

    def test_are_what_the_first_start_goes_by(self):
        assert all(step.act.learns for step in steps(by(RECORDS), "configure"))

    def test_go_with_a_token_of_their_own_cluster(self):
        (token,) = {step.act.token for step in steps(by(RECORDS), "configure")}
        assert token.startswith("etcd_cluster-")

    def test_are_compared_again_for_those_that_have_not_started(self):
        hosts = by(RECORDS, began_by_records(0), *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        assert kinds(hosts) == ["configure", "compare-records", "start", "await"]
        assert all(step.act.learns for step in steps(hosts, "configure"))
        assert [step.host for step in steps(hosts, "compare-records")] == ["etcd-host1"]

    def test_are_asked_no_more_once_one_has_a_log(self):
        """They may have changed since: who asked then would found a cluster of its own."""
        began = seeing(running(logged(marked(bare(0), STARTING, token="agreed"))), marker={"state": STARTING})
        hosts = by(RECORDS, began, *(marked(bare(at), NEVER_STARTED, token="agreed") for at in (1, 2)))
        assert not steps(hosts, "compare-records")
        assert {(step.act.learns, step.act.token) for step in steps(hosts, "configure")} == {(False, "agreed")}

    def test_let_nobody_wait_for_anyone(self):
        """Another way of founding can be chosen after a start by records that came to nothing."""
        hosts = by(STATIC, began_by_records(0), *(marked(bare(at), NEVER_STARTED, token="given") for at in (1, 2)))
        assert "start" in kinds(hosts)

    def test_of_a_plain_cluster_found_none_with_3_4(self):
        hosts = by(RECORDS, *three(etcd_version="3.4.23"))
        assert refusal(hosts).code == "srv-without-tls"
        assert "compare-records" in kinds(by(RECORDS, *(bare(at, tls=True, etcd_version="3.4.23") for at in range(3))))
        assert "compare-records" in kinds(by(RECORDS, *three(etcd_version="3.5.33")))


class TestALaterChange:
    @pytest.mark.parametrize("source", [*ALL, PUBLIC, RECORDS])
    def test_asks_nobody_for_names(self, source):
        hosts = by(source, *(serving(bare(at)) for at in range(3)), bare(3))
        assert "join" in kinds(hosts)
        assert not {"ask", "draw", "compare-records"} & set(kinds(hosts))

    def test_lets_nobody_who_joins_ask(self):
        joining = seeing(written(bare(3)), marker=None)
        joining = marked(joining, NEVER_STARTED, origin=JOIN, token="")
        hosts = by(V3_GIVEN, *(serving(bare(at)) for at in range(3)), joining)
        assert not {"ask", "draw"} & set(kinds(hosts))

    def test_goes_with_a_release_that_does_not_know_the_source_any_more(self):
        hosts = by(V2, *(serving(bare(at, etcd_version="3.7.1"), version="3.7.1") for at in range(3)))
        assert not {"ask", "draw", "configure"} & set(kinds(hosts))
