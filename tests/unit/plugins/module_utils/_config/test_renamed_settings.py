# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One inventory serves every release of an upgrade: each reads the settings under the names that it knows."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import renamed_settings, render
from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import FLAGS, GATE_OF, REMOVED, SUCCESSOR
from inventory_of import bare

#: For a value of each kind.
SAMPLES = {"bool": True, "duration": "5m", "string": "map", "uint": 100, "uint64": 100, "int": 100}


def for_release(settings, minor, asked=7):
    return renamed_settings.for_release(settings, minor, asked)


def flags(settings, version, asked="3.7.1"):
    return render.flags(bare(etcd_version=asked, etcd_settings=settings).wanted, version)


@pytest.mark.parametrize("name", [name for name, flag in FLAGS.items() if flag.last < 7])
def test_a_setting_that_went_is_written_under_its_other_name_or_refused(name):
    settings = {name: SAMPLES[FLAGS[name].kind]}
    if name == "experimental-enable-lease-checkpoint-persist":
        settings["experimental-enable-lease-checkpoint"] = True
    if name in REMOVED or name == "log-package-levels":
        with pytest.raises(BadInput, match=f"{name} is gone"):
            flags(settings, "3.7.1")
        return
    found = flags(settings, "3.7.1")
    assert name not in found
    assert (GATE_OF[name] in found["feature-gates"]) if name in GATE_OF else (SUCCESSOR[name] in found)


def test_a_setting_of_the_release_itself_stays_as_it_is():
    settings = {"experimental-corrupt-check-time": "5m", "max-wals": 3}
    assert for_release(settings, 6) == for_release(settings, 5) == settings


@pytest.mark.parametrize(
    "settings, minor, found",
    [
        ({"corrupt-check-time": "5m"}, 5, {"experimental-corrupt-check-time": "5m"}),
        ({"corrupt-check-time": "5m"}, 6, {"corrupt-check-time": "5m"}),
        ({"max-learners": 2}, 5, {}),
        ({"max-learners": 2}, 6, {"max-learners": 2}),
        ({"feature-gates": {"LeaseCheckpoint": True}}, 5, {"experimental-enable-lease-checkpoint": True}),
        ({"feature-gates": "PriorityRequest=1,LeaseCheckpoint=1"}, 6, {"feature-gates": {"LeaseCheckpoint": True}}),
        ({"feature-gates": None}, 5, {"experimental-initial-corrupt-check": None}),
        ({"debug": True}, 5, {"log-level": "debug"}),
        ({"debug": False}, 5, {}),
        ({"debug": True, "log-level": "warn"}, 5, {"log-level": "warn"}),
    ],
)
def test_on_the_way_each_release_has_what_it_knows(settings, minor, found):
    assert for_release(settings, minor) == found


def test_without_an_upgrade_a_setting_that_is_too_new_is_refused():
    with pytest.raises(BadInput, match="came with etcd 3.6; in 3.5 it is experimental-corrupt-check-time"):
        flags({"corrupt-check-time": "5m"}, "3.5.33", "3.5.33")


def test_a_gate_that_was_a_setting_keeps_the_gates_that_are_given_beside_it():
    settings = {"experimental-enable-lease-checkpoint": True, "feature-gates": {"CompactHashCheck": True}}
    assert for_release(settings, 7)["feature-gates"] == {"LeaseCheckpoint": True, "CompactHashCheck": True}


def test_a_default_that_was_taken_out_stays_out():
    found = flags({"experimental-initial-corrupt-check": None}, "3.7.1")
    assert found["feature-gates"] == {"InitialCorruptCheck": False}


def test_what_has_another_name_is_said():
    (note,) = renamed_settings.notes({"experimental-corrupt-check-time": "5m", "max-wals": 3}, 7)
    assert "3.7 knows as corrupt-check-time" in note
    assert list(renamed_settings.notes({"experimental-corrupt-check-time": "5m"}, 6)) == []


@pytest.mark.parametrize("settings", [{"debug": "perhaps"}, {"experimental-initial-corrupt-check": "perhaps"}])
def test_a_value_that_nobody_can_read_is_refused(settings):
    with pytest.raises(BadInput, match="Write true or false"):
        for_release(settings, 7)
