# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._config import unit as _unit
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER, YAML
from inventory_of import LAYOUT, bare

INSIDE = replace(LAYOUT, install_method=CONTAINER)
IMAGE = "2f" * 32
BINARY = "/opt/etcd/etcd-v3.6.14-linux-amd64-container/etcd"
RUNTIMES = ("podman", "docker")
GATE = INSIDE.gate_file


def text_of(runtime, layout=INSIDE):
    return _unit.render(layout, "etcd-host0", "etcd_cluster", BINARY, runtime=runtime, image=IMAGE)


def unit(runtime, layout=INSIDE):
    """Key -> values, in order, of the rendered file, lines that go on put together."""
    found: dict[str, list[str]] = {}
    for line in text_of(runtime, layout).replace("\\\n", " ").splitlines():
        if line and line[0] not in "#[":
            key, _equals, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def command(runtime, layout=INSIDE):
    """The words of the command that starts etcd, as the shell hands them to the runtime."""
    (line,) = unit(runtime, layout)["ExecStart"]
    assert line.startswith("/bin/sh -c 'exec ") and line.endswith("'")
    return line.removeprefix("/bin/sh -c 'exec ").removesuffix("'").split()


@pytest.mark.parametrize("runtime", RUNTIMES)
class TestEveryRuntime:
    def test_runs_the_image_by_its_id_and_asks_no_registry(self, runtime):
        words = command(runtime)
        assert words[:2] == [runtime, "run"]
        assert words[-1] == IMAGE
        assert "--pull=never" in words

    def test_runs_etcd_whatever_the_entry_point_of_the_image_is(self, runtime):
        assert command(runtime)[-2:] == ["--entrypoint=/usr/local/bin/etcd", IMAGE]

    def test_restarts_nothing_by_itself_and_is_restarted_by_systemd_whatever_it_ended_with(self, runtime):
        assert not [word for word in command(runtime) if "restart" in word]
        found = unit(runtime)
        assert (found["Restart"], found["RestartSec"]) == (["always"], ["5"])
        assert found["TimeoutStartSec"] == ["infinity"]

    def test_gives_etcd_no_more_than_it_needs(self, runtime):
        words = command(runtime)
        assert {"--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host"} <= set(words)
        assert '--user="$$(id' in words

    def test_hands_over_the_id_of_the_start_and_every_setting(self, runtime):
        line = " ".join(command(runtime))
        assert "--env=INVOCATION_ID" in line
        assert "ETCD_" in line
        assert unit(runtime)["EnvironmentFile"] == [INSIDE.conf_file, f"-{INSIDE.run_dir}/bootstrap.env"]

    def test_has_the_gate_first_and_last(self, runtime):
        found = unit(runtime)
        assert found["ExecStartPre"][0] == f"+{GATE} before"
        assert found["ExecStartPost"][-1] == f"+{GATE} ready"
        assert found["ExecStopPost"][-1] == f"+{GATE} after"

    def test_takes_the_container_away_before_the_gate_looks(self, runtime):
        removed, looked = unit(runtime)["ExecStopPost"]
        assert f"{runtime} rm --force" in removed
        assert looked == f"+{GATE} after"

    def test_names_its_release_so_that_it_is_read_as_everywhere(self, runtime):
        named = f"QUORUM_ETCD_RELEASE=/opt/etcd/etcd-v3.6.14-linux-amd64-container QUORUM_ETCD_RUNTIME={runtime}"
        assert named in unit(runtime)["Environment"]

    def test_starts_as_root_and_without_a_sandbox_around_the_runtime(self, runtime):
        assert not {"User", "ProtectSystem", "RestrictNamespaces", "CapabilityBoundingSet"} & set(unit(runtime))

    def test_sees_the_directories_of_its_member_and_no_other(self, runtime):
        layout = replace(
            INSIDE, data_dir="/srv/etcd/data", wal_dir="/srv/wal/etcd/wal", log_file="/srv/etcd/data/etcd.log"
        )
        mounts = [word for word in command(runtime, layout) if word.startswith("--mount")]
        assert mounts == [
            "--mount=type=bind,source=/srv/etcd/data,target=/srv/etcd/data",
            "--mount=type=bind,source=/srv/wal/etcd,target=/srv/wal/etcd",
            "--mount=type=bind,source=/etc/etcd,target=/etc/etcd,readonly",
        ]

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
    def test_is_understood_by_systemd(self, runtime, tmp_path):
        path = tmp_path / "etcd.service"
        path.write_text(text_of(runtime))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
        )
        complaints = [line for line in done.stderr.splitlines() if "etcd.service" in line]
        assert [line for line in complaints if "not executable" not in line and "No such file" not in line] == []


def test_podman_says_ready_for_etcd_and_keeps_it_in_the_unit():
    found, words = unit("podman"), command("podman")
    assert (found["Type"], found["NotifyAccess"], found["Delegate"]) == (["notify"], ["all"], ["yes"])
    assert {"--sdnotify=container", "--cgroups=split", "--log-driver=passthrough"} <= set(words)


def test_docker_passes_no_message_on_so_the_unit_waits_until_etcd_answers():
    found = unit("docker")
    assert found["Type"] == ["exec"]
    waits, ready = found["ExecStartPost"]
    assert "etcdctl endpoint health" in waits
    assert ready == f"+{GATE} ready"


