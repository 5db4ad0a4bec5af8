# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host knows of snapshots that a restore has brought there, and what is removed of them."""

from __future__ import annotations

import os

from ansible_collections.quorum.etcd.plugins.module_utils import _staging
from snapshot_below import snapshot_below

COPY = f"restoring-{'ab' * 32}.db"


def names(directory):
    return sorted(os.listdir(directory))


def test_copies_are_removed_and_half_ones_too(tmp_path):
    for name in (COPY, f"restoring-{'cd' * 32}.db.part"):
        (tmp_path / name).touch()
    _staging.clear(str(tmp_path))
    assert names(tmp_path) == []


def test_snapshots_of_a_cluster_stay_whatever_its_name_is(tmp_path):
    snapshot_below(tmp_path, "restoring-prod")
    (tmp_path / "restoring-my-notes.db").touch()
    before = names(tmp_path)
    _staging.clear(str(tmp_path))
    assert names(tmp_path) == before


def test_where_nothing_is_there_is_nothing_to_remove(tmp_path):
    _staging.clear(str(tmp_path / "none"))


def test_a_host_tells_the_copies_that_are_whole(layout, tmp_path):
    path = snapshot_below(tmp_path, "restoring-prod")
    for name in (COPY, f"restoring-{'cd' * 32}.db.part"):
        (tmp_path / name).touch()
    told = _staging.look(layout, str(tmp_path), "restoring-prod", "", False)
    assert told["staged"] == [{"path": str(tmp_path / COPY), "sha256": "ab" * 32}]
    assert [one["path"] for one in told["kept"]] == [str(path)]
    assert told["newest"] == told["kept"][0]["manifest"]
