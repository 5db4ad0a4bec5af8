# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd's own tool as it is called; what it makes is tried in tests/component."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import etcdutl
from ansible_collections.quorum.etcd.plugins.module_utils._host.etcdutl import Recipe
from bbolt_file import database, etcd_buckets, revision, snapshot

RECIPE = Recipe("a", ["http://10.0.0.1:2380"], "a=http://10.0.0.1:2380", "token")


class Tool:
    """Stands where etcd's tool would: makes what it is told to, or fails with something half made."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.call: list[str] = []

    def __call__(self, arguments):
        self.call = list(arguments)
        for option in ("--data-dir", "--wal-dir"):
            if option in self.call:
                place = Path(self.call[self.call.index(option) + 1])
                place.mkdir()
                (place / "db").write_text("data")
        return Result(self.code, "", "Error: it is damaged")


def restored(tool, into, recipe=RECIPE, version="3.6.14", log_into="", snapshot="/snap.db"):
    etcdutl.restore(tool, "/opt/etcd/etcd-v", version, snapshot, recipe, str(into), log_into)
    return " ".join(tool.call)


def test_etcdutl_makes_a_member(tmp_path):
    call = restored(Tool(), tmp_path / "new")
    assert call.startswith("/opt/etcd/etcd-v/etcdutl snapshot restore /snap.db --name a ")
    assert "--initial-cluster-token token" in call
    assert "--bump-revision" not in call
    assert "--skip-hash-check" not in call


def test_etcdctl_does_where_there_is_no_etcdutl_yet(tmp_path):
    assert restored(Tool(), tmp_path / "new", version="3.4.23").startswith(
        "env ETCDCTL_API=3 /opt/etcd/etcd-v/etcdctl "
    )


def test_the_two_options_of_the_bump_are_given_together(tmp_path):
    """etcdutl ends with 128 otherwise."""
    call = restored_at(1031, tmp_path)
    assert "--bump-revision 1000" in call
    assert "--mark-compacted" in call


def test_the_bump_is_counted_as_etcdutl_counts_it(tmp_path):
    """From the newest entry, where a compaction up to 40 has removed a deletion at 40."""
    assert "--bump-revision 1009" in restored_at(1040, tmp_path, finishedCompactRev=revision(40))


def restored_at(begins, tmp_path, **meta):
    """The call that restores a file with entries up to 31."""
    file = tmp_path / "snap.db"
    file.write_bytes(snapshot(database(etcd_buckets(**meta))))
    recipe = Recipe(**{**vars(RECIPE), "begins": begins})
    return restored(Tool(), tmp_path / "new", recipe, snapshot=str(file))


def test_a_log_may_lie_elsewhere(tmp_path):
    call = restored(Tool(), tmp_path / "new", log_into=str(tmp_path / "log"))
    assert f"--wal-dir {tmp_path}/log" in call


def test_a_copied_database_is_taken_if_that_is_said(tmp_path):
    assert "--skip-hash-check" in restored(
        Tool(), tmp_path / "new", Recipe(**{**vars(RECIPE), "allow_missing_hash": True})
    )


def test_nothing_is_left_of_a_try_that_failed(tmp_path):
    """etcd's tool leaves member/snap/db, and refuses the directory the next time."""
    with pytest.raises(HostError, match="it is damaged"):
        restored(Tool(1), tmp_path / "new", log_into=str(tmp_path / "log"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_try_has_left_is_taken_away_first(tmp_path):
    (tmp_path / "new" / "member" / "snap").mkdir(parents=True)
    restored(Tool(), tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["db"]


def test_a_tool_that_is_not_there_is_said(tmp_path):
    def missing(_arguments):
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(HostError, match=r"etcdutl cannot be run .* Install that release first"):
        etcdutl.restore(missing, "/opt/etcd/etcd-v", "3.6.14", "/snap.db", RECIPE, str(tmp_path / "new"))
