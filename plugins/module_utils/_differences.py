# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where a cluster that exists is not what the inventory says, in sentences. No step mends these yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import _envfile, _marker, _render
from ansible_collections.quorum.etcd.plugins.module_utils._errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host, Wanted


def of_host(host: Host, version: str) -> Iterator[str]:
    """What is different on one host.

    :param version: the version its files are rendered for.
    """
    if host.silent:
        yield f"{host.label} could not be looked at: {host.silent}"
        return
    if host.wanted is None:
        return
    if host.state is None:
        yield (
            f"{host.label} has no marker and no data: it is no member of this cluster. Joining a running cluster is "
            "not done by this release; take the host out of the inventory."
        )
        return
    if host.seen["unit"]["enabled"] == "masked":
        unit = host.seen["unit"]["name"]
        yield f"{host.label}: {unit} is masked. If it may run: systemctl unmask {unit}"
    if not host.runs and host.state == _marker.NEVER_STARTED:
        return
    if host.state in (_marker.STARTING, _marker.STARTED) and not host.has_log:
        yield _lost_log(host, host.wanted)
        if not host.runs:
            return
    yield from _files(host, host.wanted, version)
    for leaf, reasons in host.authorities.renew.items():
        for reason in reasons:
            yield f"{host.label}: {host.wanted.layout.certificate(leaf)} should be issued anew: {reason}"
    if host.runs:
        yield from _running(host, host.wanted, version)


def _lost_log(host: Host, wanted: Wanted) -> str:
    if host.runs:
        return (
            f"{host.label} runs, and its write-ahead log is no longer in {wanted.layout.log_dir}: once it stops, its "
            "gate will keep it down. Take a snapshot of it now."
        )
    return (
        f"{host.label} has run before, and there is no write-ahead log in {wanted.layout.log_dir}: its data are gone. "
        "Its gate keeps it down, because started empty it could bring acknowledged writes to nothing. If a disk is "
        "missing, mount it: the unit starts by itself. Replacing a member whose data are lost for good is not done "
        "by this release."
    )


def _files(host: Host, wanted: Wanted, version: str) -> Iterator[str]:
    for file in _render.files(wanted, version, host.seen["host"]["architecture"]):
        seen = host.seen["files"].get(file.path, {"exists": False})
        if not seen["exists"]:
            yield f"{host.label}: {file.path} is missing."
        elif seen["sha256"] != file.sha256:
            yield f"{host.label}: {file.path} differs from what the inventory says."
        elif (seen["mode"], seen["owner"], seen["group"]) != (file.mode, file.owner, file.group):
            yield (
                f"{host.label}: {file.path} is {seen['owner']}:{seen['group']} {seen['mode']}, "
                f"not {file.owner}:{file.group} {file.mode}."
            )
    for path, digest in host.authorities.bundles.items():
        if host.seen["files"].get(path, {}).get("sha256") != digest:
            yield f"{host.label}: {path} does not hold the CAs of {host.authorities.directory}."
    for path, target in _render.links(wanted, version, host.seen["host"]["architecture"]).items():
        seen = host.seen["files"].get(path, {"link": ""})
        if seen["link"] != target:
            yield f"{host.label}: {path} does not point to {target}."


def _running(host: Host, wanted: Wanted, version: str) -> Iterator[str]:
    runtime, unit = host.seen["runtime"], host.seen["unit"]
    if unit["enabled"] != "enabled":
        yield f"{host.label} runs and would not start at boot. To mend it: systemctl enable {unit['name']}"
    if runtime["version"] and runtime["version"] != version:
        yield (
            f"{host.label} runs etcd {runtime['version']}, and the inventory asks for {version}. Upgrades are not "
            "done by this release."
        )
    for path, digest in host.seen["record"].items():
        now = host.seen["files"].get(path)
        if now is not None and now["sha256"] != digest:
            yield f"{host.label}: {path} was changed after the member started; what runs is still the old."
    yield from _environment(host, _envfile.environment(_render.flags(wanted, version)))


