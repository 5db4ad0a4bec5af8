# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What an upgrade does beside the members' updates: what is seen to before the first stop, and between two minors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class SaveFirst(Act):
    """Save a snapshot of what the cluster serves before it is upgraded."""

    kind = "save-first"
    is_long = True
    task = "Save a snapshot before the upgrade"
    refusal = (
        "{cluster}: refused, no member was touched. The snapshot that comes before an upgrade could not be saved on "
        "{host}. {msg} Mend that, then run again."
    )


@dataclass(frozen=True)
class Examine(Act):
    """See that a member's own directory and files are fit for the releases to come.

    :param releases: those, in their order.
    """

    kind = "examine"
    task = "Examine the member's data"
    is_long = True
    releases: Sequence[str]


@dataclass(frozen=True)
class Rehearse(Act):
    """Serve the saved snapshot with each release to come and the settings that it is to have, and throw that away.

    It proves binary, settings and database. The log it does not.

    :param releases: those, in their order.
    """

    kind = "rehearse"
    task = "Rehearse with the snapshot"
    is_long = True
    refusal = (
        "{cluster}: refused, no member was touched. A release to come does not serve what {host} has saved, with the "
        "settings that it is to have. {msg} Mend that, then run again."
    )
    releases: Sequence[str]


@dataclass(frozen=True)
class AwaitVersion(Act):
    """Wait until every member says that the cluster speaks a version.

    :param minor: such as C(3.6).
    :param members: C(name) and C(peer_urls) of each.
    """

    kind = "await-version"
    task = "Await the cluster version"
    is_long = True
    minor: str
    members: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RenewRaftSnapshots(Act):
    """Let every member of 3.6 write a raft snapshot, without which 3.7 may end on what 3.5 has written.

    :param endpoints: client URLs of all members.
    """

    kind = "renew-raft-snapshots"
    task = "Let every member write a raft snapshot"
    is_long = True
    endpoints: Sequence[str]


#: All of them. In check mode they do nothing.
KINDS = (SaveFirst, Examine, Rehearse, AwaitVersion, RenewRaftSnapshots)
