# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which source keeps a setting from its wanted value. What systemd prints was taken from systemd 252."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, kept_settings, variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._host import systemd

CONF = "/etc/etcd/etcd.conf"
MINE = "/etc/systemd/system/etcd.service.d/mine.conf"
OURS = f"""\
FragmentPath=/etc/systemd/system/etcd.service
Environment=
EnvironmentFiles={CONF} (ignore_errors=no)
EnvironmentFiles=/run/quorum.etcd/etcd/bootstrap.env (ignore_errors=yes)
UnsetEnvironment=HTTP_PROXY http_proxy
ExecStart={{ path=/opt/etcd/etcd ; argv[]=/opt/etcd/etcd ; ignore_errors=no ; pid=91 ; status=0/0 }}
"""
TEXTS = {CONF: 'ETCD_NAME="m0"\nETCD_LOG_LEVEL="info"\n'}


def keeping(shown: str, name: str, has: str, wanted: str, manager: str = "", **texts: str) -> str:
    """Who keeps one setting of a process that has all others as our file says."""
    unit = systemd.parse("etcd.service", OURS + shown)
    files = {**TEXTS, **{f"/{path}.env": text for path, text in texts.items()}}
    process = {"ETCD_NAME": "m0", "ETCD_LOG_LEVEL": "info", name: has}
    process = {one: value for one, value in process.items() if value != "(unset)"}
    found = variable_sources.of_unit(
        unit, process, lambda path: {path: files[path]} if path in files else {}, lambda: manager
    )
    return kept_settings.keeping(found, CONF, name, wanted)


FORCING = "ETCD_FORCE_NEW_CLUSTER=true"
RESCUE = "/etc/systemd/system/etcd.service.d/rescue.conf"


@pytest.mark.parametrize(
    "shown, texts, place",
    [
        ("", {}, ""),
        (f"Environment={FORCING}\nDropInPaths={RESCUE}\n", {}, f"Environment= of etcd.service ({RESCUE})"),
        ("EnvironmentFiles=/rescue.env (ignore_errors=no)\n", {"/rescue.env": FORCING}, "/rescue.env"),
        (f"Environment={FORCING}\n", {CONF: "ETCD_FORCE_NEW_CLUSTER=false\n"}, ""),
        (
            f"DropInPaths={RESCUE}\nExecStart={{ argv[]=/x --force-new-cluster ; ignore_errors=no }}\n",
            {},
            f"({RESCUE})",
        ),
        ("ExecStart={ argv[]=/x/etcd -force-new-cluster=1 ; ignore_errors=no }\n", {}, "ExecStart="),
        ("ExecStart={ argv[]=/x/etcd --force-new-cluster=false ; ignore_errors=no }\n", {}, ""),
    ],
)
def test_a_leftover_of_a_rescue_is_found_where_it_is(shown: str, texts: dict[str, str], place: str) -> None:
    unit = systemd.parse("etcd.service", OURS + shown)
    found = variable_sources.forcing(unit, lambda path: {path: texts[path]} if path in texts else {})
    assert place in found and bool(place) is bool(found)


@pytest.mark.parametrize("has, wanted", [("debug", "info"), ("(unset)", "info")])
def test_nothing_keeps_what_nothing_sets_any_more(has: str, wanted: str) -> None:
    """A drop-in that is gone: a restart mends it."""
    assert keeping("", "ETCD_LOG_LEVEL", has, wanted) == ""
    assert keeping("", "ETCD_MAX_TXN_OPS", "256", "(unset)") == ""


def test_a_drop_in_keeps_a_setting_that_our_file_does_not_make() -> None:
    shown = f'DropInPaths={MINE}\nEnvironment="ETCD_MAX_TXN_OPS=256" OTHER=x\n'
    assert keeping(shown, "ETCD_MAX_TXN_OPS", "256", "(unset)") == f"Environment= of etcd.service ({MINE})"


def test_our_file_has_the_last_word_over_a_drop_ins_environment() -> None:
    """systemd reads files after Environment=, so a restart mends it."""
    assert keeping("Environment=ETCD_LOG_LEVEL=debug\n", "ETCD_LOG_LEVEL", "debug", "info") == ""


def test_a_file_that_is_read_after_ours_has_the_last_word() -> None:
    shown = "EnvironmentFiles=/mine.env (ignore_errors=no)\n"
    for line in (
        "ETCD_LOG_LEVEL=debug",
        "ETCD_LOG_LEVEL='debug'",
        ' ETCD_LOG_LEVEL = "debug"',
        "ETCD_LOG_LEVEL=de\\\nbug",
    ):
        assert keeping(shown, "ETCD_LOG_LEVEL", "debug", "info", mine=line) == "/mine.env"
    assert keeping(shown, "ETCD_LOG_LEVEL", "debug", "info", mine="ETCD_LOG_LEVEL=info\n#ETCD_LOG_LEVEL=debug") == ""


def test_a_variable_that_is_taken_away_stays_away() -> None:
    found = keeping("UnsetEnvironment=ETCD_LOG_LEVEL\n", "ETCD_LOG_LEVEL", "(unset)", "info")
    assert found == "UnsetEnvironment= of etcd.service (/etc/systemd/system/etcd.service)"


@pytest.mark.parametrize("command", ["/usr/bin/env ETCD_LOG_LEVEL=debug /opt/etcd/etcd", "/usr/local/bin/wrapper.sh"])
def test_another_command_may_set_what_it_likes(command: str) -> None:
    shown = f"ExecStart={{ path=/x ; argv[]={command} ; ignore_errors=no ; pid=1 }}\n"
    found = keeping(shown, "ETCD_LOG_LEVEL", "debug", "info")
    assert found == "ExecStart= of etcd.service (/etc/systemd/system/etcd.service)"


