# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process is a member's: tried with one that only sleeps."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Request
from ansible_collections.quorum.etcd.plugins.module_utils._playground import members

SHELL = os.path.realpath(shutil.which("bash"))
# It is no etcd, and has the argument of one.
SLEEP = 'trap "" HUP; read -t 60 <> <(:)'


def wait_until_gone(pid):
    while members.look(pid) is not None:
        time.sleep(0.01)


@pytest.fixture
def member(tmp_path):
    (tmp_path / "etcd0").mkdir()
    return Request(str(tmp_path)).new("ab", "x86_64", "Linux").members[0]


@pytest.fixture
def started(member):
    members.start(member, [SHELL, "-c", SLEEP, f"--data-dir={member.data_dir}"])
    yield member
    known = members.recorded(member)
    if known and members.look(known.pid) == known:
        os.kill(known.pid, 9)


def test_a_process_is_ours_from_its_first_moment(started):
    found = members.of_member(started, SHELL)
    assert found is not None
    assert found == members.look(found.pid) == members.recorded(started)
    assert os.getsid(found.pid) == found.pid


@pytest.mark.parametrize("field", ["started", "pid", "data_dir", "executable"])
def test_it_is_not_where_one_thing_does_not_agree(started, field):
    other = {"started": "1", "pid": os.getpid(), "data_dir": "/x", "executable": "/x"}[field]
    known = members.recorded(started)
    with open(started.pid_file, "w") as stream:
        json.dump(asdict(replace(known, **{field: other})), stream)
    assert members.of_member(started, SHELL) is None
    assert members.other_under_number(started, SHELL).endswith(f"(PID {other if field == 'pid' else known.pid})")
    members.stop([started], SHELL)
    assert members.look(known.pid) == known
    os.kill(known.pid, 9)


def test_it_is_not_once_its_program_is_another(started):
    assert members.of_member(started, "/opt/etcd") is None


@pytest.mark.parametrize("text", ["", "4711", "{}", "[]", '{"pid": 1}'])
def test_a_pid_file_that_says_nothing_names_nobody(member, text):
    with open(member.pid_file, "w") as stream:
        stream.write(text)
    assert members.recorded(member) is None
    assert members.of_member(member, SHELL) is None
    assert members.other_under_number(member, SHELL) == ""


def test_it_gets_nothing_of_the_settings_around_it(member, monkeypatch):
    monkeypatch.setenv("ETCD_NAME", "another")
    monkeypatch.setenv("https_proxy", "http://proxy")
    env = shutil.which("env")
    members.start(member, [env])
    wait_until_gone(members.recorded(member).pid)
    with open(member.log) as stream:
        assert {line.partition("=")[0] for line in stream} == {"PATH", "HOME"}


def test_it_is_stopped_also_where_it_does_not_end_by_itself(member, monkeypatch):
    monkeypatch.setattr(members, "_PATIENCE", 0.3)
    members.start(member, [SHELL, "-c", 'trap "" TERM; read -t 60 <> <(:)', f"--data-dir={member.data_dir}"])
    pid = members.recorded(member).pid
    members.stop([member], SHELL)
    assert members.look(pid) is None


def test_a_program_that_is_not_there_is_named(member):
    with pytest.raises(HostError, match="/nowhere/etcd cannot be started"):
        members.start(member, ["/nowhere/etcd"])


def test_a_database_that_is_open_has_a_user(member):
    os.makedirs(os.path.dirname(member.database))
    assert members.user_of(member) == ""
    with open(member.database, "w") as database:
        assert members.user_of(member) == ""
        fcntl.flock(database, fcntl.LOCK_EX)
        assert members.user_of(member) == "A process"
    assert members.user_of(member) == ""


def test_without_proc_ps_is_asked(monkeypatch):
    with subprocess.Popen([SHELL, "-c", SLEEP, "--data-dir=/x y"]) as other:
        found = members._of_ps(other.pid)
        assert found is not None
        assert (found.pid, found.executable, found.data_dir) == (other.pid, SHELL, "/x")
        assert len(found.started.split()) == 5
        assert found == members._of_ps(other.pid)
        other.kill()
    assert members._of_ps(other.pid) is None
