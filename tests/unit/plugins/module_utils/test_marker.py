# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _marker
from ansible_collections.quorum.etcd.plugins.module_utils._errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._marker import Marker
from hypothesis import given
from hypothesis import strategies as st

STATES = [_marker.OFFERED, _marker.NEVER_STARTED, _marker.STARTING, _marker.STARTED]
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
    assert _marker.parse(_marker.render(marker)) == marker


def test_every_field_is_read_back():
    marker = Marker(
        _marker.STARTED,
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
    assert _marker.parse(_marker.render(marker)) == marker


@given(MARKERS)
def test_it_survives_the_way_through_json(marker):
    assert Marker.from_dict(marker.to_dict()) == marker
    assert isinstance(marker.to_dict()["mounts"], list)


def test_it_is_one_value_a_line_for_a_shell_to_read():
    text = _marker.render(Marker(_marker.OFFERED, cluster="etcd_cluster", token="t", mounts=("/data", "/wal")))
    lines = text.splitlines()
    assert lines[:2] == ["FORMAT=1", "STATE=offered"]
    assert "MOUNTS=/data:/wal" in lines
    assert text.endswith("\n")


@pytest.mark.parametrize("char", ["\n", "\r", "\x00", "\x1b"])
def test_a_value_that_would_break_the_lines_is_refused(char):
    with pytest.raises(BadInput, match="cluster"):
        _marker.render(Marker(_marker.OFFERED, cluster=f"a{char}STATE=started"))


def test_lines_that_a_person_added_do_no_harm():
    text = "# looked at on Monday\n\n" + _marker.render(Marker(_marker.STARTED, name="a")) + "NOTE=mine\nnothing\n"
    assert _marker.parse(text) == Marker(_marker.STARTED, name="a")


def test_a_value_may_have_spaces():
    marker = Marker(_marker.OFFERED, cluster="the cluster of Monday")
    assert _marker.parse(_marker.render(marker)) == marker


def test_what_a_marker_does_not_say_is_empty():
    assert _marker.parse("FORMAT=1\nSTATE=started\n") == Marker(_marker.STARTED, origin="")
    assert Marker.from_dict({"state": _marker.STARTED}) == Marker(_marker.STARTED)


@pytest.mark.parametrize("values", [{}, {"state": _marker.STARTED, "colour": "red"}])
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
        _marker.parse(text)
    assert f"The marker on this host {found}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "STATE=started\n", "FORMAT=2\nSTATE=started\n", "FORMAT=\nSTATE=started\n"])
def test_another_format_is_never_guessed_at(text):
    with pytest.raises(Refused, match="this release knows 1"):
        _marker.parse(text)


@pytest.mark.parametrize("line", ["", "STATE=\n", "STATE=None\n", "STATE=gone\n", "STATE=Started\n"])
def test_a_state_that_is_not_known_is_never_guessed_at(line):
    text = f"FORMAT=1\n{line}NAME=etcd-host0\n"
    with pytest.raises(Refused, match="unknown state"):
        _marker.parse(text)


class TestWhatAModuleMayWrite:
    ALLOWED = {
        (None, _marker.OFFERED),
        (None, _marker.NEVER_STARTED),
        (None, _marker.STARTED),
        (None, _marker.LEAVING),
        (_marker.OFFERED, _marker.OFFERED),
        (_marker.OFFERED, _marker.NEVER_STARTED),
        (_marker.NEVER_STARTED, _marker.NEVER_STARTED),
        (_marker.NEVER_STARTED, _marker.LEAVING),
        (_marker.STARTING, _marker.STARTING),
        (_marker.STARTING, _marker.LEAVING),
        (_marker.STARTED, _marker.STARTED),
        (_marker.STARTED, _marker.LEAVING),
        (_marker.LEAVING, _marker.LEAVING),
        (_marker.LEAVING, _marker.REMOVED),
        (_marker.LEAVING, _marker.STARTED),
        (_marker.REMOVED, _marker.REMOVED),
        (_marker.REMOVED, _marker.NEVER_STARTED),
    }

    @pytest.mark.parametrize("old", [None, *STATES])
    @pytest.mark.parametrize("new", STATES)
    def test_leads_forward_and_never_past_the_gate(self, old, new):
        if (old, new) in self.ALLOWED:
            _marker.check_follows(old, new)
        else:
            with pytest.raises(Refused, match="Run the same command again"):
                _marker.check_follows(old, new)

    @pytest.mark.parametrize(
        "old, new, said",
        [
            (None, _marker.STARTING, "says 'nothing', and 'starting' cannot follow it."),
            (_marker.STARTED, _marker.OFFERED, "says 'started', and 'offered' cannot follow it."),
            ("gone", _marker.OFFERED, "says 'gone', and 'offered' cannot follow it."),
        ],
    )
    def test_names_both_states_where_it_may_not(self, old, new, said):
        with pytest.raises(Refused) as caught:
            _marker.check_follows(old, new)
        assert said in str(caught.value)

    @pytest.mark.parametrize("old", [None, *STATES, _marker.LEAVING, _marker.REMOVED])
    @pytest.mark.parametrize("pending", _marker.PENDING)
    def test_may_suspend_whatever_was(self, old, pending):
        _marker.check_follows(old, pending)

    @pytest.mark.parametrize(
        "pending, may",
        [
            (_marker.RESTORE_PENDING, {_marker.RESTORED, _marker.REMOVED, _marker.LEAVING}),
            (_marker.RECOVERY_PENDING, {_marker.STARTED, _marker.REMOVED, _marker.LEAVING}),
            (_marker.RESTORED, {_marker.STARTED, _marker.LEAVING}),
        ],
    )
    def test_ends_a_suspension_only_where_its_playbook_leads(self, pending, may):
        assert _marker.FOLLOWS[pending] == may | {pending}

    def test_is_held_where_a_marker_becomes_another(self):
        with pytest.raises(Refused, match="cannot follow"):
            Marker(_marker.STARTED).becoming(_marker.NEVER_STARTED)

    def test_keeps_the_rest(self):
        marker = Marker(_marker.OFFERED, token="t", name="a")
        assert marker.becoming(_marker.NEVER_STARTED) == Marker(_marker.NEVER_STARTED, token="t", name="a")
        assert marker.becoming(_marker.OFFERED, token="u") == Marker(_marker.OFFERED, token="u", name="a")


class TestASuspendedMarker:
    WAS = Marker(_marker.STARTED, token="t", name="a", member_id="1")

    @pytest.mark.parametrize("pending", _marker.PENDING)
    def test_is_resumed_as_it_was(self, pending):
        suspended = self.WAS.suspended(pending, next_token="u")
        assert (suspended.state, suspended.before, suspended.next_token) == (pending, _marker.STARTED, "u")
        assert suspended.resumed() == self.WAS

    def test_stays_what_it_is_when_it_is_suspended_again(self):
        once = self.WAS.suspended(_marker.RESTORE_PENDING)
        assert once.suspended(_marker.RESTORE_PENDING) == once

    def test_is_none_again_where_none_was(self):
        assert Marker(_marker.RESTORE_PENDING).resumed() is None

    @pytest.mark.parametrize("state", [*STATES, _marker.RESTORED, _marker.LEAVING])
    def test_alone_can_be_resumed(self, state):
        with pytest.raises(Refused, match="nothing is pending"):
            Marker(state).resumed()

    def test_is_of_one_kind_at_a_time(self):
        with pytest.raises(Refused, match="cannot follow"):
            self.WAS.suspended(_marker.RESTORE_PENDING).suspended(_marker.RECOVERY_PENDING)
