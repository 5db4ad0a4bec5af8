# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration

RESTORATION = Restoration(
    cluster="prod",
    token="prod-restored-1",
    began="20261122T074000Z",
    sha256="a" * 64,
    size=20480,
    revision=100,
    key_count=7,
    bump=1_000_000,
    initial_cluster="a=http://10.0.0.1:2380,b=http://10.0.0.2:2380",
    version="3.6.14",
)


def test_what_is_written_down_is_read_again():
    assert Restoration.from_dict(json.loads(json.dumps(RESTORATION.to_dict()))) == RESTORATION


def test_it_begins_where_no_client_has_been():
    assert RESTORATION.restored_revision == RESTORATION.begins == 1_000_100


def test_without_a_bump_etcds_tool_is_told_of_no_revision():
    assert replace(RESTORATION, bump=0).begins == 0


def test_it_knows_its_members():
    assert RESTORATION.members == {"a": ["http://10.0.0.1:2380"], "b": ["http://10.0.0.2:2380"]}


@pytest.mark.parametrize(
    "damaged", [None, [], {}, {**RESTORATION.to_dict(), "format": 2}, replace(RESTORATION).to_dict() | {"size": "1"}]
)
def test_what_cannot_be_understood_is_said(damaged):
    with pytest.raises(BadInput, match="what is written down of a restore"):
        Restoration.from_dict(damaged)
