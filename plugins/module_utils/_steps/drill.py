# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A snapshot is restored to see that it can be: into a member of its own that nobody reaches, and that is thrown away.

The member has a token, a directory and ports of its own, so it meets nobody of any cluster. What it says is compared
with what was written down when the snapshot was taken.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, text_of
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import Details
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    etcdutl,
    host_files,
    installed_releases,
    isolated_member,
    local_member,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    releases,
    snapshot_compatibility,
    snapshot_manifest,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, is_compacted
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog

_PURPOSE = "drill"
_NAME = "drill"
# etcd's default quota, 2 GB: below the size of the database the drill's member would raise an alarm.
_LEAST_QUOTA = 2 << 30
# Seconds for a count or a hash: both read every key.
_READING = 600.0


@dataclass(frozen=True)
class Drill:
    """What a drill is given.

    :param snapshot: the file.
    :param release_dir: where the etcd lies that restores and serves it.
    :param version: its version.
    :param timeout: seconds for its start.
    :param allow_missing_hash: take a copied database.
    :param manifest: what the snapshot must have, where that does not lie beside it.
    :param begins: the revision at which the member begins; 0 for the snapshot's. What is before a raised one counts as
        compacted, so etcd's hash of the keys cannot be compared then.
    :param tls: never serve the database without TLS.
    :param certificates: a pair for each purpose, and their CA, by the names of C(Layout.certificate); instead of the
        host's own. They are removed with the member.
    :param settings: more settings to serve with, of those that name no place and no port. A member serves on the host.
    """

    snapshot: str
    release_dir: str
    version: str
    timeout: float
    allow_missing_hash: bool = False
    manifest: Manifest | None = None
    begins: int = 0
    tls: bool = False
    certificates: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)


def version_for(layout: Layout, manifest: Manifest | None) -> str:
    """The release that a drill takes: the newest that is installed.

    :raises HostError: there is none, or none that takes the snapshot.
    """
    there = sorted(installed_releases.versions(layout), key=releases.order)
    if not there:
        raise HostError(f"No release of etcd is installed in {layout.install_dir}. Install one first.")
    if manifest is not None:
        snapshot_compatibility.check_version(snapshot_compatibility.versions_in(manifest), there[-1], "version")
    return there[-1]


def release_dir(layout: Layout, version: str, machine: str) -> str:
    """Where a release lies.

    :raises HostError: it is not installed.
    """
    directory = layout.release_dir(version, releases.architecture(machine))
    if not os.path.isdir(directory):
        raise HostError(f"etcd {version} is not installed: there is no {directory}. Install it first.")
    return directory


def run(run: Run, systemd: Systemd, layout: Layout, drill: Drill, check: bool) -> dict[str, Any]:
    """Restore a snapshot, look at it, and throw it away, whatever becomes of it.

    :param run: runs etcd's tool.
    :param check: only judge the file and the room.
    :returns: C(revision), C(key_count), C(hash_kv) of the restored member (0 in check mode), C(compared) (names of
        what was compared with the manifest), C(seconds), C(size).
    :raises EtcdError: it cannot be restored, or is not what its manifest says.
    """
    began = time.monotonic()
    details = snapshot_file.read(drill.snapshot, drill.allow_missing_hash)
    manifest = drill.manifest or catalog.manifest_beside(drill.snapshot)
    if manifest is not None:
        snapshot_manifest.check_file(manifest, details, drill.snapshot)
    # Whoever has the certificates that are made for it is root there.
    if not drill.certificates:
        _check_tls(layout, drill)
        check_login(details, local_member.credentials(layout), drill.snapshot)
    found = {"revision": details.revision, "key_count": 0, "hash_kv": 0}
    compared: list[str] = []
    with host_files.alone(layout, _PURPOSE):
        check_room(layout.data_dir, details.size)
        if not check:
            checkpoints.at("drill: begun")
            with _place(layout) as place:
                own = _with_certificates(layout, drill, place)
                found = _served(run, systemd, own, drill, details, place)
            compared = _compare(found, manifest, drill)
    return {**found, "compared": compared, "size": details.size, "seconds": round(time.monotonic() - began, 3)}


def check_login(details: Details, asker: Credentials, snapshot: str) -> None:
    """Will a member that is restored answer?

    :param asker: who is going to ask it.
    :param snapshot: the file, for the message.
    :raises Refused: authentication is on in it, and nobody is going to log in.
    """
    if details.authentication and not (asker.client_cert or asker.username):
        raise Refused(
            f"Authentication is on in {snapshot}, and this host has neither an administrator's certificate nor the "
            "name of a user who could log in.",
            "A member that is restored from it tells nobody else its revision, its keys and its members, so whether it "
            "holds what it should could not be seen.",
            "Put NAME:PASSWORD of a user who had the role root when it was saved into a file of mode 0600 on every "
            "host, and name that file: etcd_user_file (user_file of the module).",
            code="login-needed",
        )


def check_room(directory: str, size: int) -> None:
    """Is there room for a restored copy of a snapshot?

    :param size: bytes of the snapshot.
    :raises HostError: there is not.
    """
    free, needed = disk_space.free(directory), size + disk_space.beside_member(size)
    if free < needed:
        raise HostError(
            f"{directory} has {free >> 20} MiB free, and a restored copy of the snapshot needs {needed >> 20} MiB. "
            "Nothing was touched. Make room there."
        )


