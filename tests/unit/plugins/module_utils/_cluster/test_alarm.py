# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether there is room enough that NOSPACE may be disarmed."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials

QUOTA = 20 << 20
LARGE = 3 << 19


def seen(number: int, size: int, quota: int = QUOTA) -> View:
    member_id = f"a{number}"
    members = [ClusterMember(f"a{one}", f"etcd-host{one}") for one in (1, 2)]
    status = Status(member_id=member_id, db_size=size, db_size_quota=quota, raft_applied_index=1)
    return View(f"https://10.0.0.{number}:2379", status, members, [])


def test_every_database_has_room_for_a_large_write() -> None:
    alarm.check_room([seen(1, 1), seen(2, QUOTA - LARGE)])


def test_one_that_has_not_is_named() -> None:
    with pytest.raises(Refused) as caught:
        alarm.check_room([seen(1, 1), seen(2, QUOTA - LARGE + 1)])
    assert caught.value.found == (
        f"The database of etcd-host2 ({QUOTA - LARGE + 1} of {QUOTA} bytes) has no room below its quota."
    )
    assert "etcd_reclaim_keep_revisions=0" in caught.value.remedy


@pytest.mark.parametrize("quota", [0, -1], ids=["not told", "none"])
def test_where_etcd_tells_no_quota_the_write_decides(quota: int) -> None:
    alarm.check_room([seen(1, 1 << 40, quota)])


def test_who_does_not_answer_is_not_judged() -> None:
    alarm.check_room([seen(1, 1), View("https://10.0.0.2:2379", error="connection refused")])


def test_a_corrupt_member_is_named_before_anybody_is_asked() -> None:
    with pytest.raises(BadInput, match="disarmed of one member only, which is named: member_id"):
        alarm.disarm(["http://192.0.2.1:2379"], Credentials(), 0.1, "CORRUPT", "", check=False)
