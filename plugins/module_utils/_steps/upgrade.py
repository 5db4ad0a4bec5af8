# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What an upgrade looks at on a host, and what it waits for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._formats import v2_requests
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    host_files,
    installed_releases,
    member_storage,
    peer_side,
    processes,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, guard, markers, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import (
    CANNOT_READ_V2,
    WITHOUT_V2,
    minor,
    order,
)
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drill

# The first release whose tool reads the log too (etcdutl/etcdutl/check_v2store_command.go).
_CHECKS_V2 = "3.5.32"
_POLL = 0.5


def examine(run: Run, systemd: Systemd, layout: Layout, machine: str, to: Sequence[str], crls: Sequence[str]) -> None:
    """See that a member's data and files are fit for the releases to come.

    :param machine: the architecture as the kernel names it.
    :param to: those releases.
    :param crls: lists of revoked certificates that its settings name.
    :raises Refused: one of them would not start on them, or would let nobody in; with every reason.
    """
    process = processes.describe(systemd.show(layout.unit)["pid"])
    has = installed_releases.named_in(process.identity.executable) if process else ""
    if not any(minor(one) >= WITHOUT_V2 for one in to) or (has and minor(has) >= WITHOUT_V2):
        return
    findings = Findings()
    findings.run(_check_v2, run, layout, machine)
    for path in crls:
        findings.run(_check_crl, path)
    findings.end()


def check_stopped(run: Run, layout: Layout, marker: Marker | None, machine: str, has: str, to: str) -> None:
    """May the data of a member that does not serve be read by the release that it is to get? It was down while its
    cluster was upgraded, so that nobody has examined them.

    :param marker: where they lie.
    :param machine: the architecture as the kernel names it.
    :param has: the release that it would start with; empty where nothing tells.
    :raises Refused: that would end on what is in them, or nobody can tell.
    """
    place = markers.where_it_lies(layout, marker)
    wrote = has or member_storage.version_of_database(place)
    if not to or minor(to) < WITHOUT_V2 or (wrote and minor(wrote) >= WITHOUT_V2):
        return
    anew = (
        "Its cluster serves without it: take this member out (etcd_member_state: absent for its host), run the "
        "playbook, and let it join anew."
    )
    try:
        command = _command_of_v2(place, machine)
    except HostError as exc:
        raise Refused(
            f"Whether the data in {place.data_dir} hold records of etcd's API of version 2 cannot be told: {exc}",
            f"The member was down while its cluster was upgraded, and etcd {to} ends on such records.",
            anew,
            code="v2-data-left",
        ) from exc
    if left := _left_by_v2(run, command, place):
        raise Refused(
            left,
            f"The member was down while its cluster was upgraded, and etcd {to} ends on them (detected disallowed v2 "
            "WAL).",
            anew,
            code="v2-data-left",
        )


def _command_of_v2(place: Layout, machine: str) -> list[str]:
    """What tells whether data hold records of API version 2.

    :raises HostError: its program is not installed.
    """
    there = [one for one in installed_releases.versions(place) if minor(one) == 5 and order(one) >= order(_CHECKS_V2)]
    if not there:
        raise HostError(f"No release of etcd 3.5 from {_CHECKS_V2} on is installed in {place.install_dir}.")
    release_dir = place.release_dir(max(there, key=order), releases.architecture(machine))
    command = [os.path.join(release_dir, "etcdutl"), "check", "v2store", "--data-dir", place.data_dir]
    return [*command, "--wal-dir", place.wal_dir] if place.wal_dir else command


def v2_left(run: Run, place: Layout, machine: str) -> str:
    """What the data of a member hold of API version 2, in a sentence; empty where there is nothing.

    :param machine: the architecture as the kernel names it.
    :raises HostError: the program that tells is not installed.
    """
    return _left_by_v2(run, _command_of_v2(place, machine), place)


def _left_by_v2(run: Run, command: Sequence[str], place: Layout) -> str:
    """What data hold of API version 2, in a sentence and its program's own words; empty where there is nothing."""
    done = run(command)
    if not done.code:
        return ""
    return f"The data in {place.data_dir} hold records of etcd's API of version 2. {_last_line(done.words)}"


def _check_v2(run: Run, layout: Layout, machine: str) -> None:
    command = _command_of_v2(layout, machine)
    if left := _left_by_v2(run, command, layout):
        raise Refused(
            left,
            "etcd 3.6 ends on them (detected disallowed v2 WAL), whatever v2-deprecation says.",
            "Move the keys to version 3, with enable-v2 taken out of etcd_settings: ansible-playbook "
            "quorum.etcd.migrate_v2 -i INVENTORY -e etcd_version= -e etcd_confirm_cluster=NAME. Keys that are hidden "
            "by an underscore stay: while members run with enable-v2, delete them by name (curl -X DELETE "
            "URL/v2/keys/_NAME?recursive=true). Then set snapshot-count: 1 and max-wals: 1 in etcd_settings, run the "
            "playbook without the upgrade (-e etcd_version=), write three keys, and take both settings out with the "
            "upgrade. "
            f"{' '.join(command)} says whether they are gone.",
            code="v2-data-left",
        )


