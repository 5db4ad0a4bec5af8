# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the key and the record of a drained host say is read as it was written, or not at all."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import (
    LONGEST,
    Drained,
    Holder,
    Owner,
    holder_in,
    owner_in,
    record_in,
)

OWNER = Owner("root@admin", "100 started 1 on admin")


def test_an_owner_is_read_back():
    assert owner_in(OWNER.text()) == OWNER


@pytest.mark.parametrize("text", ["by hand", '["list"]', '{"owner": "x"}', ""])
def test_a_value_of_another_hand_is_a_name(text):
    assert owner_in(text) == Owner(text)


def test_who_holds_it_is_known_by_the_revision_at_which_it_was_made():
    kv = {"value": OWNER.text().encode(), "create_revision": 5, "mod_revision": 9, "lease": 3}
    assert holder_in([kv]) == Holder(OWNER, 5, 3)
    assert holder_in([]) is None


def test_it_goes_with_what_a_member_says_to_the_controller():
    view = View("http://127.0.0.1:2379", maintenance=Holder(OWNER, 5, 3))
    assert View.from_dict(view.to_dict()) == view


def test_a_record_is_valid_until_its_time():
    record = Drained(*OWNER, until=100.0)
    assert record_in(record.text(), 99.0) == record
    over = record_in(record.text(), 100.0)
    assert (over.is_valid, over.is_over, over.owner) == (False, True, OWNER.name)


def test_a_clock_that_was_set_wrong_makes_it_last_no_longer_than_any_may():
    record = Drained(*OWNER, until=2e9)
    assert record_in(record.text(), 2e9 - LONGEST).is_valid
    assert record_in(record.text(), 2e9 - LONGEST - 1).is_over
    assert record_in(Drained(*OWNER, until=float("inf")).text(), 0.0).is_over


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"owner": "x", "process": "y", "until": "soon"}'])
def test_a_record_that_cannot_be_understood_holds_nobody_up(text):
    assert not record_in(text, 0.0).is_valid
