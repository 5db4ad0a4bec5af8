# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What exactly is restored. All hosts carry the same out, and each keeps it on its disk from before anything stops.

Two members that were made of different files, with different revisions or for different member lists would serve
different keys under one name. So nothing of it is decided twice: whoever continues an interrupted restore takes what is
written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster as _initial_cluster

FORMAT = 1


@dataclass(frozen=True)
class Restoration:
    """One restore of a whole cluster.

    :param cluster: the cluster's name.
    :param token: of the cluster that it makes; no other ever had it.
    :param began: when it was planned, in UTC, as C(20261122T074000Z): part of the names of what is archived.
    :param sha256: of the snapshot file, hex.
    :param size: bytes of it.
    :param revision: of the newest change in it.
    :param key_count: keys that live at that revision; 0 where that is not known.
    :param bump: by how much the revision is raised; 0 where etcd's tool cannot.
    :param initial_cluster: the members, C(name=url,...).
    :param version: of etcd, which restores it and is started with it.
    :param allow_missing_hash: it is a copied database, whose file has no checksum.
    """

    cluster: str
    token: str
    began: str
    sha256: str
    size: int
    revision: int
    key_count: int
    bump: int
    initial_cluster: str
    version: str
    allow_missing_hash: bool = False
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, given: object) -> Restoration:
        """The restore that C(to_dict) came from.

        :raises BadInput: it is none, or one of a later release.
        """
        if not isinstance(given, Mapping) or given.get("format") != FORMAT:
            raise BadInput(
                f"what is written down of a restore is not of the format {FORMAT} that this release of quorum.etcd "
                "knows. Run the release that began it, or a newer one."
            )
        values = {}
        for one in fields(cls):
            kind = {"int": int, "bool": bool}.get(str(one.type), str)
            if not isinstance(given.get(one.name), kind):
                raise BadInput(f"what is written down of a restore is damaged: {one.name} is {given.get(one.name)!r}.")
            values[one.name] = given[one.name]
        return cls(**values)

    @property
    def members(self) -> dict[str, list[str]]:
        """Name -> peer URLs."""
        return _initial_cluster.read(self.initial_cluster)

    @property
    def restored_revision(self) -> int:
        """The revision at which the restored cluster begins: no client has ever seen a later one."""
        return self.revision + self.bump

    @property
    def begins(self) -> int:
        """The same for etcd's tool; 0 where that cannot raise the revision."""
        return self.restored_revision if self.bump else 0
