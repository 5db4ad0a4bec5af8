# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whose snapshot it is, and which etcd may take it. Pure.

etcd asks neither: it restores any cluster's snapshot into any other, and etcd 3.4 and 3.5 boot what a newer one wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest


def versions_in(manifest: Manifest | None, details: Mapping[str, Any] | None = None) -> list[str]:
    """All that a snapshot says of the etcd that wrote it.

    :param details: what is in the file, as C(snapshot_file.Details.to_dict) gives it.
    """
    said = [manifest.etcd_version, manifest.storage_version] if manifest is not None else []
    said += [details["cluster_version"], details["storage_version"]] if details is not None else []
    return [version for version in said if version]


def check_version(written_by: Iterable[str], version: str, setting: str = "etcd_version") -> None:
    """Does an etcd take what these have written? What a newer minor wrote it may boot, and misread.

    :param version: of the etcd that is to restore it.
    :param setting: what to set otherwise.
    :raises Refused: one of them is of a newer minor.
    """
    newest = max(written_by, key=releases.order, default="")
    if newest and releases.order(newest)[:2] > releases.order(version)[:2]:
        raise Refused(
            f"The snapshot was written by etcd {newest}, and etcd {version} is to restore it.",
            "An etcd of an older minor takes it without looking and may misread it, or does not start.",
            f"Restore it with the same minor or the next one: {setting}={newest}.",
            code="etcd-too-old",
        )


def check_cluster(
    cluster: str,
    known: Collection[str],
    said: str,
    manifest: Manifest | None,
    members: Iterable[ClusterMember],
    member_ids: Collection[str],
    restored: bool,
) -> None:
    """Is it a snapshot of this cluster, or has somebody said of which other one?

    :param cluster: the cluster's name.
    :param known: ids of the cluster by which its hosts know it; none where all is gone.
    :param said: the name or the id of the other cluster, C(etcd_snapshot_of).
    :param members: the members that the file lists.
    :param member_ids: ids of members by which the hosts know themselves.
    :param restored: were the members made by a restore, all of whose tasks were done?
    :raises Refused: it is another's.
    """
    if manifest is None:
        # The file itself does not know its cluster. But member ids are of no other.
        if said or {member.id for member in members} & set(member_ids):
            return
        found = f"The snapshot has no manifest, and its members ({_names(members)}) are none of {cluster}."
        other = "NAME"
    else:
        if said in (manifest.cluster, manifest.cluster_id) and said:
            return
        if not said and manifest.cluster == cluster and (not known or manifest.cluster_id in known):
            return
        found = (
            f"The snapshot is of the cluster {manifest.cluster}, id {manifest.cluster_id}"
            f" (from {manifest.member}, {manifest.taken_at}), and"
            + (f" etcd_snapshot_of is {said}." if said else f" this is {cluster}{_ids(known)}.")
        )
        other = manifest.cluster_id
    over = "This cluster was restored, and serves: a run that was interrupted at its very end has nothing left to do. "
    raise Refused(
        found,
        "All keys of this cluster would be replaced by those of another one.",
        f"{over * restored}If that is meant (a copy of another cluster, or this one before it was restored), say so: "
        f"-e etcd_snapshot_of={other}",
        code="snapshot-of-another-cluster",
    )


def _ids(known: Collection[str]) -> str:
    return f", id {' or '.join(sorted(known))}" if known else ""


def _names(members: Iterable[ClusterMember]) -> str:
    return ", ".join(member.name or member.id for member in members) or "it lists none"
