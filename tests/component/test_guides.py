# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of the guides, typed by way of the wrapper that a member's host has, does what its verdict says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._config import etcdctl
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.plugin_utils import _program
from cluster import DEFAULT_VERSION, REPOSITORY, Cluster, binary

GUIDES = yaml.safe_load((REPOSITORY / "tests" / "guides" / "commands.yml").read_text())
COMMANDS: list[dict[str, Any]] = [command for guide in GUIDES for command in guide["commands"]]
LAYOUT = Layout(
    instance="etcd",
    user="etcd",
    group="etcd",
    conf_dir="/etc/etcd",
    data_dir="/var/lib/etcd",
    wal_dir="",
    log_file="",
    install_dir="/opt/etcd",
    bin_dir="/usr/local/bin",
)
VERDICTS = {"works", "waits", "says", "settings", "not done", "for us"}


class Shell:
    """A member's host, as far as the commands can tell."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        self.directory, self.cluster, self.version = directory, cluster, cluster.version
        release = os.path.dirname(binary(cluster.version))
        endpoint = cluster.members[0].client_url
        program = directory / "reader"
        program.write_text(_program.text())
        text = etcdctl.render(LAYOUT, cluster.version, release, endpoint, False, sys.executable)
        tools = directory / "bin"
        tools.mkdir()
        (tools / "etcdctl").write_text(text.replace(LAYOUT.snapshot_program, str(program)))
        (tools / "etcdctl").chmod(0o755)
        for tool in ("etcd", "etcdutl"):
            (tools / tool).symlink_to(os.path.join(release, tool))
        hosts = [one.client_url.removeprefix("http://") for one in cluster.members]
        self.variables = {
            "PATH": f"{tools}:/usr/bin:/bin",
            "ENDPOINTS": ",".join(hosts),
            "ENDPOINT": hosts[0],
            "LEASE": "",
        }

    def type(self, line: str, limit: float = 60.0) -> tuple[int, str]:
        """A line, and how it ended; C(timeout)'s 124 where it went on for too long."""
        done = subprocess.run(
            ["timeout", str(limit), "sh", "-c", line],
            cwd=self.directory,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        granted = re.search(r"lease ([0-9a-f]+) granted", said)
        if granted:
            self.variables["LEASE"] = granted[1]
        return done.returncode, said


@pytest.fixture(params=[DEFAULT_VERSION, *(pytest.param(one, marks=pytest.mark.matrix) for one in ("3.4.23", "3.7.1"))])
def shell(request: pytest.FixtureRequest, tmp_path: Path, make_cluster: Callable[..., Cluster]) -> Iterator[Shell]:
    (tmp_path / "host").mkdir()
    yield Shell(tmp_path / "host", make_cluster(request.param, 3))


def test_every_command_has_one_verdict() -> None:
    for command in COMMANDS:
        assert len(VERDICTS & set(command)) == 1, command


def test_every_command_does_what_its_verdict_says(shell: Shell) -> None:
    """One after the other, for some read what others have written."""
    minor = tuple(map(int, shell.version.split(".")[:2]))
    for command in COMMANDS:
        line = command["typed"]
        if {"settings", "not done", "for us"} & set(command) or minor < tuple(
            map(int, str(command.get("since", "3.4")).split("."))
        ):
            continue
        code, said = shell.type(line, 2.0 if "waits" in command else 60.0)
        about = f"{line}: {code}: {said}"
        if "waits" in command:
            assert code == 124, about
        elif "works" in command:
            assert code == 0, about
            assert command["works"] in said, about
        else:
            assert code == (1 if said.startswith("etcdctl: ") else code or 1), about
            assert command.get("says 3.4" if minor == (3, 4) else "says", command["says"]) in said, about


@pytest.mark.parametrize("form", ["", "-w json", "--write-out=fields", "--write-out table"])
def test_a_damaged_snapshot_is_said_to_be_one(shell: Shell, form: str) -> None:
    """etcd's own tool ends with 0."""
    shell.type("etcdctl put foo bar; etcdctl snapshot save whole.db")
    code, said = shell.type(f"etcdctl {form} snapshot status whole.db")
    assert code == 0, said
    assert shell.type("sha256sum whole.db")[1].split()[0] in said
    path = shell.directory / "whole.db"
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    (shell.directory / "damaged.db").write_bytes(text)
    code, said = shell.type(f"etcdctl {form} snapshot status damaged.db")
    assert (code, "damaged.db" in said) == (1, True), said
    for words in ("nowhere.db", "", "whole.db damaged.db", "whole.db -w xml"):
        assert shell.type(f"etcdctl {form} snapshot status {words}")[0] == 1


def test_a_member_that_is_down_is_no_health(shell: Shell) -> None:
    """etcd's own words for it end with 1 where one of them is not healthy."""
    shell.cluster.members[2].process.kill()
    shell.cluster.members[2].process.wait()
    code, said = shell.type("etcdctl cluster-health")
    assert (code, "is unhealthy" in said) == (1, True), said


@pytest.mark.parametrize("command", [one for one in COMMANDS if "not done" in one], ids=lambda one: one["typed"][:40])
def test_what_this_release_does_not_do_the_readme_says(command: dict[str, Any]) -> None:
    text = (REPOSITORY / "README.md").read_text()
    section = text.partition("Not done by this release")[2].partition("\n## ")[0]
    assert command["not done"] in section


@pytest.mark.parametrize("command", [one for one in COMMANDS if "for us" in one], ids=lambda one: one["typed"][:40])
def test_what_is_done_for_them_is_done_by_what_is_there(command: dict[str, Any]) -> None:
    assert (REPOSITORY / command["for us"]).is_file()