def test_the_service_manager_is_asked_for_what_nothing_else_explains() -> None:
    manager = "LANG=C.UTF-8\nETCD_MAX_TXN_OPS=256\n"
    assert keeping("", "ETCD_MAX_TXN_OPS", "256", "(unset)", manager) == "systemctl set-environment"
    assert keeping("", "ETCD_LOG_LEVEL", "debug", "info", "ETCD_LOG_LEVEL=debug\n") == ""


def test_a_unit_that_does_not_read_our_file_keeps_everything() -> None:
    unit: dict[str, Any] = {**systemd.parse("etcd.service", OURS), "environment_files": []}
    found = variable_sources.of_unit(unit, {}, lambda _path: {}, lambda: "")
    assert kept_settings.keeping(found, CONF, "ETCD_LOG_LEVEL", "info") == f"its unit, which does not read {CONF}"


@pytest.mark.parametrize("runtime", ["podman", "docker"])
def test_a_runtime_of_containers_sets_what_its_command_says_and_no_more(runtime: str) -> None:
    shown = systemd.parse("etcd.service", OURS)
    command = f'/bin/sh -c exec {runtime} run --env="ETCD_*" --user="$(id -u etcd)" 2f2f /usr/local/bin/etcd'
    unit: dict[str, Any] = {**shown, "exec_start": command}
    has = {"ETCD_LOG_LEVEL": "debug"}
    found = variable_sources.of_unit(unit, has, lambda _path: {CONF: 'ETCD_LOG_LEVEL="info"'}, lambda: "")
    assert kept_settings.keeping(found, CONF, "ETCD_LOG_LEVEL", "info") == ""
    unit["exec_start"] = command.replace("run", "run --env ETCD_LOG_LEVEL=debug")
    found = variable_sources.of_unit(unit, has, lambda _path: {}, lambda: "")
    assert "ExecStart=" in kept_settings.keeping(found, CONF, "ETCD_LOG_LEVEL", "info")


def test_the_sentence_names_the_source() -> None:
    assert kept_settings.kept("m0", "ETCD_LOG_LEVEL", "debug", "info", MINE) == (
        f"m0 runs with ETCD_LOG_LEVEL=debug, not info, because of {MINE}. Change it there."
    )


def test_secrets_of_a_file_are_hidden() -> None:
    assert variable_sources.of_file("ETCD_ROOT_PASSWORD='s3cr3t'\nETCD_NAME=m0\n") == {
        "ETCD_ROOT_PASSWORD": "(hidden)",
        "ETCD_NAME": "m0",
    }


YAML = "/etc/etcd/etcd.conf.yml"
READING = f"""\
FragmentPath=/etc/systemd/system/etcd.service
Environment=QUORUM_ETCD_SETTINGS={YAML}
ExecStart={{ path=/x ; argv[]=/opt/etcd/etcd --config-file=/run/quorum.etcd/etcd.conf.yml ; ignore_errors=no ; pid=9 }}
"""


def test_nothing_but_its_file_sets_what_a_member_reads_that_has_one() -> None:
    drop_in = f"DropInPaths={MINE}\nEnvironment=QUORUM_ETCD_SETTINGS={YAML} ETCD_MAX_TXN_OPS=256\n"
    unit = systemd.parse("etcd.service", READING + drop_in)
    texts = {YAML: 'name: "m0"\ndiscovery-config:\n  password: "s3cr3t"\nlog-level: "info"\n'}
    found = variable_sources.of_unit(unit, {}, lambda path: {path: texts[path]}, lambda: "ETCD_NAME=other")
    assert found == [(YAML, {"ETCD_NAME": "m0", "ETCD_PASSWORD": "(hidden)", "ETCD_LOG_LEVEL": "info"})]
    assert kept_settings.keeping(found, YAML, "ETCD_LOG_LEVEL", "debug") == ""


@pytest.mark.parametrize(
    "shown, text, place",
    [
        ("", "", ""),
        ("", "force-new-cluster: true\n", YAML),
        ("", "force-new-cluster: false\n", ""),
        # etcd does not read it now; it would as soon as the member has its other form.
        (f"DropInPaths={RESCUE}\nEnvironment=QUORUM_ETCD_SETTINGS={YAML} {FORCING}\n", "", RESCUE),
    ],
)
def test_a_leftover_of_a_rescue_is_found_in_a_file_too(shown: str, text: str, place: str) -> None:
    unit = systemd.parse("etcd.service", READING + shown)
    found = variable_sources.forcing(unit, lambda path: {path: text} if path == YAML else {})
    assert place in found and bool(place) is bool(found)


def test_a_file_that_a_drop_in_lets_etcd_read_is_a_setting_of_it() -> None:
    shown = f"FragmentPath=/etc/systemd/system/etcd.service\nDropInPaths={MINE}\n"
    shown += "ExecStart={ path=/x ; argv[]=/opt/etcd/etcd --config-file=/etc/mine.yml ; ignore_errors=no ; pid=9 }\n"
    found = variable_sources.of_unit(systemd.parse("etcd.service", shown), {}, lambda path: {}, lambda: "")
    assert MINE in kept_settings.keeping(found, "/etc/etcd/etcd.conf", "ETCD_CONFIG_FILE", env_file.UNSET)
