# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One role of etcd, and what it may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import calls, permissions
from ansible_collections.quorum.etcd.plugins.module_utils._access.permissions import Permission
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client


@dataclass(frozen=True)
class Change:
    """What was there, and what is there afterwards, or would be. Neither has a secret."""

    before: dict[str, Any]
    after: dict[str, Any]
    is_changed: bool
    notes: list[str] = field(default_factory=list)

    @property
    def result(self) -> dict[str, Any]:
        """Return it as a module does."""
        diff = {"before": self.before, "after": self.after}
        return {"changed": self.is_changed, "diff": diff, "notes": self.notes}


def ensure(client: Client, name: str, wanted: Sequence[Permission], whole: bool, check: bool) -> Change:
    """Have a role that may do this.

    :param whole: and nothing else.
    """
    has = calls.permissions_of(client, name)
    due = permissions.steps(has or [], wanted, whole)
    before, after = _state(name, has), _state(name, has or [])
    if name != calls.ROOT:
        after["permissions"] = permissions.afterwards(has or [], wanted, whole)
    elif due and not (whole and not wanted):
        raise Refused(
            "The role root was given permissions.",
            "It may do everything in any case, and etcd does not keep what is granted to it.",
            "Leave the permissions of root out.",
            code="role-root",
        )
    else:
        due = []
    if not check:
        if has is None:
            calls.change(client, "RoleAdd", {"name": name}, lambda: calls.permissions_of(client, name) is not None)
        for step in due:
            _take(client, name, step)
    return Change(before, after, has is None or bool(due))


def remove(client: Client, name: str, check: bool) -> Change:
    """Have no such role. Users who have it keep what their other roles allow.

    :raises Refused: it is the role root.
    """
    has = calls.permissions_of(client, name)
    if has is not None and name == calls.ROOT:
        raise Refused(
            "The role root would be removed.",
            "Nobody could change users and roles any more, or switch authentication off.",
            "Keep it. Without authentication it is in nobody's way.",
            code="would-lock-out",
        )
    if has is not None and not check:
        calls.change(client, "RoleDelete", {"role": name}, lambda: calls.permissions_of(client, name) is None)
    return Change(_state(name, has), _state(name, None), has is not None)


def _take(client: Client, role: str, step: permissions.Step) -> None:
    grants = step.grants
    if grants is None:
        calls.change(
            client,
            "RoleRevokePermission",
            {"role": role, "key": step.keys.first, "range_end": step.keys.end},
            lambda: all(one.keys != step.keys for one in calls.permissions_of(client, role) or ()),
        )
    else:
        calls.change(
            client,
            "RoleGrantPermission",
            {"name": role, "perm": grants.request},
            lambda: grants in (calls.permissions_of(client, role) or ()),
        )


def _state(name: str, has: Sequence[Permission] | None) -> dict[str, Any]:
    if has is None:
        return {"name": name, "state": "absent"}
    return {"name": name, "state": "present", "permissions": permissions.shown(has)}
