# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts as a run sees them, made up: each function takes a host and returns it one step further in a member's life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, releases, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import YAML, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import (
    Data,
    File,
    Free,
    Machine,
    MemberUnit,
    Observation,
    Unit,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Identity, Process
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster

VERSION = releases.DEFAULT_VERSION
TOKEN = "etcd_cluster-0123456789abcdef"
CLUSTER_ID = "cdf818194e3a8c32"
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


def member_id(at: int) -> str:
    return f"8e9e05c52164694{at}"


def bare(at: int = 0, tls: bool = False, layout: Layout = LAYOUT, **variables: Any) -> Host:
    """A host that has never seen etcd: C(etcd-hostN) at 10.0.0.N+1.

    :param variables: C(etcd_version), C(etcd_settings), C(etcd_auto_tls), C(etcd_peer_auto_tls), and what the member
        follows from, such as C(etcd_address).
    """
    version = variables.pop("etcd_version", "")
    settings = variables.pop("etcd_settings", {})
    auto = AutoTls(variables.pop("etcd_auto_tls", False), variables.pop("etcd_peer_auto_tls", False))
    name = f"etcd-host{at}"
    member = topology.member_of(name, {"ansible_host": f"10.0.0.{at + 1}", "etcd_tls": tls, **variables}, None)
    wanted = Desired("etcd_cluster", member, tls, version, settings, layout, auto_tls=auto)
    return Host(name, wanted=wanted, seen=_bare_observation(at, wanted))


def _bare_observation(at: int, wanted: Desired) -> Observation:
    layout = wanted.layout
    return Observation(
        host=Machine(
            hostname=wanted.name,
            machine_id=f"machine-{at}",
            boot=f"boot-{at} pid:[1]",
            architecture="x86_64",
            python="3.11.2",
            interpreter="/usr/bin/python3",
            systemd=True,
            nonce=f"drawn-{at}",
            default_address=f"10.0.0.{at + 1}",
        ),
        free=Free(10 << 30, 10 << 30),
        unit=MemberUnit(name=layout.unit),
        files={path: File() for path in render.observed_paths(layout)["files"]},
        timer=Unit(name=layout.snapshot_timer),
        data=Data(path=layout.data_dir),
    )


def group(*hosts: Host) -> list[Host]:
    return list(hosts)


def three(**variables: Any) -> list[Host]:
    return [bare(at, **variables) for at in range(3)]


def silent(host: Host, why: str = "Failed to connect to the host via ssh.") -> Host:
    assert host.wanted is not None
    return Host(host.name, silent=why, inventory=replace(roster.identity_of(host), member_ids=(), is_new=False))


def absent(host: Host) -> Host:
    """A host that is to be no member."""
    assert host.wanted is not None
    return replace(host, wanted=replace(host.wanted, present=False))


def saying(host: Host, **said: Any) -> Host:
    """A host for which the operator has said something in so many words: C(forget), C(confirm), C(allow_outage)."""
    assert host.wanted is not None
    return replace(host, wanted=replace(host.wanted, said=replace(host.wanted.said, **said)))


def seeing(host: Host, /, **changes: Any) -> Host:
    """A host of which something else is seen; what has fields or keys is changed one by one."""
    seen = replace(host.seen, **{name: _changed(getattr(host.seen, name), value) for name, value in changes.items()})
    return replace(host, seen=seen)


def _changed(was: Any, value: Any) -> Any:
    if isinstance(was, (Process, View)) and value is None:
        return type(was)()
    if isinstance(value, Mapping) and isinstance(was, View):
        return _changed_view(was, dict(value))
    if isinstance(value, Mapping) and isinstance(was, Mapping):
        return {**was, **{key: _changed(was.get(key, File()), one) for key, one in value.items()}}
    if isinstance(value, Mapping) and is_dataclass(was):
        fields = {name: Identity(**one) if name == "identity" else one for name, one in value.items()}
        return replace(was, **fields)
    return value


def _changed_view(was: View, changes: dict[str, Any]) -> View:
    """A view that is another; its ids are those of its status, and one that does not serve says why."""
    ids = {name: changes.pop(name) for name in ("member_id", "cluster_id") if name in changes}
    status = changes.pop("status", was.status)
    if not changes.pop("serves", True):
        changes.setdefault("error", was.error or "no leader")
    return replace(was, status=replace(status, **ids) if status and ids else status, **changes)


def number(host: Host) -> int:
    return int(host.name[len("etcd-host") :])


def initial_cluster(size: int = 3, tls: bool = False) -> str:
    return topology.initial_cluster(bare(at, tls=tls).wanted.member for at in range(size))


def marked(host: Host, state: str, **fields: Any) -> Host:
    """A host with a marker, its files and a release."""
    assert host.wanted is not None
    found: dict[str, Any] = {
        "cluster": "etcd_cluster",
        "name": host.name,
        "token": TOKEN,
        "initial_cluster": initial_cluster(tls=host.wanted.tls),
        "machine_id": host.seen.host.machine_id,
    }
    return seeing(written(host), marker=Marker(state, **{**found, **fields}))


