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


def emulated(found: str, prefix: str) -> Refused:
    """What C(/v2/keys) serves are keys of version 3.

    :param found: who has the setting.
    :param prefix: below which version 3 has them.
    """
    return Refused(
        f"{found}: by experimental-enable-v2v3 what /v2/keys serves are keys of version 3 below {prefix}.",
        "Taken for keys of version 2 they would be copied beside themselves, and then be deleted.",
        f"Nothing is to be moved: read them in version 3 (etcdctl get --prefix {prefix}). Take enable-v2 and "
        "experimental-enable-v2v3 out of etcd_settings and run etcd.yml. If the members had keys of version 2 before "
        "they had that setting, run this command again then.",
        code="v2-emulated",
    )


def guarded(found: str) -> Refused:
    """Version 2 has users, so that a listing may show a part of the keys only.

    :param found: where that was found.
    """
    return Refused(
        f"{found}: users of version 2 are switched on.",
        "Who asks without a password, or by a certificate, sees what its roles show. Keys that are not seen would be "
        "left behind; users and roles of version 2 do not move.",
        "Switch them off, at a member that runs with enable-v2: true: curl -u root:PASSWORD -X DELETE "
        "URL/v2/auth/enable (with --cacert, --cert and --key where it has certificates). From then on every client "
        "reads all keys. Then run the same command again.",
        code="v2-auth-enabled",
    )


def too_large(name: str, size: int, limit: int) -> Refused:
    """A key does not fit into a request of version 3.

    :param size: bytes of its request.
    """
    return Refused(
        f"{name} of version 2 needs a request of {size} bytes in version 3, and max-request-bytes is {limit}.",
        "etcd would refuse it with others moved already.",
        f"Set max-request-bytes: {size} in etcd_settings, and run the same command again: it restarts the members with "
        "that before a key moves. Or delete the key in version 2, on members that run with enable-v2: true: curl -X "
        f"DELETE URL/v2/keys{name}",
        code="v2-key-too-large",
    )


def too_few_operations(limit: int) -> Refused:
    """A transaction cannot write a key and read it back."""
    return Refused(
        f"max-txn-ops is {limit}, and a key that moves is written and read back by one transaction.",
        "etcd would refuse it.",
        "Set max-txn-ops: 128 in etcd_settings, which is etcd's own, and run the same command again: it restarts the "
        "members with that before a key moves.",
        code="v2-txn-ops",
    )


def over_quota(needs: int, size: int, quota: int) -> Refused:
    """The database has no room for the keys.

    :param needs: bytes by which it may grow.
    :param size: bytes of the largest one.
    """
    return Refused(
        f"The keys of version 2 need up to {needs} bytes in the database of version 3, which has {size}, and "
        f"quota-backend-bytes is {quota}.",
        "Beyond its quota the whole cluster takes no more writes (alarm NOSPACE).",
        f"Set quota-backend-bytes: {(size + needs) * 5 // 4} or more in etcd_settings, and run the same command again: "
        "it restarts the members with that before a key moves. Or make room first: ansible-playbook "
        "quorum.etcd.reclaim -i INVENTORY",
        code="v2-over-quota",
    )


def full() -> Refused:
    """The cluster takes no writes."""
    return Refused(
        "The cluster has the alarm NOSPACE.",
        "Version 3 takes no key until it is disarmed.",
        "Make room first: ansible-playbook quorum.etcd.reclaim -i INVENTORY",
        code="v2-over-quota",
    )


def _first(names: Sequence[str], count: int) -> str:
    more = f", and {count - _NAMED} more" if count > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
