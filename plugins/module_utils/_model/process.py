# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A process, as a host sees it and as a plan reads it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Identity:
    """Which process it is.

    :param started: clock ticks after boot, by which a later one with the same number is told from it.
    :param invocation: systemd's ID of the start that made it; empty without one.
    """

    pid: int = 0
    started: int = 0
    executable: str = ""
    invocation: str = ""


@dataclass(frozen=True)
class Process:
    """The process of the member.

    :param version: the release that its executable's path names.
    :param sources: from which systemd would give it its environment anew, each with the variables that it sets.
    """

    kind: str = ""
    version: str = ""
    identity: Identity = Identity()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[tuple[str, Mapping[str, str]]] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Process:
        return cls(**{**values, "identity": Identity(**values["identity"])})
