# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from hypothesis import given
from hypothesis import strategies as st

STATES = [markers.OFFERED, markers.NEVER_STARTED, markers.STARTING, markers.STARTED]
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")))
MARKERS = st.builds(
    Marker,
    state=st.sampled_from(STATES),
    origin=WORDS,
    cluster=WORDS,
    name=WORDS,
    token=WORDS,
    cluster_id=WORDS,
    member_id=WORDS,
    initial_cluster=WORDS,
    machine_id=WORDS,
    before=WORDS,
    next_token=WORDS,
    mounts=st.lists(st.from_regex(r"/[a-z/]+", fullmatch=True), max_size=2).map(tuple),
)


@given(MARKERS)
def test_what_is_written_is_what_is_read(marker):
    assert markers.parse(markers.render(marker)) == marker


def test_every_field_is_read_back():
    marker = Marker(
        markers.STARTED,
        origin="bootstrap",
        cluster="etcd_cluster",
        name="etcd-host0",
        token="etcd_cluster-1",
        cluster_id="cdf818194e3a8c32",
        member_id="8e9e05c521646940",
        initial_cluster="etcd-host0=http://10.0.0.1:2380,etcd-host1=http://10.0.0.2:2380",
        machine_id="b08dfa6083e7567a1921a715000001fb",
        mounts=("/data", "/wal"),
    )
    assert markers.parse(markers.render(marker)) == marker


@given(MARKERS)
def test_it_survives_the_way_through_json(marker):
    assert Marker.from_dict(marker.to_dict()) == marker
    assert isinstance(marker.to_dict()["mounts"], list)


def test_it_is_one_value_a_line_for_a_shell_to_read():
    text = markers.render(Marker(markers.OFFERED, cluster="etcd_cluster", token="t", mounts=("/data", "/wal")))
    lines = text.splitlines()
    assert lines[:2] == ["FORMAT=1", "STATE=offered"]
    assert "MOUNTS=/data:/wal" in lines
    assert text.endswith("\n")


@pytest.mark.parametrize("char", ["\n", "\r", "\x00", "\x1b"])
def test_a_value_that_would_break_the_lines_is_refused(char):
    with pytest.raises(BadInput, match="cluster"):
        markers.render(Marker(markers.OFFERED, cluster=f"a{char}STATE=started"))


def test_lines_that_a_person_added_do_no_harm():
    text = "# looked at on Monday\n\n" + markers.render(Marker(markers.STARTED, name="a")) + "NOTE=mine\nnothing\n"
    assert markers.parse(text) == Marker(markers.STARTED, name="a")


def test_a_value_may_have_spaces():
    marker = Marker(markers.OFFERED, cluster="the cluster of Monday")
    assert markers.parse(markers.render(marker)) == marker


def test_what_a_marker_does_not_say_is_empty():
    assert markers.parse("FORMAT=1\nSTATE=started\n") == Marker(markers.STARTED, origin="")
    assert Marker.from_dict({"state": markers.STARTED}) == Marker(markers.STARTED)


@pytest.mark.parametrize("values", [{}, {"state": markers.STARTED, "colour": "red"}])
def test_what_is_no_marker_is_said(values):
    with pytest.raises(BadInput, match=re.escape(f"{values} is no marker: ")):
        Marker.from_dict(values)


@pytest.mark.parametrize(
    "text, found",
    [
        ("", "has format '(none)'"),
        ("FORMAT=2\nSTATE=started\n", "has format '2'"),
        ("FORMAT=1\n", "has the unknown state '(none)'"),
        ("FORMAT=1\nSTATE=gone\n", "has the unknown state 'gone'"),
    ],
)
def test_what_cannot_be_judged_is_quoted(text, found):
    with pytest.raises(Refused) as caught:
        markers.parse(text)
    assert f"The marker on this host {found}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "STATE=started\n", "FORMAT=2\nSTATE=started\n", "FORMAT=\nSTATE=started\n"])
def test_another_format_is_never_guessed_at(text):
    with pytest.raises(Refused, match="this release knows 1"):
        markers.parse(text)


@pytest.mark.parametrize("line", ["", "STATE=\n", "STATE=None\n", "STATE=gone\n", "STATE=Started\n"])
def test_a_state_that_is_not_known_is_never_guessed_at(line):
    text = f"FORMAT=1\n{line}NAME=etcd-host0\n"
    with pytest.raises(Refused, match="unknown state"):
        markers.parse(text)


