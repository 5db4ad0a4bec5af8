# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a defragmentation takes of its host, and of its cluster."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._steps import defrag
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow


def spare(*voters: str) -> MaintenanceWindow:
    members = [ClusterMember(one, f"etcd-host{one}") for one in voters]
    return MaintenanceWindow("a", [], Credentials(), Votes(members, frozenset(voters)), None)


def test_what_is_in_use_is_written_once_more_beside_the_next_file_of_the_log() -> None:
    assert defrag.needed(0) == 64 << 20
    gib = 1 << 30
    assert 64 << 20 < defrag.needed(gib) - gib < 256 << 20


def test_the_only_voter_needs_leave() -> None:
    with pytest.raises(Refused, match="etcd-hosta is the only voter") as caught:
        defrag._check_alone(spare("a"), allow_outage=False)
    assert "etcd_allow_outage=true" in caught.value.remedy
    defrag._check_alone(spare("a"), allow_outage=True)
    defrag._check_alone(spare("a", "b", "c"), allow_outage=False)