@contextmanager
def _place(layout: Layout) -> Iterator[str]:
    """A directory for the member, gone afterwards with what drills have left that were killed."""
    leftovers = os.path.join(layout.data_dir, "member.drill*-*")
    host_files.make_directory(layout.data_dir, 0o700, *host_files.owner_ids(layout.user, layout.group))
    etcdutl.remove(*glob.glob(leftovers))
    try:
        # Named like what is archived: nobody takes it for data.
        yield os.path.join(layout.data_dir, f"member.drill-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
    finally:
        etcdutl.remove(*glob.glob(leftovers))


def _check_tls(layout: Layout, drill: Drill) -> None:
    """Are there certificates for a member that must not serve without them?

    :raises Refused: there are none.
    """
    if drill.tls and not os.path.exists(layout.certificate("etcd")):
        raise Refused(
            f"The cluster uses TLS, and this host has no certificate ({layout.certificate('etcd')}).",
            "Without one every user of this host could read all keys while the snapshot is tried.",
            "Run the trial on a host of the cluster that has its certificates: etcd.yml issues those that are missing.",
            code="certificate-missing",
        )


def _with_certificates(layout: Layout, drill: Drill, place: str) -> Layout:
    """The layout in which the member finds its certificates."""
    if not drill.certificates:
        return layout
    own = replace(layout, conf_dir=place.replace("member.drill-", "member.drillpki-"))
    owner = host_files.owner_ids(layout.user, layout.group)
    for directory in (own.conf_dir, own.ssl_dir):
        host_files.make_directory(directory, 0o700, *owner)
    for name, text in drill.certificates.items():
        host_files.write(own.certificate(name), text.encode(), 0o600, *owner)
    return own


def _served(run: Run, systemd: Systemd, layout: Layout, drill: Drill, details: Details, place: str) -> dict[str, Any]:
    # One of a drill that was killed must not go on in a directory that was removed.
    isolated_member.stop(systemd, layout, _PURPOSE)
    settings = isolated_member.alone(layout, _NAME, place)
    peer = text_of(settings["initial-advertise-peer-urls"])
    recipe = etcdutl.Recipe(
        _NAME, [peer], f"{_NAME}={peer}", os.path.basename(place), drill.begins, drill.allow_missing_hash
    )
    etcdutl.restore(run, drill.release_dir, drill.version, drill.snapshot, recipe, place)
    etcdutl.give(place, *host_files.owner_ids(layout.user, layout.group))
    checkpoints.at("drill: restored")
    more: dict[str, Value] = {**drill.settings, "quota-backend-bytes": max(_LEAST_QUOTA, 2 * details.size)}
    binary = os.path.join(drill.release_dir, "etcd")
    all_settings = {**settings, **more}
    light = bool(drill.settings)
    with isolated_member.running(
        systemd, layout, _PURPOSE, binary, all_settings, drill.timeout, is_light=light
    ) as seen:
        checkpoints.at("drill: serves")
        with Client([seen.endpoint], local_member.credentials(layout), _READING) as client:
            told = _told(client, details, drill)
            left = alarm.let_write(client)
    if left:
        raise HostError(
            f"{drill.snapshot} can be restored, and the member takes no write: it has raised "
            f"{', '.join(one.alarm for one in left)}. Take another snapshot."
        )
    return told


def _told(client: Client, details: Details, drill: Drill) -> dict[str, Any]:
    """What the restored member says of itself.

    :raises HostError: it begins too early: clients would be told that what they have seen is in the future.
    """
    begins = drill.begins or details.revision
    revision = client.status().revision
    if revision < begins:
        raise HostError(
            f"{drill.snapshot} can be restored, and the member begins at revision {revision}, and it was to begin at "
            f"{begins}. Nothing was touched. Restore it with another version of etcd (etcd_version)."
        )
    # Keys on a lease that ended meanwhile are gone from newer revisions.
    return {
        "revision": begins,
        "key_count": client.count(begins),
        "hash_kv": 0 if drill.begins else _hash(client, details),
    }


def _hash(client: Client, details: Details) -> int:
    """etcd's hash of the keys at the snapshot's revision; 0 where it cannot be compared."""
    try:
        hashed = client.hash_kv(details.revision)
    except RpcError as exc:
        # etcd 3.4 refuses it for the very revision that is compacted.
        if not is_compacted(exc):
            raise
        return 0
    # Without a compaction etcd says -1.
    return int(hashed["hash"]) if max(0, hashed["compact_revision"]) == details.compact_revision else 0


def _compare(found: dict[str, Any], manifest: Manifest | None, drill: Drill) -> list[str]:
    """What of the manifest is known is there again."""
    if manifest is None:
        return []
    revision = drill.begins or manifest.revision
    wanted = {"revision": revision, "key_count": manifest.key_count, "hash_kv": manifest.hash_kv}
    # Not known, because the member could no longer say when the snapshot was taken.
    known = {name: value for name, value in wanted.items() if value and (name != "hash_kv" or found["hash_kv"])}
    wrong = [
        f"{name} is {found[name]}, and the manifest says {value}"
        for name, value in known.items()
        if found[name] != value
    ]
    if wrong:
        raise HostError(
            f"{drill.snapshot} can be restored, and does not hold what was there when it was taken: "
            f"{'; '.join(wrong)}. Do not rely on it. Take another snapshot, and see whether the disk is sound."
        )
    return list(known)
