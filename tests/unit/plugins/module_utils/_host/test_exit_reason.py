# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._host import exit_reason

INFO = '{"level":"info","msg":"closed etcd server","name":"etcd-host0"}'
FATAL = '{"level":"fatal","msg":"discovery failed","error":"listen tcp 192.0.2.1:2381: bind: cannot assign"}'
WARN = '{"level":"warn","msg":"failed to verify flags","error":"conflicting environment variable"}'
PANIC = '{"level":"panic","msg":"tocommit(21) is out of range [lastIndex(7)]. Was the raft log corrupted?"}'
OLD = "2026-11-21 15:40:01.123456 C | etcdmain: listen tcp 192.0.2.1:2381: bind: cannot assign"
SYSTEMD = "etcd.service: Failed with result 'exit-code'."


@pytest.mark.parametrize(
    "journal, cause",
    [
        ([INFO, FATAL, SYSTEMD], "discovery failed: listen tcp 192.0.2.1:2381: bind: cannot assign"),
        ([FATAL, WARN], "discovery failed: listen tcp 192.0.2.1:2381: bind: cannot assign"),
        ([INFO, WARN, SYSTEMD], "failed to verify flags: conflicting environment variable"),
        ([PANIC, "goroutine 1 [running]:"], "tocommit(21) is out of range [lastIndex(7)]. Was the raft log corrupted?"),
        (["panic: assertion failed", "goroutine 1 [running]:"], "panic: assertion failed"),
        ([OLD, SYSTEMD], OLD),
        ([FATAL[:60]], FATAL[:60]),
        ([INFO, SYSTEMD], ""),
        ([], ""),
    ],
)
def test_the_line_that_says_why_etcd_ended_is_found(journal, cause):
    assert exit_reason.reason_in("\n".join(journal)) == cause


def shown(*journal):
    *lines, last = exit_reason.relevant_lines("\n".join(journal), "etcd.service").splitlines()
    assert last == "  All of it: journalctl -u etcd.service"
    return [line.strip() for line in lines]


def test_a_person_is_shown_warnings_and_worse_and_what_is_not_etcds():
    assert shown(INFO, WARN, "2026-11-21 15:40:01.123456 I | etcdserver: starting", FATAL, SYSTEMD) == [
        "failed to verify flags: conflicting environment variable",
        "discovery failed: listen tcp 192.0.2.1:2381: bind: cannot assign",
        SYSTEMD,
    ]


def test_what_is_said_again_and_again_is_shown_once_with_how_often():
    assert shown(*[WARN] * 7, FATAL, WARN) == [
        "discovery failed: listen tcp 192.0.2.1:2381: bind: cannot assign",
        "8 times: failed to verify flags: conflicting environment variable",
    ]


def test_a_person_is_shown_five_sentences_at_most():
    assert shown(*(f'{{"level":"warn","msg":"number {at}"}}' for at in range(9))) == [
        f"number {at}" for at in range(4, 9)
    ]


def test_the_calls_of_a_goroutine_are_not_shown():
    stack = ["goroutine 1 [running]:", "go.uber.org/zap.(*Logger).Panic(0xc0001c4230)", "\tzap/logger.go:230 +0x59"]
    assert shown(PANIC, *stack, "created by main.main in goroutine 1", SYSTEMD) == [
        "tocommit(21) is out of range [lastIndex(7)]. Was the raft log corrupted?",
        SYSTEMD,
    ]


def test_where_data_differ_a_person_is_told_how_the_one_that_is_wrong_joins_anew():
    cause = "discovery failed: f450b8d5f47bd750 found data inconsistency with peers"
    assert "write etcd_member_state: absent for this host and run" in exit_reason.remedy(cause)
    assert exit_reason.remedy("discovery failed: listen tcp 192.0.2.1:2381: bind: cannot assign") == ""
