# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._host import start_log
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd


@pytest.fixture
def logging(layout):
    """An instance whose log file has a line of a start before."""
    Path(layout.data_dir).mkdir(parents=True)
    found = replace(layout, log_file=f"{layout.data_dir}/etcd.log")
    Path(found.log_file).write_text("before\n")
    return found


def test_the_journal_is_read_from_where_it_ended(service_manager, layout):
    service_manager.journal = "before\n"
    begun = start_log.mark(service_manager.systemd, layout)
    service_manager.journal += "since\n"
    assert start_log.since(service_manager.systemd, layout, begun).split() == ["since"]


def test_the_log_file_is_read_from_where_it_ended(service_manager, logging):
    service_manager.journal = "by systemd\n"
    begun = start_log.mark(service_manager.systemd, logging)
    with open(logging.log_file, "a", encoding="utf-8") as stream:
        stream.write("since\n")
    assert start_log.since(service_manager.systemd, logging, begun).split() == ["since"]


def test_a_log_file_that_was_rotated_is_read_whole(service_manager, logging):
    begun = start_log.mark(service_manager.systemd, logging)
    Path(logging.log_file).write_text("new\n")
    assert start_log.since(service_manager.systemd, logging, begun).split() == ["new"]


def test_of_a_large_log_file_the_end_is_read(service_manager, logging):
    begun = start_log.mark(service_manager.systemd, logging)
    Path(logging.log_file).write_text(f"first {'x' * start_log._END} last")
    found = start_log.since(service_manager.systemd, logging, begun)
    assert found.endswith("last")
    assert "first" not in found


@pytest.mark.parametrize("made", [os.mkfifo, lambda path: os.symlink("/etc/passwd", path)], ids=["pipe", "link"])
def test_what_is_no_file_is_not_read(service_manager, logging, made):
    os.unlink(logging.log_file)
    made(logging.log_file)
    begun = start_log.mark(service_manager.systemd, logging)
    assert start_log.since(service_manager.systemd, logging, begun).strip() == ""


def test_without_a_journal_there_is_nothing_to_say(layout):
    systemd = Systemd(lambda _arguments: Result(1, "", "No journal files were found."))
    assert start_log.since(systemd, layout, start_log.mark(systemd, layout)) == ""
