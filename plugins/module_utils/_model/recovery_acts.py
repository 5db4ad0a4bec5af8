# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step of a recovery from a lost quorum does on its host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class OfRecovery(Act):
    """A part of a recovery.

    :cvar state: the state of C(etcd_internal_recovery) that does it.
    """

    is_long = True
    state: ClassVar[str]


@dataclass(frozen=True)
class SaveAnswering(OfRecovery):
    """Save a snapshot of a member that still answers. Once it is stopped it answers no more."""

    kind = "save-answering"
    state = "saved"
    task = "Save a snapshot while the member still answers"
    refusal = (
        "{cluster}: refused, no member was touched. What the member on {host} serves now could not be saved. Once it "
        "is stopped it answers no more. {msg} Mend that, then run again. To go on without that snapshot, stop that "
        "member: systemctl stop {instance}. Its data stay."
    )


@dataclass(frozen=True)
class Suspend(OfRecovery):
    """Stop a member, and let nothing start it until the recovery is over or rolled back."""

    kind = "suspend"
    state = "stopped"
    task = "Stop every member"


@dataclass(frozen=True)
class GoOnAlone(OfRecovery):
    """Make a cluster of one member, from a copy of its data.

    :param term: of the last entry of its log; 0 where it has made the new cluster already.
    :param index: of that entry.
    """

    kind = "go-on-alone"
    state = "alone"
    task = "Make a cluster of one member"
    version: str
    term: int
    index: int

    def outcome(self, result: Mapping[str, Any]) -> str:
        # An earlier call that was interrupted made the cluster, and has said it.
        if result.get("kept", -1) < 0:
            return ""
        return (
            f"the cluster goes on from revision {result['revision']}; {result['kept']} entries of the log that were "
            "not known to be agreed on were kept, none was discarded"
        )


@dataclass(frozen=True)
class GiveUp(OfRecovery):
    """Archive the data of a stopped member, which then may join the new cluster."""

    kind = "give-up"
    state = "archived"
    task = "Archive the data of the others"


@dataclass(frozen=True)
class Resume(OfRecovery):
    """Have everything on the host as it was before the recovery."""

    kind = "resume"
    state = "rolled_back"
    task = "Roll the recovery back"
