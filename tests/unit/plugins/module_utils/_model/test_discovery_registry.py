# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a token is that of exactly the members of the inventory."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import discovery_registry
from ansible_collections.quorum.etcd.plugins.module_utils._model.discovery_registry import Registered, Registry

WANTED = {f"m{at}": [f"https://10.0.0.{at}:2380"] for at in (1, 2, 3)}
MEMBERS = tuple(Registered(f"{at}a", name, tuple(urls)) for at, (name, urls) in enumerate(WANTED.items()))


def refused(registry, begun=(), makes=False):
    with pytest.raises(Refused) as found:
        discovery_registry.check(registry, "t1", WANTED, begun, makes)
    return found.value


def passes(registry, begun=(), makes=False):
    discovery_registry.check(registry, "t1", WANTED, begun, makes)
    return True


def test_a_registration_is_read_as_etcd_writes_it():
    found = Registered.from_text("8e9e", "m1=https://b:2380,m1=https://a:2380")
    assert found == Registered("8e9e", "m1", ("https://a:2380", "https://b:2380"))


@pytest.mark.parametrize("text", ["", "hello", "m1=https://a:2380,m2=https://b:2380"])
def test_what_is_no_registration_stays_as_it_is(text):
    assert Registered.from_text("8e9e", text) == Registered("8e9e", text)


def test_a_result_says_all_of_a_token():
    registry = Registry("3", MEMBERS)
    assert Registry.from_result(registry.to_dict()) == registry
    assert Registry.from_result(Registry().to_dict()) == Registry()


def test_a_token_of_the_right_size_and_empty_is_taken():
    assert passes(Registry("3"))


def test_a_token_that_is_not_there_is_refused_where_it_was_given():
    assert refused(Registry()).code == "discovery-token-missing"
    assert "size: 3" in str(refused(Registry()))
    assert passes(Registry(), makes=True)


@pytest.mark.parametrize("size", ["2", "4", "x", ""])
def test_a_token_of_another_size_is_refused(size):
    found = refused(Registry(size, MEMBERS[:1]), ["m1"])
    assert found.code == "discovery-size"
    assert "the inventory has 3" in str(found)


@pytest.mark.parametrize(
    "stranger",
    [
        Registered("9", "m9", ("https://10.0.0.9:2380",)),
        # By the name of one of ours, from elsewhere.
        Registered("9", "m1", ("https://10.0.0.9:2380",)),
        Registered("9", "m1", ("https://10.0.0.1:2380", "https://10.0.0.9:2380")),
        Registered("9", "nonsense"),
    ],
)
def test_a_stranger_is_refused(stranger):
    found = refused(Registry("3", (MEMBERS[1], stranger)), ["m1", "m2", "m3"])
    assert found.code == "discovery-stranger"
    assert stranger.label in str(found)


def test_a_token_that_was_used_is_refused():
    found = refused(Registry("3", MEMBERS))
    assert found.code == "discovery-used"
    assert all(one.label in str(found) for one in MEMBERS)


def test_members_that_an_interrupted_run_has_started_may_be_there():
    assert passes(Registry("3", MEMBERS[:2]), ["m1", "m2"])
    assert "m2 (" in str(refused(Registry("3", MEMBERS[:2]), ["m1"]))


def test_all_that_is_wrong_is_said_at_once():
    found = refused(Registry("2", (*MEMBERS[:1], Registered("9", "m9"))))
    assert [problem.code for problem in found.problems] == ["discovery-size", "discovery-stranger", "discovery-used"]


@pytest.mark.parametrize("registry", [Registry(), Registry("3"), Registry("3", MEMBERS[1:])])
def test_who_waits_must_be_registered_at_this_very_service(registry):
    """It was started by another one, or that one has lost what it had."""
    with pytest.raises(Refused) as found:
        discovery_registry.check_waiting(registry, "t1", ["m1"])
    assert found.value.code == "founders-changed"
    assert "systemctl stop" in found.value.remedy
    discovery_registry.check_waiting(registry, "t1", [])
    discovery_registry.check_waiting(Registry("3", MEMBERS), "t1", ["m1"])
