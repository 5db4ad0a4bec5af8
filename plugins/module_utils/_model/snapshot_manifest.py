# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What lies beside a snapshot: whose it is, what is in it, and by what it is known again. Pure.

The file itself says neither which cluster it is of nor which etcd wrote it, and an older etcd takes a newer one's file
without looking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused

FORMAT = 1
SUFFIX = ".json"

T = TypeVar("T")

_TIME = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True)
class Manifest:
    """The description of one snapshot.

    :param format: of the manifest.
    :param cluster: the cluster's name.
    :param cluster_id: lower-case hex.
    :param member: the name of the member that it was taken from.
    :param member_id: lower-case hex.
    :param revision: of the newest change in it.
    :param compact_revision: the changes up to this one are compacted; 0 without any.
    :param key_count: keys that live at C(revision); 0 where that is not known, too.
    :param hash_kv: etcd's HashKV at C(revision) and C(compact_revision); 0 where it is not known.
    :param etcd_version: of the server, for example C(3.6.14).
    :param storage_version: of the file, for example C(3.6.0); empty before etcd 3.6.
    :param members: dicts with C(id), C(name), C(peer_urls), C(client_urls) and C(is_learner), ordered by id.
    :param size: bytes of the file.
    :param sha256: of the whole file, hex.
    :param taken_at: when it was begun, as C(2026-11-22T07:40:00Z).
    """

    cluster: str
    cluster_id: str
    member: str
    member_id: str
    revision: int
    compact_revision: int
    key_count: int
    hash_kv: int
    etcd_version: str
    storage_version: str
    members: list[dict[str, Any]] = field(hash=False)
    size: int
    sha256: str
    taken_at: str
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: object) -> Manifest:
        """The opposite of C(to_dict). What a later release added is left out.

        :raises BadInput: it is no manifest, or one of a format that is not known here.
        """
        if not isinstance(given, Mapping) or "format" not in given:
            raise BadInput("it is no manifest of a snapshot")
        if given["format"] != FORMAT:
            raise BadInput(
                f"it is a manifest of format {given['format']!r} where {FORMAT} is known; use the release of "
                "this collection that wrote it, or a later one"
            )
        values: dict[str, Any] = {}
        for one in fields(cls):
            kind = {"int": int, "str": str}.get(str(one.type), list)
            value = given.get(one.name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise BadInput(f"it is no manifest of a snapshot: {one.name} is {value!r}")
            values[one.name] = value
        if not _TIME.fullmatch(values["taken_at"]):
            raise BadInput(f"it is no manifest of a snapshot: taken_at is {values['taken_at']!r}")
        if not all(isinstance(member, dict) for member in values["members"]):
            raise BadInput("it is no manifest of a snapshot: members are no mappings")
        return cls(**values)


def path_of(snapshot: str) -> str:
    """Where the manifest of a snapshot lies."""
    return snapshot + SUFFIX


def in_order(found: Iterable[T], manifest: Callable[[T], Manifest]) -> list[T]:
    """Snapshots, oldest first.

    Those of one cluster are in the order of their revisions, for no clock has a part in these: one that was saved while
    a host's clock was ahead is not the newest for years. A cluster that was restored or made anew has another id, and
    may count from the beginning again. So clusters stand in the order of the times at which their last ones were taken.
    """
    items = list(found)
    last: dict[str, tuple[int, str]] = {}
    for one in map(manifest, items):
        last[one.cluster_id] = max(last.get(one.cluster_id, (0, "")), (one.revision, one.taken_at))

    def key(item: T) -> tuple[str, str, int, str]:
        one = manifest(item)
        return last[one.cluster_id][1], one.cluster_id, one.revision, one.taken_at

    return sorted(items, key=key)


def check_file(manifest: Manifest, details: Any, path: str) -> None:
    """See that a manifest and a file belong together.

    :param details: what is in the file: C(snapshot_file.Details).
    :param path: the file, for the message.
    :raises Refused: they do not.
    """
    for name in ("size", "sha256", "revision"):
        said, found = getattr(manifest, name), getattr(details, name)
        if said != found:
            raise Refused(
                f"{path} and its manifest {path_of(path)} disagree: {name} is {found} in the file and {said} in the "
                "manifest.",
                "One of them was replaced or damaged, so nobody knows what would be restored.",
                "Take another snapshot, or put the manifest that belongs to this file beside it.",
                code="snapshot-mismatch",
            )
