# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Who maintains the hosts of a cluster, as its key in etcd and the record on a drained host say it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

#: The key. Each claim of the cluster's lock compares the revision at which it was made.
KEY = "/quorum.etcd/maintenance"

#: Seconds.
LONGEST = 7 * 86400


class Owner(NamedTuple):
    """Who maintains.

    :param name: a person on a controller, C(root@admin).
    :param process: the run of that person, which tells two at once apart; see C(plugin_utils/_controller).
    """

    name: str
    process: str = ""

    def text(self) -> str:
        return json.dumps({"owner": self.name, "process": self.process})


class Holder(NamedTuple):
    """Who has the key.

    :param revision: at which it was made: of another claim it is another one.
    :param lease: on which it lies; 0 for none.
    """

    owner: Owner
    revision: int
    lease: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Holder:
        return cls(Owner(*values["owner"]), values["revision"], values["lease"])

    def to_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "owner": list(self.owner)}


@dataclass(frozen=True)
class Drained:
    """What a drained host remembers. It lies on disk, for a reboot comes in between.

    :param until: seconds since 1970 by the host's own clock; then it counts as down.
    :param is_over: that time has come.
    """

    owner: str = ""
    process: str = ""
    until: float = 0.0
    is_over: bool = False

    @property
    def is_valid(self) -> bool:
        return bool(self.owner) and not self.is_over

    def text(self) -> str:
        return json.dumps({"owner": self.owner, "process": self.process, "until": self.until})


def owner_in(text: str) -> Owner:
    """The owner that a key's value names; of another hand's value all of it is the name."""
    try:
        values = json.loads(text)
        return Owner(str(values["owner"]), str(values["process"]))
    except (ValueError, TypeError, KeyError):
        return Owner(text)


def holder_in(found: Sequence[Mapping[str, Any]]) -> Holder | None:
    """Who has the key.

    :param found: C(kvs) of a read of it.
    """
    return next(
        (
            Holder(owner_in(one["value"].decode("utf-8", "replace")), one["create_revision"], one["lease"])
            for one in found
        ),
        None,
    )


def record_in(text: str, now: float) -> Drained:
    """The record of a host; nothing where it cannot be understood. No clock makes it last longer than any may.

    :param now: the host's clock, seconds since 1970.
    """
    try:
        values = json.loads(text)
        until = float(values["until"])
        return Drained(str(values["owner"]), str(values["process"]), until, not now < until <= now + LONGEST)
    except (ValueError, TypeError, KeyError):
        return Drained()