def check_log(layout: Layout, marker: Marker | None, has: str, to: str) -> None:
    """May a member's log be replayed by the release that it is to get?

    :param has: the release that it runs; empty where it is down. That of 3.7 has no such request behind its newest
        raft snapshot.
    :raises Refused: that would end on what is in it.
    """
    if not to or minor(to) < CANNOT_READ_V2 or (has and minor(has) >= CANNOT_READ_V2):
        return
    place = markers.where_it_lies(layout, marker)
    index = v2_requests.newest_snapshot(os.path.join(place.data_dir, "member", "snap"))
    found = v2_requests.first_after(place.log_dir, index)
    if found:
        raise unreadable_log(place.log_dir, found, index, to)


def unreadable_log(log_dir: str, found: int, snapshot: int, to: str) -> Refused:
    """Why a member may not get a release, and what helps.

    :param found: the index of the request that the release cannot read.
    :param snapshot: that of the newest raft snapshot.
    """
    return Refused(
        f"The log in {log_dir} has a request of API version 2, as etcd 3.5 writes them, at index {found}, "
        f"and no raft snapshot behind it (the newest is at {snapshot}).",
        f"etcd {to} ends on it (unmarshal should never fail).",
        "While all members run 3.6, run the playbook again: it lets each of them write a raft snapshot first. If "
        "one runs 3.7 already, give this member snapshot-count: 10 (etcd_settings) in a run without the upgrade, "
        "write twenty keys, and run again. If this one is down and its cluster speaks 3.7, take it out "
        "(etcd_member_state: absent), run, and let it join anew.",
        code="v2-requests-in-log",
    )


def _last_line(words: str) -> str:
    return next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "")


def _check_crl(path: str) -> None:
    if "-----BEGIN" in host_files.read_text(path):
        raise Refused(
            f"{path} is a list of revoked certificates as PEM.",
            "etcd 3.6 reads DER only: with this file it refuses every connection.",
            f"Write it as DER, which older releases read as well: openssl crl -in {path} -outform DER -out {path}.der, "
            "and name that file (client-crl-file, peer-crl-file) with the upgrade.",
            code="crl-as-pem",
        )


def rehearse(
    run: Run,
    systemd: Systemd,
    layout: Layout,
    snapshot_dir: str,
    cluster: str,
    trials: Sequence[drill.Drill],
) -> list[str]:
    """Serve the newest snapshot of a directory with each release to come, and compare what it holds.

    :param trials: one for each release; their C(snapshot) is left open.
    :returns: what was compared.
    :raises HostError: there is no snapshot, or a release does not serve it.
    """
    kept = catalog.newest(snapshot_dir, cluster)
    if kept is None:
        raise HostError(f"There is no snapshot of {cluster} in {snapshot_dir}.")
    compared: list[str] = []
    for trial in trials:
        try:
            done = drill.run(run, systemd, layout, replace(trial, snapshot=kept.path), check=False)
        except EtcdError as exc:
            raise HostError(f"etcd {trial.version}, tried with {kept.path}: {exc}") from exc
        compared += done["compared"]
    return list(dict.fromkeys(compared))


def await_version(
    systemd: Systemd, layout: Layout, wanted: str, members: Sequence[Mapping[str, Any]], timeout: float
) -> None:
    """Wait until every member says that the cluster speaks a version, and from 3.6 on that its storage does.

    :param wanted: a minor such as C(3.6).
    :param members: C(name) and C(peer_urls) of each.
    :param timeout: seconds.
    :raises HostError: they do not.
    """
    deadline = Deadline(timeout)
    while True:
        process = processes.describe(systemd.show(layout.unit)["pid"])
        side = peer_side.of_running(layout, process) if process else None
        behind = list(_behind(members, wanted, side)) if side else ["the member on this host does not run"]
        if not behind:
            return
        if not deadline.left():
            raise HostError(
                f"The cluster does not speak {wanted} after {timeout:.0f} s: {'; '.join(behind)}. No member gets the "
                "next release before. Run the same command again: it goes on from here."
            )
        time.sleep(_POLL)


def check_spoken(to: str, members: Sequence[ClusterMember], side: peer_port.Side) -> None:
    """Does every member say that the cluster, and its storage, have the version of an older release?

    :raises Refused: they do not: that release would end at its start.
    """
    asked = [{"name": guard.label(one), "peer_urls": one.peer_urls} for one in members if one.started]
    behind = list(_behind(asked, f"3.{minor(to)}", side))
    if behind:
        raise Refused(
            f"The member would start with etcd {to}, and {'; '.join(behind)}.",
            "An older minor ends at its start before every member says its version (invalid downgrade).",
            f"Run the playbook that lets the cluster go back: {advice.downgrade(minor(to))}",
            code="downgrade-not-enabled",
        )


def _behind(members: Sequence[Mapping[str, Any]], wanted: str, side: peer_port.Side) -> Iterator[str]:
    for member in members:
        told = peer_port.versions(member["peer_urls"], side)
        # Before 3.6 there is no storage version.
        said = [told[name] for name in ("etcdcluster", "storage") if name in told]
        if not said:
            yield f"{member['name']} does not answer at {', '.join(member['peer_urls'])}"
        elif any(not version.startswith(f"{wanted}.") for version in said):
            yield f"{member['name']} says {' and '.join(dict.fromkeys(said))}"
