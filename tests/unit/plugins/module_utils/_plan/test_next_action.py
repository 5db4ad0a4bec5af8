# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is due for: the table, and what holds for every state that a host can be seen in, however unlikely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import gate
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    LEAVING,
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
    STARTING,
    Marker,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Data, File, MemberUnit, Observation
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Identity, Process
from ansible_collections.quorum.etcd.plugins.module_utils._plan import next_action
from ansible_collections.quorum.etcd.plugins.module_utils._plan.next_action import (
    AWAIT,
    JOIN,
    KEEP,
    LEAVE,
    NOTHING,
    REPLACE,
    RESTORE,
    START,
    WAIT,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster
from ansible_collections.quorum.etcd.plugins.module_utils._steps import join
from inventory_of import CLUSTER_ID, LAYOUT, bare, member_id

WANTED = bare(3).wanted
ABSENT = replace(WANTED, present=False)
FILES = {path: File(exists=True) for path in (LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file)}


def called(learner: bool, started: bool, here: bool) -> str:
    return f"{'learner' if learner else 'voter'}{'' if started else ', not started'}{'' if here else ', elsewhere'}"


def member(learner: bool, started: bool, here: bool) -> ClusterMember:
    peer_urls = WANTED.member.peer_urls if here else ["http://10.9.9.9:2380"]
    name, client_urls = ("etcd-host3", ["http://10.0.0.4:2379"]) if started else ("", [])
    return ClusterMember(member_id(3), name, peer_urls, client_urls, learner)


#: What the cluster's list says of the host: nothing, or voter or learner, started or not, at its URLs or elsewhere.
MEMBERS = {
    "none": None,
    **{
        called(learner, started, here): member(learner, started, here)
        for learner, started, here in product([False, True], repeat=3)
    },
}
STATES = tuple(markers.FOLLOWS)
RAN = (STARTING, STARTED)


@dataclass(frozen=True)
class Case:
    """One host as it is seen.

    :param member: one of C(MEMBERS); None while nobody serves.
    :param previous: what an interrupted update replaced: C(sound), C(doubtful), or nothing.
    """

    state: str | None = STARTED
    origin: str = markers.BOOTSTRAP
    known: bool = True
    log: bool = True
    runs: bool = False
    answers: bool = False
    member: str | None = "voter"
    previous: str = ""
    masked: bool = False
    spoiled: bool = False
    present: bool = True
    files: bool = True
    older: bool = False

    @property
    def marker(self) -> Marker | None:
        ids = {"member_id": member_id(3), "cluster_id": CLUSTER_ID} if self.known else {}
        return Marker(self.state, origin=self.origin, **ids) if self.state is not None else None

    @property
    def host(self) -> Host:
        seen = Observation(
            marker=self.marker,
            data=Data(
                path=LAYOUT.data_dir,
                log=self.log,
                behind=self.spoiled,
                older_than="0000000000000001-0000000000000001.wal" if self.older else "",
            ),
            runtime=Process(identity=Identity(pid=1)) if self.runs else Process(),
            cluster=View(status=Status() if self.answers else None),
            unit=MemberUnit(enabled="masked" if self.masked else "enabled"),
            files=FILES if self.files else {},
            previous=bool(self.previous),
            previous_doubtful=self.previous == "doubtful",
        )
        return Host("etcd-host3", wanted=WANTED if self.present else ABSENT, seen=seen)

    @property
    def roster(self) -> Roster | None:
        if self.member is None:
            return None
        found = MEMBERS[self.member]
        return Roster(CLUSTER_ID, (found,) if found else (), {"etcd-host3": found} if found else {}, "")

    @property
    def due(self) -> str:
        return next_action.choose(self.host, self.roster)

    @property
    def is_voter(self) -> bool:
        return bool(self.member and self.member.startswith("voter"))

    @property
    def is_unstarted(self) -> bool:
        return bool(self.member and "not started" in self.member)

    @property
    def is_refused(self) -> bool:
        """Does the plan refuse everything where one host is seen like this?"""
        data = self.log or self.runs
        return (
            (self.state in (OFFERED, REMOVED) and data)
            or (self.state == NEVER_STARTED and self.log)
            or self.state in (*markers.PENDING, markers.RESTORED)
        )


def every_case():
    origins = (markers.BOOTSTRAP, markers.JOIN)
    yes_or_no = (False, True)
    for values in product(
        STATES,
        origins,
        yes_or_no,
        yes_or_no,
        yes_or_no,
        yes_or_no,
        (None, *MEMBERS),
        ("", "sound", "doubtful"),
        yes_or_no,
        yes_or_no,
        yes_or_no,
        yes_or_no,
    ):
        case = Case(*values)
        # Nobody answers who does not run, and what serves is not spoiled.
        if not (case.answers and (not case.runs or case.spoiled)):
            yield case


@pytest.fixture(scope="module")
def dues():
    """Every case and what it is due for."""
    return [(case, case.due) for case in every_case()]


def counterexamples(dues, what, holds):
    return [case for case, due in dues if due in what and not holds(case)][:3]


JOINING = markers.JOIN
TABLE = [
    # A host that nobody knows, and data of a member without a marker.
    (Case(None, log=False, member="none"), JOIN),
    (Case(None, log=False, member="learner, not started"), JOIN),
    (Case(None, log=False, member="voter"), REPLACE),
    (Case(None, member="voter"), KEEP),
    (Case(None, member=None), NOTHING),
    (Case(None, log=False, member=None), NOTHING),
    # A first start with the others that has not happened.
    (Case(NEVER_STARTED, log=False, member="voter, not started"), START),
    (Case(NEVER_STARTED, log=False, member="voter"), REPLACE),
    (Case(NEVER_STARTED, log=False, member="none"), REPLACE),
    (Case(NEVER_STARTED, log=False, member=None), START),
    # A joining that has begun.
    (Case(NEVER_STARTED, JOINING, log=False, member="learner, not started"), JOIN),
    (Case(NEVER_STARTED, JOINING, log=False, member="learner, not started, elsewhere"), REPLACE),
    (Case(NEVER_STARTED, JOINING, log=False, member=None), NOTHING),
    (Case(STARTING, JOINING, member="learner, not started"), JOIN),
    (Case(STARTED, JOINING, member="learner, elsewhere"), JOIN),
    (Case(STARTED, JOINING, log=False, member="learner"), REPLACE),
    (Case(STARTED, markers.KEPT, member="learner"), REPLACE),
    # A member.
    (Case(STARTED), START),
    (Case(STARTED, runs=True), NOTHING),
    (Case(STARTING, known=False, runs=True), AWAIT),
    (Case(STARTED, files=False), KEEP),
    (Case(STARTED, log=False), REPLACE),
    (Case(STARTED, spoiled=True), REPLACE),
    (Case(STARTED, spoiled=True, member=None), NOTHING),
    (Case(STARTED, member=None), START),
    (Case(STARTED, log=False, member=None), NOTHING),
    (Case(STARTED, masked=True), NOTHING),
    # One whose update was interrupted.
    (Case(STARTED, previous="sound"), RESTORE),
    (Case(STARTED, previous="doubtful"), START),
    (Case(STARTED, previous="sound", runs=True, answers=True), NOTHING),
    (Case(STARTED, previous="sound", member="learner", origin=JOINING), JOIN),
    # One whose log is an older copy of its own: its gate keeps it down.
    (Case(STARTED, older=True), WAIT),
    (Case(STARTED, older=True, member=None), WAIT),
    (Case(STARTED, older=True, files=False), WAIT),
    (Case(STARTED, older=True, previous="sound"), WAIT),
    (Case(LEAVING, older=True), WAIT),
    (Case(STARTED, older=True, runs=True), NOTHING),
    (Case(STARTED, older=True, masked=True), NOTHING),
    (Case(STARTED, older=True, present=False), LEAVE),
    (Case(STARTED, older=True, member=None, present=False), WAIT),
    # One that was to leave.
    (Case(LEAVING, member="voter"), KEEP),
    (Case(LEAVING, member="none"), REPLACE),
    (Case(LEAVING, log=False, member="voter"), REPLACE),
    (Case(LEAVING, member=None), START),
    (Case(REMOVED, log=False, member="none"), JOIN),
    (Case(REMOVED, log=False, member="voter"), REPLACE),
    # One that is to be absent.
    (Case(STARTED, present=False), LEAVE),
    (Case(STARTED, log=False, member="none", present=False), LEAVE),
    (Case(STARTED, masked=True, present=False), LEAVE),
    (Case(STARTED, member=None, present=False), START),
    (Case(None, member="voter", present=False), KEEP),
    (Case(None, log=False, member="voter", present=False), LEAVE),
    (Case(None, log=False, member="none", present=False), NOTHING),
    (Case(REMOVED, log=False, member="none", present=False), NOTHING),
    (Case(OFFERED, log=False, member="none", present=False), NOTHING),
]


@pytest.mark.parametrize("case, due", TABLE, ids=[str(case) for case, next_action in TABLE])
def test_the_table(case, due):
    assert case.due == due


@pytest.mark.parametrize(
    "case, due",
    [
        (Case(STARTED, member=None), KEEP),
        (Case(STARTED, log=False, member=None), NOTHING),
        # An update writes its files, and what is kept of one comes back first.
        (Case(STARTED), START),
        (Case(STARTED, member=None, previous="sound"), RESTORE),
    ],
)
def test_one_whose_gate_does_not_understand_its_settings_gets_its_files(case, due):
    """Started alone it would be refused again, and its gate says that the playbook writes them."""
    seen = replace(case.host.seen, refused=f"/etc/etcd/etcd.conf.yml {gate.UNREAD}. Run the playbook.")
    assert next_action.choose(replace(case.host, seen=seen), case.roster) == due


def test_what_the_plan_refuses_is_due_for_nothing(dues):
    assert not [case for case, due in dues if case.is_refused and due != NOTHING]


def test_nobody_is_started_whom_its_gate_would_refuse(dues):
    def passes(case):
        return case.state in (*RAN, LEAVING) if case.log else case.state == NEVER_STARTED

    assert not counterexamples(dues, [START], passes)


def test_nobody_is_started_on_an_older_log():
    """Nor is its update taken back, nor its marker written again as if all were well."""
    dues = [
        (case, replace(case, older=True).due) for case in every_case() if case.log and case.state in (*RAN, LEAVING)
    ]
    assert not counterexamples(dues, [START, RESTORE, KEEP, JOIN], lambda case: case.runs)


def test_nobody_makes_a_first_start_who_may_have_voted(dues):
    """A member that has published its client URLs has started."""
    assert not counterexamples(dues, [START], lambda case: case.log or case.member is None or case.is_unstarted)
    assert not counterexamples(dues, [START], lambda case: case.log or case.origin != markers.JOIN)


def test_nobody_joins_whom_the_act_would_refuse(dues):
    def accepted(case):
        try:
            join._check_host(LAYOUT, case.marker, case.log)
        except Refused:
            return False
        return True

    # Its process may end meanwhile without a log.
    assert not counterexamples(dues, [JOIN], accepted)


def test_nobody_joins_under_an_id_that_may_have_voted(dues):
    assert not counterexamples(dues, [JOIN], lambda case: not case.is_voter)
    assert not counterexamples(dues, [JOIN], lambda case: case.log or case.member == "none" or case.is_unstarted)


def test_nobody_leaves_whose_marker_would_not_follow(dues):
    """A host without a marker has its member removed from elsewhere, and so has one that has only offered itself."""

    def follows(case):
        return case.state in (None, OFFERED, REMOVED) or LEAVING in markers.FOLLOWS[case.state]

    assert not counterexamples(dues, [LEAVE, REPLACE], follows)


def test_no_voter_gives_its_data_up_unless_it_is_to_leave_or_cannot_use_them(dues):
    def may(case):
        return not case.is_voter or not case.log or case.spoiled

    assert not counterexamples(dues, [REPLACE], may)
    assert not counterexamples(dues, [LEAVE], lambda case: not case.present)


def test_a_member_that_serves_is_only_written_down(dues):
    serving = [case for case, due in dues if case.answers and case.log and case.present and case.is_voter]
    assert serving
    assert {case.due for case in serving} == {NOTHING, AWAIT, KEEP}


def test_what_a_quorum_must_agree_on_is_nothing_while_nobody_serves(dues):
    assert not counterexamples(dues, [JOIN, REPLACE, LEAVE], lambda case: case.member is not None)


def test_who_is_masked_is_neither_started_nor_changed(dues):
    assert not counterexamples(dues, [START, RESTORE, JOIN, REPLACE, AWAIT], lambda case: not case.masked)


def test_a_turn_is_put_back_only_where_the_member_was_seen_to_serve_before_it(dues):
    assert not counterexamples(
        dues, [RESTORE], lambda case: case.previous == "sound" and case.log and case.state in RAN and not case.answers
    )


def test_there_is_something_for_everybody_who_is_to_be_a_member_and_is_none(dues):
    """While others serve: it is started, joins, is replaced, gets its files, or waits for what it has begun."""
    idle = [
        case
        for case, due in dues
        if due == NOTHING and case.member is not None and case.present and not (case.runs or case.masked)
    ]
    assert idle
    assert all(case.is_refused or case.state == OFFERED for case in idle)