class TestWhatAModuleMayWrite:
    ALLOWED = {
        (None, markers.OFFERED),
        (None, markers.NEVER_STARTED),
        (None, markers.STARTED),
        (None, markers.LEAVING),
        (markers.OFFERED, markers.OFFERED),
        (markers.OFFERED, markers.NEVER_STARTED),
        (markers.NEVER_STARTED, markers.NEVER_STARTED),
        (markers.NEVER_STARTED, markers.LEAVING),
        (markers.STARTING, markers.STARTING),
        (markers.STARTING, markers.LEAVING),
        (markers.STARTED, markers.STARTED),
        (markers.STARTED, markers.LEAVING),
        (markers.LEAVING, markers.LEAVING),
        (markers.LEAVING, markers.REMOVED),
        (markers.LEAVING, markers.STARTED),
        (markers.REMOVED, markers.REMOVED),
        (markers.REMOVED, markers.NEVER_STARTED),
    }

    @pytest.mark.parametrize("old", [None, *STATES])
    @pytest.mark.parametrize("new", STATES)
    def test_leads_forward_and_never_past_the_gate(self, old, new):
        if (old, new) in self.ALLOWED:
            markers.check_follows(old, new)
        else:
            with pytest.raises(Refused, match="Run the same command again"):
                markers.check_follows(old, new)

    @pytest.mark.parametrize(
        "old, new, said",
        [
            (None, markers.STARTING, "says 'nothing', and 'starting' cannot follow it."),
            (markers.STARTED, markers.OFFERED, "says 'started', and 'offered' cannot follow it."),
            ("gone", markers.OFFERED, "says 'gone', and 'offered' cannot follow it."),
        ],
    )
    def test_names_both_states_where_it_may_not(self, old, new, said):
        with pytest.raises(Refused) as caught:
            markers.check_follows(old, new)
        assert said in str(caught.value)

    @pytest.mark.parametrize("old", [None, *STATES, markers.LEAVING, markers.REMOVED])
    @pytest.mark.parametrize("pending", markers.PENDING)
    def test_may_suspend_whatever_was(self, old, pending):
        markers.check_follows(old, pending)

    @pytest.mark.parametrize(
        "pending, may",
        [
            (markers.RESTORE_PENDING, {markers.RESTORED, markers.REMOVED, markers.LEAVING}),
            (markers.RECOVERY_PENDING, {markers.STARTED, markers.REMOVED, markers.LEAVING}),
            (markers.RESTORED, {markers.STARTED, markers.LEAVING}),
        ],
    )
    def test_ends_a_suspension_only_where_its_playbook_leads(self, pending, may):
        assert markers.FOLLOWS[pending] == may | {pending}

    def test_is_held_where_a_marker_becomes_another(self):
        with pytest.raises(Refused, match="cannot follow"):
            Marker(markers.STARTED).becoming(markers.NEVER_STARTED)

    def test_keeps_the_rest(self):
        marker = Marker(markers.OFFERED, token="t", name="a")
        assert marker.becoming(markers.NEVER_STARTED) == Marker(markers.NEVER_STARTED, token="t", name="a")
        assert marker.becoming(markers.OFFERED, token="u") == Marker(markers.OFFERED, token="u", name="a")


class TestASuspendedMarker:
    WAS = Marker(markers.STARTED, token="t", name="a", member_id="1")

    @pytest.mark.parametrize("pending", markers.PENDING)
    def test_is_resumed_as_it_was(self, pending):
        suspended = self.WAS.suspended(pending, next_token="u")
        assert (suspended.state, suspended.before, suspended.next_token) == (pending, markers.STARTED, "u")
        assert suspended.resumed() == self.WAS

    def test_stays_what_it_is_when_it_is_suspended_again(self):
        once = self.WAS.suspended(markers.RESTORE_PENDING)
        assert once.suspended(markers.RESTORE_PENDING) == once

    def test_is_none_again_where_none_was(self):
        assert Marker(markers.RESTORE_PENDING).resumed() is None

    @pytest.mark.parametrize("state", [*STATES, markers.RESTORED, markers.LEAVING])
    def test_alone_can_be_resumed(self, state):
        with pytest.raises(Refused, match="nothing is pending"):
            Marker(state).resumed()

    def test_is_of_one_kind_at_a_time(self):
        with pytest.raises(Refused, match="cannot follow"):
            self.WAS.suspended(markers.RESTORE_PENDING).suspended(markers.RECOVERY_PENDING)