def _environment(host: Host, wanted: Mapping[str, str]) -> Iterator[str]:
    """Settings with which the process runs; those of a first start are its own affair."""
    runs_with = host.seen["runtime"]["environment"]
    drop_ins = host.seen["unit"]["drop_in_paths"]
    hint = f" (drop-ins: {', '.join(drop_ins)})" if drop_ins else ""
    for name in sorted({*wanted, *runs_with}):
        has, should = runs_with.get(name, "(unset)"), wanted.get(name, "(unset)")
        if has != should and not name.startswith("ETCD_INITIAL_CLUSTER"):
            yield f"{host.label} runs with {name}={has}, not {should}{hint}."


def of_membership(hosts: Sequence[Host]) -> Iterator[str]:
    """Where the cluster's own member list and the inventory disagree.

    :raises Refused: a derived address differs from a live member's peer URL.
    """
    serving = next((host for host in hosts if host.answers), None)
    if serving is None:
        return
    members: Mapping[str, Any] = {member["id"]: member for member in serving.seen["cluster"]["members"] or []}
    known = set()
    for host in hosts:
        member_id = _member_id(host, members.values())
        member = members.get(member_id)
        if host.wanted is None or not member_id:
            continue
        known.add(member_id)
        if member is None:
            yield f"{host.label} has the data of member {member_id}, which the cluster's member list does not have."
            continue
        if member["name"] and member["name"] != host.wanted.name:
            yield (
                f"{host.label} is called {member['name']!r} in the cluster. Renaming is not done by this release: "
                "put NODE_NAME back."
            )
        if sorted(member["peer_urls"]) != sorted(host.wanted.member.peer_urls):
            yield _other_peer_urls(host, host.wanted, member)
        if member["is_learner"]:
            yield f"{host.label} is a learner: it does not vote."
    for member_id, member in members.items():
        if member_id not in known and not any(host.silent for host in hosts):
            yield (
                f"Member {member_id} ({member['name'] or 'not started'}, {', '.join(member['peer_urls'])}) is on no "
                "host of this inventory. It is counted for quorum and left alone."
            )


def _member_id(host: Host, members: Iterable[Mapping[str, Any]] = ()) -> str:
    """Which member lives on a host: by what it says itself, its data, its marker, or, unstarted, its peer URLs."""
    marker = host.marker
    known = [
        host.seen["cluster"]["member_id"] if host.answers else "",
        host.seen.get("data", {}).get("member_id", ""),
        marker.member_id if marker else "",
    ]
    urls = sorted(host.wanted.member.peer_urls) if host.wanted is not None else []
    known += [member["id"] for member in members if sorted(member["peer_urls"]) == urls]
    return str(next((member_id for member_id in known if member_id), ""))


def _other_peer_urls(host: Host, wanted: Wanted, member: Mapping[str, Any]) -> str:
    have, want = ", ".join(member["peer_urls"]), ", ".join(wanted.member.peer_urls)
    if not wanted.member.written:
        raise Refused(
            f"{host.label} is known to its cluster as {have}, and the inventory leads to {want} "
            f"(from {wanted.member.address_source}).",
            "Only a written address may change a live member's peer URL; one that was derived may be an accident.",
            f"Write etcd_address for {host.name}: {have} keeps the member as it is.",
        )
    return (
        f"{host.label} is known to its cluster as {have}, and the inventory says {want}. Changing a live member's "
        f"address is not done by this release: put {wanted.member.address_source} back."
    )


def of_health(hosts: Sequence[Host]) -> Iterator[str]:
    """Members that run and do not serve."""
    for host in hosts:
        if host.runs and not host.answers:
            error = (host.seen.get("cluster") or {}).get("error", "")
            yield f"{host.label} runs and does not serve: {error or 'it answers no linearizable read.'}"
        for alarm in (host.seen.get("cluster") or {}).get("alarms") or []:
            if alarm["member_id"] == _member_id(host):
                yield f"{host.label} has the alarm {alarm['alarm']}."
