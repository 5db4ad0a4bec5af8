# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role may do follows from what is written, whatever etcd has of it already."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._access import permissions
from ansible_collections.quorum.etcd.plugins.module_utils._access.permissions import Permission
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from hypothesis import example, given, settings
from hypothesis import strategies as st

_PLACES = [{"key": "/a"}, {"prefix": "/a"}, {"range": ["/a", "/c"]}, {"range": ["/a", ""]}, {"key": "/c"}]
_KEYS = st.sampled_from(_PLACES)
_WRITTEN = st.builds(lambda access, keys: {"access": access, **keys}, st.sampled_from(permissions.ACCESSES), _KEYS)


def read(*written):
    return permissions.listed(list(written), "role app")


def granted(has, steps):
    """What etcd makes of steps: it replaces what it has of these keys, or appends where the first key has two ends."""
    for step in steps:
        if step.grants is None:
            has = [one for one in has if one.keys != step.keys]
        elif any(one.keys != step.keys and one.keys.first == step.keys.first for one in has):
            has = [*has, step.grants]
        else:
            has = [*(one for one in has if one.keys != step.keys), step.grants]
    return has


@given(
    has=st.lists(_WRITTEN, max_size=6),
    wanted=st.lists(_WRITTEN, max_size=4, unique_by=lambda one: str({**one, "access": ""})),
)
@example(
    has=[{"access": "read", "key": "/a"}],
    wanted=[{"access": "read", "prefix": "/a"}, {"access": "write", "key": "/a"}],
)
@settings(max_examples=500)
def test_steps_lead_to_exactly_what_is_written(has, wanted):
    before = [Permission.from_dict(one, "etcd") for one in has]
    asked = read(*wanted)
    after = granted(before, permissions.steps(before, asked, whole=True))
    assert permissions.shown(after) == permissions.shown(asked)
    assert permissions.steps(after, asked, whole=True) == []


@given(has=st.lists(_WRITTEN, max_size=6), wanted=st.lists(_WRITTEN, max_size=1))
def test_appended_ones_take_nothing_of_other_keys_away(has, wanted):
    before = [Permission.from_dict(one, "etcd") for one in has]
    asked = read(*wanted)
    after = granted(before, permissions.steps(before, asked, whole=False))
    assert permissions.shown(after) == permissions.afterwards(before, asked, whole=False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"access": "read", "range": ["/b", "/a"]}, "ends before it begins"),
        ({"access": "read", "range": ["/a", "/a"]}, "ends before it begins"),
        ({"access": "read", "range": ["/a"]}, "two texts"),
        ({"access": "read", "key": ""}, "prefix: ''"),
        ({"access": "read", "key": 1}, "give a text"),
        ({"access": "read"}, "one of key, prefix, range"),
        ({"access": "read", "key": "/a", "prefix": "/a"}, "one of key, prefix, range"),
        ({"access": "all", "key": "/a"}, "access of read, write, readwrite"),
        ("read /a", "access of read, write, readwrite"),
    ],
)
def test_what_is_no_permission_is_refused(wrong, said):
    with pytest.raises(BadInput, match=said):
        read(wrong)


def test_keys_that_are_named_twice_are_refused():
    with pytest.raises(BadInput, match="named twice"):
        read({"access": "read", "key": "/a"}, {"access": "write", "key": "/a"})


@pytest.mark.parametrize("name", [b"", b"\0"])
def test_the_role_root_is_shown_with_every_key_whichever_release_tells_it(name):
    told = Permission.of_answer({"permType": "READWRITE", "key": name, "range_end": b"\0"})
    assert told.to_dict() == {"access": "readwrite", "prefix": ""}
