# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import systemd
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd

SHOWN = """\
Result=success
NRestarts=3
MainPID=812
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/etc/systemd/system/etcd.service
DropInPaths=/etc/systemd/system/etcd.service.d/a.conf /etc/systemd/system/etcd.service.d/b.conf
Environment=ETCD_A=1 "ETCD_B=two words"
EnvironmentFiles=/etc/etcd/etcd.conf (ignore_errors=no)
EnvironmentFiles=/run/my (own)/*.env (ignore_errors=yes)
UnsetEnvironment=HTTP_PROXY
ExecStart={ path=/opt/etcd ; argv[]=/opt/etcd --name a ; ignore_errors=no ; start_time=[n/a] ; pid=812 ; status=0/0 }
UnitFileState=enabled
NeedDaemonReload=yes
"""


class Recorder:
    def __init__(self, code=0, output="", errors="", error=None):
        self.calls, self.result, self.error = [], Result(code, output, errors), error

    def __call__(self, arguments):
        self.calls.append(list(arguments))
        if self.error:
            raise self.error
        return self.result


def test_a_unit_is_read_from_what_systemctl_shows():
    assert systemd.parse("etcd.service", SHOWN) == {
        "name": "etcd.service",
        "load_state": "loaded",
        "active_state": "active",
        "sub_state": "running",
        "result": "success",
        "pid": 812,
        "fragment_path": "/etc/systemd/system/etcd.service",
        "drop_in_paths": [f"/etc/systemd/system/etcd.service.d/{name}.conf" for name in "ab"],
        "enabled": "enabled",
        "need_daemon_reload": True,
        "restarts": 3,
        "environment": 'ETCD_A=1 "ETCD_B=two words"',
        "environment_files": ["/etc/etcd/etcd.conf", "/run/my (own)/*.env"],
        "unset_environment": "HTTP_PROXY",
        "exec_start": "/opt/etcd --name a",
        "job_pending": False,
    }


@pytest.mark.parametrize("line, pending", [("Job=\n", False), ("Job=0\n", False), ("Job=1443\n", True)])
def test_a_job_that_waits_is_told_from_none(line, pending):
    assert systemd.parse("etcd.service", SHOWN + line)["job_pending"] is pending


@pytest.mark.parametrize("shown", ["", "LoadState=not-found\nActiveState=inactive\nSubState=dead\nMainPID=0\n"])
def test_a_unit_that_does_not_exist_is_one_that_rests(shown):
    unit = systemd.parse("etcd.service", shown)
    assert (unit["load_state"], unit["active_state"], unit["pid"], unit["drop_in_paths"]) == (
        "not-found",
        "inactive",
        0,
        [],
    )


def test_a_transient_unit_is_forgotten_when_it_ends():
    run = Recorder()
    Systemd(run).run_transient("x.service", {"User": "etcd", "RuntimeMaxSec": "9"}, ["python3", "-c", "pass"])
    (call,) = run.calls
    assert call[0] == "systemd-run"
    assert {"--collect", "--unit=x.service", "--property=User=etcd", "--property=RuntimeMaxSec=9"} <= set(call)
    assert call[call.index("--") :] == ["--", "python3", "-c", "pass"]


def test_a_failure_comes_with_systemds_own_words():
    run = Recorder(5, errors="Failed to start etcd.service: Unit etcd.service not found.\n")
    with pytest.raises(HostError, match="systemctl start etcd.service failed: Failed to start etcd.service: Unit"):
        Systemd(run).control("start", "etcd.service")


def test_a_host_without_systemd_is_told_so():
    run = Recorder(error=FileNotFoundError(2, "No such file or directory"))
    with pytest.raises(HostError, match=r"systemctl cannot be run on this host: No such file .* Hosts need systemd\."):
        Systemd(run).show("etcd.service")


def test_a_journal_that_cannot_be_read_is_no_error():
    assert Systemd(Recorder(1, errors="No journal files were found.")).journal("etcd.service") == ""
    assert Systemd(Recorder(output="one\ntwo\n")).journal("etcd.service") == "one\ntwo"


def test_a_schedule_is_judged_by_systemd():
    run = Recorder(1, errors="Failed to parse calendar specification '*:99': Invalid argument\n")
    assert Systemd(run).calendar_problem("*:99") == "Failed to parse calendar specification '*:99': Invalid argument"
    assert run.calls == [["systemd-analyze", "calendar", "--", "*:99"]]
    assert Systemd(Recorder(output="Next elapse: ...")).calendar_problem("daily") == ""


def test_a_schedule_is_taken_where_nobody_can_judge_it():
    run = Recorder(error=FileNotFoundError(2, "No such file or directory"))
    assert Systemd(run).calendar_problem("daily") == ""


def test_the_sources_of_a_units_variables_are_read_where_they_lie(tmp_path):
    for name in ("b.env", "a.env"):
        (tmp_path / name).write_text(f"ETCD_NAME={name}\n")
    unit = systemd.parse("etcd.service", f"EnvironmentFiles={tmp_path}/*.env (ignore_errors=no)\n")
    run = Recorder(output="LANG=C.UTF-8\nETCD_LOG_LEVEL=debug\n")
    sources = Systemd(run).sources(unit, {"ETCD_NAME": "b.env"})
    assert [source for source in sources if source[1]] == [
        (f"{tmp_path}/{name}", {"ETCD_NAME": name}) for name in ("a.env", "b.env")
    ]
    assert run.calls == []
    assert Systemd(run).sources(unit, {"ETCD_NAME": "b.env", "ETCD_LOG_LEVEL": "debug"})[0] == (
        "systemctl set-environment",
        {"ETCD_LOG_LEVEL": "debug"},
    )
    assert run.calls == [["systemctl", "show-environment"]]
