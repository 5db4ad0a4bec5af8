# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told of keys of version 2 that have moved."""

from __future__ import annotations

import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_acts import MoveV2Keys
from ansible_collections.quorum.etcd.plugins.modules import etcd_internal_v2_migration

DONE = {
    "key_count": 153,
    "copied": 152,
    "expiring": 2,
    "empty_directories": 1,
    "hidden_in": ["/net"],
    "before": 151,
    "after": 303,
    "kept": ["/var/lib/etcd/member.migration-20260801T120000Z"],
    "earlier": ["/var/lib/etcd/member.migration-20260731T120000Z"],
}


def test_numbers_and_what_is_left_are_told() -> None:
    said = MoveV2Keys().outcome(DONE)
    assert "153 keys of version 2, 152 of them written in version 3 now (151 keys there before, 303 after)" in said
    assert "2 of them end with a lease" in said
    assert "1 empty directories are gone" in said
    assert "hidden keys are left in /net" in said
    assert "kept in /var/lib/etcd/member.migration-20260801T120000Z" in said
    assert "/var/lib/etcd/member.migration-20260731T120000Z are copies of earlier runs" in said


def test_it_is_told_by_what_the_module_returns() -> None:
    returned = yaml.safe_load(etcd_internal_v2_migration.RETURN)
    assert set(DONE) <= set(returned)


def test_check_mode_has_nothing_to_tell() -> None:
    assert MoveV2Keys().outcome({"changed": True, "notes": []}) == ""
