# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Why keys of API version 2 do not move, in the words of the plan and of the act."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import TTL_WORD

_NAMED = 20


def gone(found: str) -> Refused:
    """A member has no such API."""
    return Refused(
        found,
        "From 3.6 on etcd has no API of version 2 that could be read.",
        "There is nothing to move: etcd 3.6 does not start on data that hold keys of version 2. Keys of an older "
        "backup move on a cluster of 3.4 or 3.5 that is made of it.",
        code="v2-gone",
    )


def still_served(found: str) -> Refused:
    """Clients may still write in version 2."""
    return Refused(
        found,
        "What a client writes there while the keys move would be left behind.",
        "Take enable-v2 out of etcd_settings for every member, and run the same command again: it restarts them "
        "without the API, one after the other, before a key moves.",
        code="v2-still-served",
    )


def conflicting(conflicts: Sequence[str]) -> Refused:
    """Keys cannot be written in version 3.

    :param conflicts: their names, each with the reason.
    """
    return Refused(
        f"{len(conflicts)} keys of version 2 cannot be written in version 3: {_first(conflicts, len(conflicts))}.",
        "One of two values under one name would be lost.",
        "Decide which one is right, and delete the other one. In version 3: etcdctl del NAME. In version 2: curl -X "
        "DELETE URL/v2/keys/NAME, on members that run with enable-v2: true. Then run the same command again.",
        code="v2-keys-conflict",
    )


def expiring(names: Sequence[str], count: int) -> Refused:
    """Keys with a time to live do not move unasked.

    :param names: the first of them.
    :param count: how many there are.
    """
    return Refused(
        f"{count} keys of version 2 have a time to live: {_first(names, count)}.",
        "In version 3 each ends with a lease when that time is over: what renewed it in version 2 cannot do so any "
        "more.",
        f"If that is meant, say so: -e etcd_confirm={TTL_WORD}",
        code="v2-keys-expire",
    )


def _first(names: Sequence[str], count: int) -> str:
    more = f", and {count - _NAMED} more" if count > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
