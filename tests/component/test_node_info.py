# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_node_info: one look at a host, bare, with a member that runs, and with one that is stopped."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.modules import etcd_node_info
from cluster import Cluster
from machine import Machine

MakeCluster = Callable[..., Cluster]


def look(machine: Machine, **more: Any) -> dict[str, Any]:
    outcome = machine.do("etcd_node_info", **machine.layout.to_dict(), **more)
    assert not outcome.failed, outcome.message
    assert not outcome.changed
    node: dict[str, Any] = outcome.result["node"]
    return node


def test_a_bare_host_has_nothing(machine: Machine) -> None:
    options = {**machine.layout.to_dict(), "addresses": ["127.0.0.1", "203.0.113.9"], "files": ["/nowhere"]}
    seen, checked = machine.play([("etcd_node_info", options, check) for check in (False, True)])
    node = seen.result["node"]
    documented = yaml.safe_load(etcd_node_info.RETURN)["node"]["contains"]
    assert set(node) == set(documented)
    assert node["unit"]["load_state"] == "not-found"
    assert [node[name] for name in ("runtime", "marker", "marker_error", "cluster", "refused")] == [
        None,
        None,
        "",
        None,
        "",
    ]
    assert [node[name] for name in ("releases", "certificates", "record")] == [[], {}, {}]
    assert (node["data"]["log"], node["data"]["member_id"]) == (False, "")
    assert node["host"]["not_here"] == ["203.0.113.9"]
    assert node["files"]["/nowhere"]["exists"] is False
    assert node["account"] == {"exists": True}
    # What another moment, or another process of this machine, makes different.
    for one in (seen, checked):
        for name in ("time", "nonce"):
            del one.result["node"]["host"][name]
        for name in ("free", "ports", "strangers"):
            del one.result["node"][name]
    assert seen.result == checked.result
    assert machine.told() == []


def test_it_runs_on_the_python_that_was_asked_for(machine: Machine) -> None:
    assert look(machine)["host"]["python"] == machine.python_version


def test_a_member_is_seen_while_it_runs_and_when_it_is_stopped(
    machine: Machine, make_cluster: MakeCluster, every_version: str
) -> None:
    cluster = make_cluster(every_version)
    (member,) = cluster.members
    assert member.process is not None
    machine.layout = replace(machine.layout, data_dir=str(member.directory))
    machine.unit(machine.layout.unit, ActiveState="active", SubState="running", MainPID=member.process.pid)
    with cluster.client() as client:
        status = client.status().to_dict()

    running = look(machine)
    assert running["runtime"]["kind"] == "systemd"
    assert running["runtime"]["identity"]["pid"] == member.process.pid
    assert running["runtime"]["environment"]["ETCD_NAME"] == "m0"
    assert running["cluster"]["status"] == status | {
        key: running["cluster"]["status"][key]
        for key in ("raft_index", "raft_applied_index", "db_size", "db_size_in_use")
    }
    assert running["cluster"]["serves"] is True
    # No unit's control group holds it, as systemd would have it.
    assert member.process.pid in [one["pid"] for one in running["strangers"]]

    cluster.end(member, signal.SIGTERM)
    machine.unit(machine.layout.unit, ActiveState="inactive", SubState="dead", MainPID=0)
    stopped = look(machine)
    assert (stopped["runtime"], stopped["cluster"]) == (None, None)
    for node in (running, stopped):
        assert node["data"]["log"] is True
        assert (node["data"]["member_id"], node["data"]["cluster_id"]) == (status["member_id"], status["cluster_id"])


def test_files_are_described_and_only_certificates_are_read(machine: Machine, tmp_path: Path) -> None:
    secret, public, link = tmp_path / "key.pem", tmp_path / "cert.pem", tmp_path / "link"
    secret.write_text("secret")
    secret.chmod(0o600)
    public.write_text("public")
    link.symlink_to(public)
    node = look(machine, files=[str(secret), str(link)], certificates=[str(public), str(tmp_path / "none.pem")])
    assert node["files"][str(secret)]["sha256"] == hashlib.sha256(b"secret").hexdigest()
    assert node["files"][str(secret)]["mode"] == "0600"
    assert node["files"][str(link)]["link"] == str(public)
    assert node["certificates"] == {str(public): "public"}


@pytest.mark.parametrize(
    ("text", "state", "error"),
    [
        (markers.render(Marker("started", cluster="prod", mounts=("/data",))), "started", ""),
        ("FORMAT=9\nSTATE=started\n", None, "The marker on this host has format '9'; this release knows 1."),
        ("FORMAT=1\nSTATE=lost\n", None, "The marker on this host has the unknown state 'lost'."),
    ],
    ids=["good", "of a newer release", "damaged"],
)
def test_the_marker_is_told_or_why_it_cannot_be(machine: Machine, text: str, state: str | None, error: str) -> None:
    marker = machine.place(machine.layout.marker_file)
    marker.parent.mkdir(parents=True)
    marker.write_text(text)
    node = look(machine)
    assert (node["marker"]["state"] if node["marker"] else None) == state
    assert node["marker_error"].startswith(error) and bool(node["marker_error"]) == bool(error)


def test_what_the_gate_has_left_is_told(machine: Machine) -> None:
    run = machine.place(machine.layout.run_dir)
    run.mkdir(parents=True)
    (run / "refused").write_text("its data are gone\n")
    (run / "started").write_text(f"{'0' * 64}  /etc/etcd/etcd.conf\n")
    node = look(machine)
    assert node["refused"] == "its data are gone"
    assert node["record"] == {"/etc/etcd/etcd.conf": "0" * 64}
