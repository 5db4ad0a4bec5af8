# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

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
    mounts=st.lists(st.from_regex(r"/[a-z/]+", fullmatch=True), max_size=2).map(tuple),
)


@given(MARKERS)
def test_what_is_written_is_what_is_read(marker):
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
        (_marker.OFFERED, _marker.OFFERED),
        (_marker.OFFERED, _marker.NEVER_STARTED),
        (_marker.NEVER_STARTED, _marker.NEVER_STARTED),
        (_marker.STARTING, _marker.STARTING),
        (_marker.STARTED, _marker.STARTED),
    }

    @pytest.mark.parametrize("old", [None, *STATES])
    @pytest.mark.parametrize("new", STATES)
    def test_leads_forward_and_never_past_the_gate(self, old, new):
        if (old, new) in self.ALLOWED:
            _marker.check_follows(old, new)
        else:
            with pytest.raises(Refused, match="Run the same command again"):
                _marker.check_follows(old, new)

    def test_keeps_the_rest(self):
        marker = Marker(_marker.OFFERED, token="t", name="a")
        assert marker.becoming(_marker.NEVER_STARTED) == Marker(_marker.NEVER_STARTED, token="t", name="a")
        assert marker.becoming(_marker.OFFERED, token="u") == Marker(_marker.OFFERED, token="u", name="a")
