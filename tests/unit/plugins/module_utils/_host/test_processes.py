# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes of this machine, started here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._host import processes

NOBODY = 2**22 + 1


@pytest.fixture
def start(tmp_path):
    started = []

    def start(name, *arguments, **environment):
        path = tmp_path / name
        if not path.exists():
            shutil.copy(shutil.which("sleep"), path)
        process = subprocess.Popen([str(path), *arguments], env={"LAST": "1", **environment})
        started.append(process)
        # The kernel shows it a moment later than it starts it.
        while b"LAST" not in Path(f"/proc/{process.pid}/environ").read_bytes():
            assert process.poll() is None
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_process_is_its_executable_and_the_settings_it_started_with(start, tmp_path):
    process = start("etcd", "60", ETCD_NAME="etcd-host0", ETCD_LOG_LEVEL="", PATH="/bin", XETCD_A="b", ETCD_X="a=b\nc")
    found = processes.describe(process.pid)
    identity = found.identity
    assert (identity.pid, identity.executable, identity.invocation) == (process.pid, str(tmp_path / "etcd"), "")
    assert found.environment == {"ETCD_NAME": "etcd-host0", "ETCD_LOG_LEVEL": "", "ETCD_X": "a=b\nc"}


def test_a_process_says_which_start_of_its_unit_made_it(start):
    assert processes.describe(start("etcd", "60", INVOCATION_ID="0a1b").pid).identity.invocation == "0a1b"


def test_secrets_of_a_process_stay_on_its_host(start, monkeypatch):
    process = start("etcd", "60", ETCD_ROOT_PASSWORD="s3cr3t", ETCD_NAME="m0")
    assert processes.describe(process.pid).environment == {"ETCD_NAME": "m0", "ETCD_ROOT_PASSWORD": "(hidden)"}
    monkeypatch.setattr(processes, "_read", lambda _path: b"etcd\0--discovery-password=s3cr3t\0")
    assert processes.command_line(process.pid) == ["etcd", "--discovery-password=(hidden)"]


class TestAProcessThatReadsAFile:
    TEXT = 'name: "m1"\npeer-transport-security:\n  cert-file: "/p"\ngrpc-keepalive-interval: 1000000000  # 1s\n'

    def described(self, start, tmp_path, **environment):
        path = tmp_path / "etcd.conf.yml"
        path.write_text(self.TEXT)
        # A shell that waits: sleep takes no such argument.
        shell = tmp_path / "etcd"
        shutil.copy(shutil.which("dash") or "/bin/sh", shell)
        process = start("etcd", "-c", "kill -STOP $$", f"--config-file={path}", ETCD_NAME="m0", **environment)
        return processes.describe(process.pid)

    def test_has_what_stands_there_and_not_what_etcd_ignores(self, start, tmp_path):
        found = self.described(start, tmp_path, QUORUM_ETCD_SETTINGS="/etc/etcd/etcd.conf.yml")
        assert found.environment == {
            "ETCD_NAME": "m1",
            "ETCD_PEER_CERT_FILE": "/p",
            "ETCD_GRPC_KEEPALIVE_INTERVAL": "1s",
        }

    def test_that_no_gate_of_ours_has_written_is_named_and_not_understood(self, start, tmp_path):
        found = self.described(start, tmp_path).environment
        assert found == {"ETCD_NAME": "m0", "ETCD_CONFIG_FILE": str(tmp_path / "etcd.conf.yml")}


class TestAnOpenFile:
    @pytest.fixture
    def opened(self, tmp_path):
        """A file that an etcd has open."""
        program, path = tmp_path / "etcd", tmp_path / "0.wal"
        shutil.copy(shutil.which("sleep"), program)
        path.touch()
        with path.open() as stream, subprocess.Popen([str(program), "60"], stdin=stream) as process:
            while not processes.has_open([str(path)]):
                assert process.poll() is None
            yield path
            process.kill()

    def test_is_known_by_any_of_its_names(self, opened, tmp_path):
        os.link(opened, tmp_path / "1.wal")
        assert processes.has_open([str(tmp_path / "gone"), str(tmp_path / "1.wal")])

    def test_is_not_the_one_that_has_its_name_by_now(self, opened, tmp_path):
        opened.rename(tmp_path / "1.wal")
        opened.touch()
        assert not processes.has_open([str(opened)])
        assert not processes.has_open([])


