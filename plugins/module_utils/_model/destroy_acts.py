# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step does on its host when a whole cluster is destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class OfDestruction(Act):
    """A part of it.

    :cvar state: the state of C(etcd_internal_destroy) that does it.
    :cvar text: what a person reads of it in a plan.
    """

    state: ClassVar[str]
    text: ClassVar[str]


@dataclass(frozen=True)
class StopForGood(OfDestruction):
    kind = "stop-for-good"
    state = "stopped"
    task = "Stop every member for good"
    text = "stop the members on {hosts} for good"


@dataclass(frozen=True)
class ArchiveForGood(OfDestruction):
    kind = "archive-for-good"
    state = "archived"
    task = "Archive their data"
    text = "archive the data on {hosts}"


@dataclass(frozen=True)
class RemoveMarker(OfDestruction):
    """From there on a new cluster may be founded on the host."""

    kind = "remove-marker"
    state = "forgotten"
    task = "Remove their markers"
    text = "remove the markers on {hosts}: a new cluster may be founded there"
