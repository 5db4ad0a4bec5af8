# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_internal_files, etcd_internal_prove and etcd_service: a member's way from a bare host to its first start."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from cluster import Cluster, free_ports
from machine import Machine

MakeCluster = Callable[..., Cluster]

OFFERED = Marker("offered", cluster="prod", name="m0", token="t")


def option(marker: Marker) -> dict[str, Any]:
    return marker.to_dict()


def file(machine: Machine, content: str = "ETCD_NAME=m0\n", mode: str = "0644") -> dict[str, str]:
    return {
        "path": machine.layout.conf_file,
        "content": content,
        "mode": mode,
        "owner": machine.layout.user,
        "group": machine.layout.group,
    }


def writing(machine: Machine, *files: dict[str, str], **more: Any) -> dict[str, Any]:
    return {**machine.layout.to_dict(), "files": list(files), "wanted": option(OFFERED), **more}


def marker(machine: Machine) -> Marker | None:
    path = machine.place(machine.layout.marker_file)
    return markers.parse(path.read_text()) if path.exists() else None


def mark(machine: Machine, **changes: Any) -> None:
    path = machine.place(machine.layout.marker_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markers.render(replace(OFFERED, **changes)))


def leave_a_log(machine: Machine) -> None:
    log = Path(machine.layout.log_dir)
    log.mkdir(parents=True)
    (log / "0.wal").touch()


# -- etcd_internal_files -----------------------------------------------------------------------------------------------


def test_files_are_predicted_written_and_then_only_what_differs(machine: Machine) -> None:
    layout = machine.layout
    tool = Path(layout.install_dir, "etcdctl")
    tool.parent.mkdir()
    tool.touch()
    links = {layout.link("etcdctl"): str(tool)}
    certificates = {"certificates": {"etcd": "CERTIFICATE"}, "private_keys": {"etcd": "SECRET"}}
    options = writing(machine, file(machine), links=links, **certificates)
    predicted = machine.do("etcd_internal_files", check=True, **options)
    assert (predicted.failed, predicted.changed) == (False, True), predicted.message
    assert not Path(layout.conf_dir).exists() and marker(machine) is None and machine.told() == []

    written = machine.do("etcd_internal_files", **options)
    assert (written.failed, written.changed) == (False, True), written.message
    assert written.result["diff"] == predicted.result["diff"]
    assert [(one["before"], one["after"]) for one in written.result["diff"]] == [
        ("", "ETCD_NAME=m0\n"),
        ("", links[layout.link("etcdctl")]),
    ]
    assert "SECRET" not in str(written.result)
    assert Path(layout.conf_file).read_text() == "ETCD_NAME=m0\n"
    key = Path(layout.ssl_dir, "current", "etcd-key.pem")
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == ("SECRET", 0o600)
    found = marker(machine)
    assert found is not None and found.state == "offered" and found.machine_id
    assert machine.told() == ["daemon-reload"]

    changed = file(machine, "ETCD_NAME=other\n", "0600")
    again = machine.do("etcd_internal_files", **writing(machine, changed, links=links, expected=option(found)))
    assert not again.failed, again.message
    assert [(one["before"], one["after"]) for one in again.result["diff"]] == [("ETCD_NAME=m0\n", "ETCD_NAME=other\n")]
    assert stat.S_IMODE(Path(layout.conf_file).stat().st_mode) == 0o600


def test_the_settings_of_a_first_start_are_told_to_nobody(machine: Machine) -> None:
    text = 'QUORUM_ETCD_FIRST_START="discovery-config: {\\"password\\": \\"S3cret\\"}"\n'
    written = machine.do("etcd_internal_files", **writing(machine, file(machine), first_start=text))
    assert not written.failed, written.message
    path = machine.place(machine.layout.bootstrap_file)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (text, 0o600)
    assert "S3cret" not in str(written.result)