def test_a_process_whose_program_was_replaced_still_says_which_it_runs(start, tmp_path):
    process = start("etcd", "60")
    os.unlink(tmp_path / "etcd")
    assert processes.describe(process.pid).identity.executable == f"{tmp_path}/etcd (deleted)"


def test_a_later_process_with_the_same_number_is_told_apart(start):
    first, second = start("a", "60"), start("a", "60")
    assert processes.describe(first.pid).identity.started <= processes.describe(second.pid).identity.started
    assert processes.describe(first.pid) == processes.describe(first.pid)


def test_a_name_with_spaces_and_parentheses_confuses_nobody(start):
    process = start("a) b (c", "60")
    assert isinstance(processes.describe(process.pid).identity.started, int)


def test_a_process_that_is_gone_is_none():
    assert processes.describe(NOBODY) is None
    assert processes.command_line(NOBODY) == []
    assert processes.unit_of(NOBODY) == ""


def test_processes_are_found_by_their_name_and_by_nothing_else(start):
    wanted, others = start("etcd-made-up", "60"), [start("etcd-made", "60"), start("sleep", "60")]
    assert processes.named("etcd-made-up") == [wanted.pid]
    assert not {process.pid for process in others} & set(processes.named("etcd-made-up"))


def test_a_command_line_is_its_arguments(start, tmp_path):
    process = start("etcd", "60", "61")
    assert processes.command_line(process.pid) == [str(tmp_path / "etcd"), "60", "61"]


def test_a_socket_leads_to_its_process():
    with socket.socket() as listener:
        inode = os.readlink(f"/proc/self/fd/{listener.fileno()}")[len("socket:[") : -1]
        assert processes.of_socket(inode) == os.getpid()
    assert processes.of_socket("0") == 0


class TestAUnit:
    @pytest.fixture(autouse=True)
    def tables(self, monkeypatch):
        self.cgroups = {}
        monkeypatch.setattr(processes, "_read", lambda path: self.cgroups[path].encode())

    def unit_of(self, path, first="0::/init.scope\n"):
        self.cgroups = {"/proc/1/cgroup": first, "/proc/7/cgroup": path}
        return processes.unit_of(7)

    @pytest.mark.parametrize(
        "cgroup, unit",
        [
            ("0::/system.slice/etcd.service\n", "etcd.service"),
            ("0::/system.slice/system-etcd.slice/etcd@a.service\n", "etcd@a.service"),
            ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
            ("0::/user.slice/user-9.slice/user@9.service/app.slice/mine.service\n", "mine.service"),
            ("0::/\n", ""),
            ("", ""),
        ],
    )
    def test_is_where_systemd_put_the_process(self, cgroup, unit):
        assert self.unit_of(cgroup) == unit

    @pytest.mark.parametrize(
        "cgroup",
        [
            "0::/machine.slice/libpod-abc.scope/system.slice/etcd.service\n",
            "0::/system.slice/docker-abc.scope/init.scope/system.slice/etcd.service\n",
            "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-abc.scope\n",
        ],
    )
    def test_of_a_container_is_none_of_this_hosts(self, cgroup):
        assert self.unit_of(cgroup) != "etcd.service"

    def test_is_known_to_the_old_hierarchy_too(self):
        old = "12:pids:/system.slice\n1:name=systemd:/system.slice/etcd.service\n0::/\n"
        assert self.unit_of(old, "1:name=systemd:/init.scope\n0::/\n") == "etcd.service"

    def test_of_a_host_that_is_a_container_itself_is_its_own(self):
        inside = "0::/machine.slice/libpod-abc.scope/container"
        assert self.unit_of(f"{inside}/system.slice/etcd.service\n", f"{inside}/init.scope\n") == "etcd.service"


