# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a migration from API version 2 to 3 does beside the members' updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act, Presuming


@dataclass(frozen=True)
class SaveBeforeMove(Act):
    """Save a snapshot of what the cluster serves before keys of version 2 move. It has those of version 3."""

    kind = "save-before-v2"
    is_long = True
    task = "Save a snapshot before the migration"
    refusal = (
        "{cluster}: refused, no key has moved. The snapshot that comes before a migration could not be saved on "
        "{host}. {msg} Mend that, then run again."
    )


@dataclass(frozen=True)
class MoveV2Keys(Presuming):
    """Write every key of version 2 in version 3, and take it out of version 2.

    :param takes_expiring: whether a person has said that keys with a time to live may move.
    """

    kind = "move-v2-keys"
    task = "Move the keys to version 3"
    is_long = True
    takes_expiring: bool = False

    def outcome(self, result: Mapping[str, Any]) -> str:
        if "key_count" not in result:
            return ""
        said = [
            f"{result['key_count']} keys of version 2, {result['copied']} of them written in version 3 now "
            f"({result['before']} keys there before, {result['after']} after)"
        ]
        if result["expiring"]:
            said.append(f"{result['expiring']} of them end with a lease")
        if result["empty_directories"]:
            said.append(f"{result['empty_directories']} empty directories are gone, which version 3 does not have")
        if result["hidden_in"]:
            said.append(
                f"hidden keys are left in {', '.join(result['hidden_in'][:20])}, and in version 2 alone: their names "
                "begin with an underscore"
            )
        if result["kept"]:
            said.append(f"a copy of the data as they were is kept in {' and '.join(result['kept'])} on this host")
        if result["earlier"]:
            said.append(f"{' and '.join(result['earlier'])} are copies of earlier runs: remove what is not needed")
        return "; ".join(said)


#: All of them.
KINDS = (SaveBeforeMove, MoveV2Keys)