def written(host: Host, version: str = VERSION) -> Host:
    """A host with the account, a release and all files of its member as they must be."""
    wanted = host.wanted
    assert wanted is not None
    files = {
        file.path: File(True, file.sha256, file.mode, file.owner, file.group)
        for file in render.files(wanted, version, host.seen.host.architecture, host.seen.host.interpreter)
    }
    for path, target in render.links(wanted, version, host.seen.host.architecture).items():
        files[path] = File(True, "of what it points to", "0755", "root", "root", target)
    unit = {
        "load_state": "loaded",
        "fragment_path": wanted.layout.unit_file,
        "enabled": "disabled",
        "version": version,
        "ours": True,
    }
    return seeing(host, account={"exists": True}, releases=[version], files=files, unit=unit)


def logged(host: Host) -> Host:
    """A host with the write-ahead log of its member."""
    data = {"log": True, "owner": "etcd", "member_id": member_id(number(host)), "cluster_id": CLUSTER_ID}
    return seeing(host, data=data)


def stopped(host: Host) -> Host:
    """A member that has served and stands still."""
    ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(number(host))}
    return seeing(logged(marked(host, markers.STARTED, **ids)), unit={"enabled": "enabled"})


def emptied(host: Host) -> Host:
    """A member that stands still and whose data are gone."""
    return seeing(stopped(host), data={"log": False, "member_id": "", "cluster_id": ""})


def running(host: Host, version: str = VERSION) -> Host:
    """A member whose process runs and that waits for the others."""
    wanted = host.wanted
    assert wanted is not None
    files = host.seen.files
    watched = [path for path in (wanted.layout.conf_file, wanted.layout.unit_file) if files[path].exists]
    return seeing(
        host,
        unit={"active_state": "active", "sub_state": "running", "pid": 100, "enabled": "enabled"},
        record={path: files[path].sha256 for path in watched},
        data={"held": host.seen.data.log},
        runtime={
            "kind": "systemd",
            "version": version,
            "identity": {"pid": 100, "started": 1, "executable": f"/opt/etcd/etcd-v{version}-linux-amd64/etcd"},
            "command": [
                f"/opt/etcd/etcd-v{version}-linux-amd64/etcd",
                *([f"--config-file={wanted.layout.started_file}"] if wanted.layout.config_format == YAML else ()),
            ],
            "environment": env_file.environment(render.flags(wanted, version)),
            "sources": [[wanted.layout.conf_file, {}]],
        },
        cluster=View("http://127.0.0.1:2379", error="nobody listens there."),
    )


def serving(host: Host, members: Sequence[ClusterMember] | None = None, version: str = VERSION) -> Host:
    """A member in service, as it sees its cluster."""
    host = host if host.marker else stopped(host)
    at = number(host)
    status = Status(
        version=version,
        storage_version="3.6.0",
        db_size=20480,
        db_size_in_use=16384,
        db_size_quota=2 << 30,
        member_id=member_id(at),
        cluster_id=CLUSTER_ID,
        leader=member_id(0),
        raft_term=2,
        raft_index=9,
        raft_applied_index=9,
    )
    view = View(
        "http://127.0.0.1:2379", status, list(member_list() if members is None else members), alarms=[], took=0.001
    )
    return seeing(running(host, version), cluster=view)


def learning(host: Host, members: Sequence[ClusterMember]) -> Host:
    """A member that was added as a learner, runs and has not been promoted."""
    ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(number(host))}
    joined = logged(marked(host, markers.STARTED, origin=markers.JOIN, **ids))
    found = serving(joined, members)
    return seeing(found, cluster={"status": replace(found.seen.status, is_learner=True)})


def learner(at: int, started: bool = True) -> ClusterMember:
    """A learner in the member list."""
    (member,) = member_list(range(at, at + 1))
    return replace(member if started else unstarted(replace(member, name="")), is_learner=True)


def unstarted(member: ClusterMember) -> ClusterMember:
    """A member of a first start that has not begun: its name is known, its client URLs are not."""
    return replace(member, client_urls=[])


def member_list(members: int | Iterable[int] = 3) -> list[ClusterMember]:
    """The cluster's own member list, as the client gives it.

    :param members: how many, or the numbers of their hosts.
    """
    return [
        ClusterMember(
            member_id(at), f"etcd-host{at}", [f"http://10.0.0.{at + 1}:2380"], [f"http://10.0.0.{at + 1}:2379"]
        )
        for at in (range(members) if isinstance(members, int) else members)
    ]


def of_instance(host: Host | None = None) -> dict[str, Any]:
    """What a step is told of the instance on such a host, whether it was observed or not."""
    wanted = (host or bare()).wanted
    assert wanted is not None
    return {"cluster": wanted.cluster, "layout": wanted.layout.to_dict(), "tls": wanted.tls}


def told(seen: Observation) -> dict[str, Any]:
    """What C(etcd_node_info) returns of such a host."""
    return {
        **asdict(seen),
        "runtime": asdict(seen.runtime) if seen.runtime.identity.pid else None,
        "marker": seen.marker.to_dict() if seen.marker else None,
        "cluster": seen.cluster.to_dict() if seen.cluster.endpoint else None,
    }


def observation(host: Host) -> dict[str, Any]:
    """What C(etcd_internal_observe) registers for such a host."""
    return {
        "item": host.name,
        "changed": False,
        "problems": list(host.problems),
        "silent": host.silent,
        "wanted": host.wanted.to_dict() if host.wanted else None,
        "seen": told(host.seen),
        "authorities": host.authorities.to_dict(),
        "skew": host.skew,
        "heard": {name: sign and sign._asdict() for name, sign in host.heard.items()},
        "offer": host.offer and host.offer.to_dict(),
    }
