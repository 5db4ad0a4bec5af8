# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a real member become a file for etcd, and variables again: verified, undone, or interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, processes, rollback
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV, YAML
from ansible_collections.quorum.etcd.plugins.module_utils._steps import update, way_back
from ansible_collections.quorum.etcd.plugins.module_utils._steps.update import Update
from one_of_three import OneOfThree

MakeThree = Callable[..., OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

BOTH_WAYS = pytest.mark.parametrize(("was", "becomes"), [(ENV, YAML), (YAML, ENV)], ids=["to yaml", "to env"])
#: No host has this address (RFC 5737): etcd ends as soon as it starts.
BAD = {ENV: 'ETCD_LISTEN_METRICS_URLS="http://192.0.2.1:2381"', YAML: 'listen-metrics-urls: "http://192.0.2.1:2381"'}


def switch(three: OneOfThree, form: str, more: str = "") -> dict[str, Any]:
    """An update that gives the settings of the host's member another form.

    :param more: a line more in its settings, which nobody has checked.
    """
    host = three.host
    host.write_settings_as(form)
    content = host.content(more)
    environment = {**env_file.environment(render.flags(host.wanted, host.version)), **env_file.read(more)}
    assert host.marker is not None
    asked = Update(host.marker, host.name, True, [], environment, 30.0)
    return update.apply(host.systemd, host.layout, content, asked, three.terms(), check=False)


def reads_a_file(three: OneOfThree) -> bool:
    return bool(env_file.file_read(processes.command_line(three.pid)))


def runs_as(three: OneOfThree, form: str) -> bool:
    """Whether etcd has its settings in a form, and nothing is left of the other."""
    there = [Path(path).name for path in three.host.layout.conf_files if os.path.exists(path)]
    file = "etcd.conf.yml" if form == YAML else "etcd.conf"
    return (reads_a_file(three), there) == (form == YAML, [file])


def settings_of(three: OneOfThree) -> dict[str, str]:
    """With what it runs, but for what a first start had."""
    return {name: value for name, value in three.environment.items() if not name.startswith("ETCD_INITIAL_CLUSTER")}


def kept(three: OneOfThree) -> bool:
    return os.path.exists(rollback.path_of(three.host.layout))


@BOTH_WAYS
def test_a_member_goes_on_with_the_same_settings(
    make_three: MakeThree, every_version: str, was: str, becomes: str
) -> None:
    three = make_three(every_version, form=was)
    assert runs_as(three, was)
    before, pid, own = settings_of(three), three.pid, three.listed.id
    assert switch(three, becomes)["notes"] == []
    assert runs_as(three, becomes)
    beside = {"3.4": {"ETCD_ENABLE_GRPC_GATEWAY"}, "3.5": {"ETCD_TLS_MIN_VERSION"}}.get(every_version[:3], set())
    changed = {name for name in {*before, *settings_of(three)} if before.get(name) != settings_of(three).get(name)}
    assert changed == beside
    assert (three.pid != pid, three.listed.id, kept(three)) == (True, own, False)
    process = processes.describe(three.pid)
    assert process is not None
    record = host_files.read_record(three.host.layout, process.identity.invocation)
    written = next(one for one in three.host.content().files if one["path"] == three.host.layout.conf_file)
    assert record[written["path"]], "by this a run knows what etcd has read"


@BOTH_WAYS
def test_a_member_that_does_not_serve_so_has_its_previous_form_back(
    make_three: MakeThree, version: str, was: str, becomes: str
) -> None:
    three = make_three(version, form=was)
    before = settings_of(three), Path(three.host.layout.conf_file).read_text()
    with pytest.raises(HostError, match="failed and was undone: it serves again") as caught:
        switch(three, becomes, BAD[becomes])
    assert "192.0.2.1:2381" in str(caught.value).split("Its last words:")[0]
    three.host.write_settings_as(was)
    assert runs_as(three, was)
    assert (settings_of(three), Path(three.host.layout.conf_file).read_text()) == before
    assert not kept(three)


class Interrupted(BaseException):
    """The end of a process, in the middle of its work."""


@BOTH_WAYS
@pytest.mark.parametrize("step", ["previous kept", "files written", "leadership moved", "restarted", "serves"])
def test_one_that_was_interrupted_is_undone_or_goes_on(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, was: str, becomes: str, step: str
) -> None:
    three = make_three(version, form=was)

    def at(reached: str) -> None:
        if reached == f"update: {step}":
            raise Interrupted

    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", at)
        with pytest.raises(Interrupted):
            switch(three, becomes)
    assert kept(three)
    if way_back.undo(three.host.systemd, three.host.layout, three.terms(), timeout=30.0, check=False):
        assert runs_as(three, was)
        assert not kept(three)
    switch(three, becomes)
    assert runs_as(three, becomes)
    assert not kept(three)


def test_a_member_killed_meanwhile_starts_by_itself(make_three: MakeThree, version: str) -> None:
    """With what its gate makes of the file at that start, and no word of its first one."""
    three = make_three(version, form=YAML)
    assert "ETCD_INITIAL_CLUSTER" in three.environment
    three.host.end()
    three.host(["systemctl", "start", three.host.layout.unit])
    assert "ETCD_INITIAL_CLUSTER" not in three.environment
    assert three.environment["ETCD_INITIAL_CLUSTER_STATE"] == "existing"
    assert three.environment["ETCD_NAME"] == three.host.name