def test_nothing_is_written_where_the_host_is_not_as_the_plan_saw_it(machine: Machine) -> None:
    good = writing(machine, file(machine))
    mark(machine, token="another run's")
    claimed, expected = machine.play(
        [
            ("etcd_internal_files", good, False),
            ("etcd_internal_files", {**good, "expected": option(replace(OFFERED, token="mine"))}, False),
        ]
    )
    assert "The marker on this host says 'offered' now, not 'nothing' as when the plan was made." in claimed.message
    assert "Run the same command again" in claimed.message
    assert expected.failed
    mark(machine, state="started")
    (started,) = machine.play(
        [("etcd_internal_files", {**good, "expected": option(replace(OFFERED, state="started"))}, False)]
    )
    assert "says 'started', and 'offered' cannot follow it." in started.message
    leave_a_log(machine)
    logged = machine.do("etcd_internal_files", **good)
    assert logged.message.startswith(f"There is a write-ahead log in {machine.layout.log_dir} now.")
    assert not Path(machine.layout.conf_file).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"user": "no-such-user"}, "There is no such user or group on this host: ", id="user"),
        pytest.param({"data_dir": "/proc/etcd"}, "/proc/etcd cannot be written: ", id="data directory"),
        pytest.param(
            {"conf_dir": "/etc/passwd"},
            "/etc/passwd is not a directory. Move it away, or name another directory.",
            id="settings directory",
            marks=pytest.mark.matrix,
        ),
        pytest.param(
            {"wanted": option(replace(OFFERED, token="a\nSTATE=started"))},
            "The marker's token has a line break",
            id="marker",
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_what_cannot_be_written_is_named(machine: Machine, change: dict[str, Any], said: str) -> None:
    outcome = machine.do("etcd_internal_files", **{**writing(machine), **change})
    assert outcome.failed
    assert outcome.message.startswith(said)


# -- etcd_internal_prove -----------------------------------------------------------------------------------------------


def test_two_members_that_reach_each_other_agree(machine: Machine) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    peers = [{"name": "m0", "urls": [url]}]
    proving = {**machine.layout.to_dict(), "peers": peers, "token": "t"}
    stood, predicted, agreed = machine.play(
        [
            ("etcd_internal_files", writing(machine, file(machine), listen=[url]), False),
            ("etcd_internal_prove", proving, True),
            ("etcd_internal_prove", proving, False),
        ]
    )
    assert not stood.failed, stood.message
    assert (predicted.failed, predicted.changed) == (False, True), predicted.message
    assert (agreed.failed, agreed.changed) == (False, True), agreed.message
    found = marker(machine)
    assert found is not None and found.state == "never-started"


def test_check_mode_agrees_to_nothing(machine: Machine) -> None:
    mark(machine)
    predicted = machine.do("etcd_internal_prove", check=True, peers=[], token="t", **machine.layout.to_dict())
    assert (predicted.failed, predicted.changed) == (False, True)
    assert marker(machine) == OFFERED


def test_nobody_agrees_while_a_peer_cannot_be_reached(machine: Machine) -> None:
    mark(machine)
    (closed,) = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        peers = [
            {"name": "m1", "urls": [f"http://127.0.0.1:{closed}"]},
            {"name": "m2", "urls": [f"http://127.0.0.1:{silent.getsockname()[1]}"]},
            {"name": "m3", "urls": ["http://nowhere.invalid:2380"]},
        ]
        outcome = machine.do("etcd_internal_prove", peers=peers, token="t", **machine.layout.to_dict())
    assert outcome.message.startswith("Nothing was started. m1 cannot be reached at ")
    refused, dropped, unknown = outcome.result["failures"]
    assert "Is the address right, and is that port open between all members?" in refused
    assert dropped.startswith("m2 does not answer at ") and "a firewall drops it" in dropped
    assert unknown.startswith("m3: the name in http://nowhere.invalid:2380 does not resolve on this host")
    assert marker(machine) == OFFERED


def test_another_member_at_the_address_is_told_from_the_right_one(machine: Machine) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    proving = {**machine.layout.to_dict(), "peers": [{"name": "m9", "urls": [url]}], "token": "t"}
    _stood, outcome = machine.play(
        [("etcd_internal_files", writing(machine, listen=[url]), False), ("etcd_internal_prove", proving, False)]
    )
    assert f"Something else than m9 answers at {url}" in outcome.message


@pytest.mark.parametrize("token", ["", "another"])
def test_a_bootstrap_that_is_not_the_plans_is_refused(machine: Machine, token: str) -> None:
    if token:
        mark(machine, token=token)
    outcome = machine.do("etcd_internal_prove", peers=[], token="t", **machine.layout.to_dict())
    assert outcome.message.startswith("This host's part in the bootstrap is not the one that the plan saw.")


# -- etcd_service ------------------------------------------------------------------------------------------------------


def test_a_member_is_started_once(machine: Machine) -> None:
    unit = machine.layout.unit
    mark(machine, state="never-started")
    starting = {**machine.layout.to_dict(), "state": "started"}
    predicted = machine.do("etcd_service", check=True, **starting)
    assert (predicted.failed, predicted.changed) == (False, True)
    assert machine.told() == []
    started = machine.do("etcd_service", **starting)
    assert (started.failed, started.changed) == (False, True), started.message
    assert machine.told() == [f"enable --no-reload {unit}", f"start --no-block {unit}"]
    machine.unit(unit, ActiveState="activating", SubState="start", UnitFileState="enabled")
    assert not machine.do("etcd_service", **starting).changed
    assert machine.told() == []


@pytest.mark.parametrize("state", [None, "offered"])
def test_a_member_that_has_not_agreed_is_not_started(machine: Machine, state: str | None) -> None:
    if state:
        mark(machine, state=state)
    outcome = machine.do("etcd_service", state="started", **machine.layout.to_dict())
    assert outcome.message.startswith(f"The marker on this host says {state or 'nothing'!r}.")
    assert machine.told() == []


def serving(machine: Machine, cluster: Cluster) -> None:
    """Let systemd say that the cluster's member is this host's."""
    (member,) = cluster.members
    assert member.process is not None
    machine.layout = replace(machine.layout, data_dir=str(member.directory))
    machine.unit(machine.layout.unit, ActiveState="active", SubState="running", MainPID=member.process.pid)


def test_a_member_that_serves_is_remembered(machine: Machine, make_cluster: MakeCluster, every_version: str) -> None:
    cluster = make_cluster(every_version)
    serving(machine, cluster)
    mark(machine, state="started")
    options = {**machine.layout.to_dict(), "state": "ready", "timeout": 20}
    checked, ready, again = machine.play([("etcd_service", options, check) for check in (True, False, False)])
    assert (checked.failed, checked.changed) == (False, False)
    assert (ready.failed, ready.changed) == (False, True), ready.message
    with cluster.client() as client:
        status = client.status()
    ids = {name: getattr(status, name) for name in ("member_id", "cluster_id")}
    assert {name: ready.result[name] for name in ids} == ids
    found = marker(machine)
    assert found is not None and {name: getattr(found, name) for name in ids} == ids
    assert (again.failed, again.changed) == (False, False)


def test_a_member_that_does_not_serve_is_a_failure_with_the_reason(
    machine: Machine, make_cluster: MakeCluster, version: str
) -> None:
    unit = machine.layout.unit
    mark(machine, state="started")
    waiting = {**machine.layout.to_dict(), "state": "ready", "timeout": 0.5}
    machine.unit(unit, ActiveState="activating", SubState="start")
    lonely = machine.do("etcd_service", **waiting)
    assert lonely.message.startswith(
        f"{unit} is activating (start) and does not serve after 0 s. It waits for a quorum"
    )

    machine.unit(unit, ActiveState="failed", SubState="failed", Result="exit-code")
    ended = machine.do("etcd_service", **waiting)
    assert ended.message.startswith(f"{unit} ends as soon as it starts: result exit-code. Its last words:")
    assert machine.told() == [f"stop {unit}"], "nothing of it lives yet, so it is put to rest"

    refused = machine.place(machine.layout.run_dir) / "refused"
    refused.parent.mkdir(parents=True, exist_ok=True)
    refused.write_text("its data are gone\n")
    gated = machine.do("etcd_service", **waiting)
    assert gated.message.startswith(f"The gate of {unit} does not let it start. its data are gone")
    refused.unlink()

    cluster = make_cluster(version)
    serving(machine, cluster)
    cluster.pause(cluster.members[0])
    paused = machine.do("etcd_service", **{**waiting, "data_dir": machine.layout.data_dir})
    assert f"{unit} is active (running) and does not serve" in paused.message
    assert "no answer within 3 s" in paused.message


def test_a_member_without_a_marker_is_not_taken_over(machine: Machine, make_cluster: MakeCluster, version: str) -> None:
    serving(machine, make_cluster(version))
    outcome = machine.do("etcd_service", state="ready", **machine.layout.to_dict())
    assert outcome.message.startswith(f"{machine.layout.marker_file} is gone while the member runs.")
