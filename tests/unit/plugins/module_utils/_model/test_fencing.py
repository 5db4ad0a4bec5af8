# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose machines are off, and who has to be heard."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, topology
from inventory_of import member_id, member_list

#: The guides' inventory: IP addresses, and NODE_NAME.
HOSTS = [topology.identity_of(f"10.0.0.{at + 1}", {"NODE_NAME": f"etcd-host{at}"}) for at in range(3)]
DANGER = "Its member may come back."


def test_a_host_is_off_by_its_members_name():
    found = fencing.by_inventory(["etcd-host2"], HOSTS)
    assert (found.off, found.words) == (("10.0.0.3",), ("etcd-host2", "10.0.0.3"))


def test_a_word_that_no_host_has_may_be_a_members():
    found = fencing.by_inventory([member_id(1)], HOSTS)
    assert (found.off, found.words) == ((), (member_id(1),))


def test_a_host_is_off_by_its_members_id_once_the_members_are_known():
    found = fencing.by_members([member_id(1), "10.0.0.1"], HOSTS, member_list())
    assert found.off == ("10.0.0.1", "10.0.0.2")
    assert {"etcd-host0", "etcd-host1", member_id(0)} <= set(found.words)


def test_a_word_that_names_nothing_is_refused():
    with pytest.raises(BadInput, match="etcd_fenced names etcd-host9"):
        fencing.by_members(["etcd-host9"], HOSTS, member_list())


def test_who_gave_no_answer_is_named_with_the_option_that_is_accepted():
    fenced = fencing.by_members(["etcd-host2"], HOSTS, [])
    unheard = {"10.0.0.2": "no route.", "10.0.0.3": "no route."}
    with pytest.raises(Refused, match=r"10\.0\.0\.2 gave no answer: no route\. Its") as caught:
        fencing.check_heard(fenced, ["etcd-host2"], unheard, {}, DANGER)
    said = caught.value.remedy.rpartition("-e etcd_fenced=")[2].split(",")
    fencing.check_heard(fencing.by_members(said, HOSTS, []), said, unheard, {}, DANGER)


def test_who_was_refused_is_not_advised_to_be_called_off():
    with pytest.raises(Refused, match=r"10\.0\.0\.2 was refused: Another's\.") as caught:
        fencing.check_heard(fencing.by_inventory([], HOSTS), [], {}, {"10.0.0.2": "Another's."}, DANGER)
    assert "etcd_fenced" not in str(caught.value)