class TestWhatAProcessUses:
    def used(self, places, *arguments, code="", env=None):
        script = f"import time\n{code}\nprint(flush=True)\ntime.sleep(60)"
        command = [sys.executable, "-c", script, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **(env or {})}) as child:
            try:
                child.stdout.readline()
                return processes.used(child.pid, places)
            finally:
                child.kill()

    def test_is_what_its_arguments_or_settings_name_be_it_not_there_yet(self, tmp_path):
        mine, other = str(tmp_path / "etcd"), str(tmp_path / "other")
        assert self.used([mine, other], f"--data-dir={mine}") == [mine]
        assert self.used([mine, other], "--data-dir", f"{mine}/") == [mine]
        assert self.used([mine, other], env={"ETCD_WAL_DIR": f"{mine}/wal"}) == [mine]
        assert self.used([mine], f"--data-dir={mine}2") == []

    def test_is_what_it_has_open_by_whatever_name(self, tmp_path):
        data, link = tmp_path / "etcd", tmp_path / "link"
        data.mkdir()
        link.symlink_to(data)
        code = f"kept = open({str(data / 'db')!r}, 'w')"
        assert self.used([str(link), str(tmp_path / "other")], code=code) == [str(link)]

    def test_is_what_it_runs(self):
        assert self.used([os.path.realpath(sys.executable)]) == [os.path.realpath(sys.executable)]

    def test_is_nothing_once_it_is_gone(self, tmp_path):
        assert processes.used(NOBODY, [str(tmp_path)]) == []


class TestAMemberInAContainer:
    """Its unit's main process is what manages the container: conmon, or docker."""

    RELEASE = "/opt/etcd/etcd-v3.6.14-linux-amd64-container"
    INSIDE = {"QUORUM_ETCD_RELEASE": RELEASE, "QUORUM_ETCD_RUNTIME": "podman"}

    @pytest.fixture
    def cgroups(self, monkeypatch):
        """Control groups of processes, by their numbers."""
        found = {1: "/init.scope"}
        monkeypatch.setattr(processes, "_cgroup", lambda pid: found.get(pid, ""))
        return found

    def test_runs_the_release_of_its_unit_whatever_its_program_is_called_in_there(self, start):
        found = processes.describe(start("etcd", "60", **self.INSIDE).pid)
        assert (found.identity.executable, found.kind) == (f"{self.RELEASE}/etcd", "podman")

    def test_is_not_what_manages_its_container(self, start, tmp_path):
        found = processes.describe(start("conmon", "60", **self.INSIDE).pid)
        assert found.identity.executable == str(tmp_path / "conmon")

    def test_is_found_in_the_control_group_of_its_unit(self, start, cgroups):
        manager, etcd = start("conmon", "60"), start("etcd", "60")
        cgroups[etcd.pid] = "/system.slice/etcd.service/libpod-payload-ab"
        assert processes.of_unit("etcd.service", manager.pid) == etcd.pid
        assert processes.of_unit("etcd2.service", manager.pid) == manager.pid

    def test_of_docker_is_found_by_the_container_that_its_unit_has_made(self, start, cgroups, monkeypatch, tmp_path):
        manager, etcd = start("docker", "60"), start("etcd", "60")
        file = tmp_path / "container"
        file.write_text("ab" * 32)
        monkeypatch.setattr(processes.glob, "glob", lambda _pattern: ["/run/quorum.etcd/etcd/container"])
        monkeypatch.setattr(processes, "_read", _reading({"/run/quorum.etcd/etcd/container": file}))
        cgroups[etcd.pid] = f"/system.slice/docker-{'ab' * 32}.scope"
        assert processes.unit_of(etcd.pid) == "etcd.service"
        assert processes.of_unit("etcd.service", manager.pid) == etcd.pid
        cgroups[etcd.pid] = f"/system.slice/docker-{'cd' * 32}.scope"
        assert processes.unit_of(etcd.pid) == ""

    def test_out_of_an_archive_is_the_main_process_itself(self, start, cgroups):
        etcd = start("etcd", "60")
        assert processes.of_unit("etcd.service", etcd.pid) == etcd.pid
        assert processes.of_unit("etcd.service", 0) == 0

    def test_may_be_gone_meanwhile(self, cgroups):
        assert processes.of_unit("etcd.service", NOBODY) == NOBODY


def _reading(files):
    """Reads files in the place of others."""

    def read(path):
        return Path(files.get(path, path)).read_bytes()

    return read