def _wait(tmp_path, answers, main):
    """Runs what waits for Docker's etcd, with an etcdctl that answers so."""
    etcdctl = tmp_path / "etcdctl"
    etcdctl.write_text(f"#!/bin/sh\n{answers}\n")
    etcdctl.chmod(0o755)
    line = unit("docker", replace(INSIDE, bin_dir=str(tmp_path)))["ExecStartPost"][0]
    script = line.removeprefix("/bin/sh -c '").removesuffix("'").replace("$$", "$")
    return subprocess.run(["sh", "-c", script], env={**os.environ, "MAINPID": str(main)}, timeout=60, check=False)


def test_what_waits_ends_with_the_process_that_it_waits_for(tmp_path):
    """systemd looks at the main process only once this command has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert _wait(tmp_path, "exit 1", ended.pid).returncode == 1


@pytest.mark.parametrize(
    "answer",
    [
        "127.0.0.1:2379 is healthy: successfully committed proposal: took = 2ms",
        "127.0.0.1:2379 is unhealthy: failed to commit proposal: etcdserver: user name is empty",
        "127.0.0.1:2379 is unhealthy: failed to commit proposal: etcdserver: rpc not supported for learner",
    ],
)
def test_what_waits_takes_the_word_of_a_member_that_could_read(tmp_path, answer):
    """Also where it may not: with authentication on a plain cluster nobody is known, and a learner reads nothing."""
    assert _wait(tmp_path, f"echo '{answer}' >&2; exit 1", os.getpid()).returncode == 0


def test_what_waits_goes_on_without_a_quorum(tmp_path):
    answers = f"""if [ -e {tmp_path}/again ]; then echo is healthy; exit; fi; touch {tmp_path}/again
echo '127.0.0.1:2379 is unhealthy: failed to commit proposal: context deadline exceeded' >&2; exit 1"""
    assert _wait(tmp_path, answers, os.getpid()).returncode == 0
    assert (tmp_path / "again").exists()


def _remove(tmp_path, docker, container):
    """Runs what takes Docker's container away, with a docker that answers so. Its code, and whether the ID stays."""
    program, file = tmp_path / "docker", tmp_path / "container"
    program.write_text(f"#!/bin/sh\n{docker}\n")
    program.chmod(0o755)
    if container is not None:
        file.write_text(container)
    line = unit("docker")["ExecStopPost"][0].replace(INSIDE.container_file, str(file))
    script = line.removeprefix("/bin/sh -c '").removesuffix("'").replace("$$", "$")
    done = subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False)
    return done.returncode, file.exists()


def test_a_container_that_docker_removed_is_forgotten(tmp_path):
    assert _remove(tmp_path, "exit 0", "ab" * 32) == (0, False)


@pytest.mark.parametrize("container", [None, "", "ab" * 32])
def test_without_docker_one_in_which_nothing_runs_is_gone(tmp_path, container):
    assert _remove(tmp_path, "exit 1", container) == (0, False)


@pytest.mark.parametrize("docker", ["exit 1", "exit 0"], ids=["no docker", "a docker that does not know it"])
def test_one_in_which_something_runs_is_not(tmp_path, docker):
    """The gate must not be told that etcd has ended while it serves."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = next(line.rstrip("\n").rpartition("/")[2] for line in file if line.rstrip("\n").rpartition("/")[2])
    assert _remove(tmp_path, docker, own) == (1, True)


def host(**changes):
    layout = replace(INSIDE, **changes.pop("layout", {}))
    made = bare(layout=layout, **changes)
    return replace(made.wanted, container=Container("podman", "", {"3.6.14": IMAGE}))


def test_the_unit_of_a_wanted_member_names_its_image():
    files = {file.path: file.content for file in render.files(host(), "3.6.14", "x86_64", "/usr/bin/python3")}
    assert f" --entrypoint=/usr/local/bin/etcd {IMAGE}'" in files[INSIDE.unit_file]


def test_a_version_without_an_id_is_refused():
    with pytest.raises(BadInput, match=r"has no ID for etcd 3\.5\.33"):
        render.files(host(), "3.5.33", "x86_64", "/usr/bin/python3")


def test_an_unknown_runtime_is_refused():
    wanted = replace(host(), container=Container("", "", {"3.6.14": IMAGE}))
    with pytest.raises(BadInput, match="by which runtime"):
        render.files(wanted, "3.6.14", "x86_64", "/usr/bin/python3")


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"layout": {"config_format": YAML}}, "etcd_config_format is yaml"),
        ({"etcd_settings": {"experimental-memory-mlock": True}, "version": "3.5.33"}, "memory-mlock"),
        (
            {"etcd_settings": {"auth-token": "jwt,pub-key=/srv/keys/jwt.pub,sign-method=RS256"}},
            "names /srv/keys/jwt.pub",
        ),
    ],
)
def test_what_a_container_cannot_have_is_refused_by_its_name(changes, said):
    version = changes.pop("version", "3.6.14")
    with pytest.raises(BadInput) as refused:
        render.flags(host(**changes), version)
    assert said in str(refused.value)


def test_a_file_below_the_settings_is_seen():
    settings = {"auth-token": "jwt,pub-key=/etc/etcd/jwt.pub,priv-key=/etc/etcd/jwt.key,sign-method=RS256"}
    assert render.flags(host(etcd_settings=settings), "3.6.14")["auth-token"].startswith("jwt,")
