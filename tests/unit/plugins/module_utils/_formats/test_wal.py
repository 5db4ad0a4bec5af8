# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs made up here; those of real members are read in tests/component."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from hypothesis import given
from hypothesis import strategies as st
from wal_segment import segment

# A record of the right length that holds none.
DAMAGED = struct.pack("<Q", 24) + b"\xff" * 24


@pytest.fixture
def log(tmp_path):
    def write(*contents):
        for at, content in enumerate(contents):
            (tmp_path / f"{at:016x}-{at:016x}.wal").write_bytes(content)
        return str(tmp_path)

    return write


def test_a_disk_that_does_not_answer_is_no_evidence_that_there_is_no_log(tmp_path, monkeypatch):
    def failing(_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "listdir", failing)
    with pytest.raises(HostError, match="cannot be read: Input/output error"):
        wal.segments(str(tmp_path))


def test_a_log_says_whose_it_is(log):
    assert wal.identity(log(segment())) == ("8e9e05c52164694d", "cdf818194e3a8c32")


@given(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1))
def test_ids_are_printed_as_etcdctl_prints_them(tmp_path_factory, member, cluster):
    directory = tmp_path_factory.mktemp("wal")
    (directory / "0.wal").write_bytes(segment(member, cluster))
    assert wal.identity(str(directory)) == (f"{member:x}", f"{cluster:x}")


def test_a_log_says_whose_it_is_by_any_of_its_segments(log):
    assert wal.identity(log(DAMAGED, segment())) == ("8e9e05c52164694d", "cdf818194e3a8c32")


def test_a_log_without_one_that_can_be_read_is_damaged(log):
    with pytest.raises(wal.DamagedLog, match=r"0000\.wal cannot be read"):
        wal.identity(log(DAMAGED, DAMAGED))


def test_a_directory_without_a_segment_holds_no_log(tmp_path):
    (tmp_path / "0.tmp").touch()
    (tmp_path / "0.wal.broken").touch()
    assert wal.segments(str(tmp_path)) == []
    assert wal.segments(str(tmp_path / "gone")) == []
    assert wal.segments(str(tmp_path / "0.tmp")) == []
    assert wal.identity(str(tmp_path)) == ("", "")


def test_segments_come_in_the_order_in_which_they_were_written(log):
    directory = log(b"", b"", b"")
    assert wal.segments(directory) == [f"{directory}/{at:016x}-{at:016x}.wal" for at in range(3)]


@pytest.mark.parametrize("first", [b"", bytes(64), segment()[:5]])
def test_a_segment_that_was_never_written_to_says_nothing(log, first):
    """A power cut can leave one; it is evidence of data all the same."""
    directory = log(first)
    assert len(wal.segments(directory)) == 1
    assert wal.identity(directory) == ("", "")
    assert wal.identity(log(first, segment())) == ("8e9e05c52164694d", "cdf818194e3a8c32")


def test_a_segment_that_is_purged_while_it_is_looked_at_is_passed_over(log, tmp_path, monkeypatch):
    directory = log(segment())
    found = [str(tmp_path / "purged.wal"), *wal.segments(directory)]
    monkeypatch.setattr(wal, "segments", lambda path: found)
    assert wal.identity(directory) == ("8e9e05c52164694d", "cdf818194e3a8c32")


def test_a_log_that_cannot_be_read_is_named(log):
    damaged = bytearray(segment())
    damaged[8] = 0xFF
    directory = log(bytes(damaged))
    with pytest.raises(HostError, match=r"0000000000000000-0000000000000000\.wal cannot be read"):
        wal.identity(directory)


@given(st.integers(0, len(segment()) - 4097), st.binary(min_size=1, max_size=12))
def test_whatever_lies_there_is_read_or_refused(tmp_path_factory, at, noise):
    directory = tmp_path_factory.mktemp("wal")
    content = segment()
    (directory / "0.wal").write_bytes(content[:at] + noise + content[at + len(noise) :])
    try:
        ids = wal.identity(str(directory))
    except EtcdError:
        return
    assert all(int(text or "0", 16) < 2**64 for text in ids)
