# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A cluster gets the roles, users and authentication of its inventory, in an order in which nobody is shut out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import attempt, authentication, calls, roles, users
from ansible_collections.quorum.etcd.plugins.module_utils._access.authentication import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._access.roles import Change
from ansible_collections.quorum.etcd.plugins.module_utils._access.users import Cluster
from ansible_collections.quorum.etcd.plugins.module_utils._access.wanted import Access
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused


@dataclass
class _Run:
    """What a run has changed so far, or would."""

    check: bool
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def took(self, change: Change) -> None:
        self.notes += change.notes
        if change.is_changed:
            self.changes.append(change)

    @property
    def result(self) -> dict[str, Any]:
        diff = [{"before": one.before, "after": one.after} for one in self.changes]
        return {"changed": bool(self.changes), "diff": diff, "notes": list(dict.fromkeys(self.notes))}


def apply(asker: Asker, access: Access, auth: bool | None, purge: bool, check: bool) -> dict[str, Any]:
    """Have what is wanted, and return a module's result.

    Roles come before the users who have them, users before authentication, and what goes comes last. etcd compares
    passwords only while authentication is on, so those of users who were there are compared once it is.

    :param auth: None to leave authentication as it is.
    :param purge: remove users and roles that are not wanted.
    """
    run = _Run(check)
    with asker.client() as client:
        # A gRPC proxy answers logins as it likes.
        client.member_list(linearizable=False)
    was_on = authentication.is_on(asker)
    _on_cluster(asker, lambda cluster: _add(cluster, access, run))
    if auth and attempt_due(asker, run, check, access):
        run.took(_switched(was_on, True))
        if not check and not was_on:
            run.notes.clear()
            _on_cluster(asker, lambda cluster: _passwords(cluster, access, run))
    _on_cluster(asker, lambda cluster: _take_away(cluster, access, purge, run))
    if auth is False and attempt.disable(asker, check):
        run.took(_switched(was_on, False))
    return run.result


def attempt_due(asker: Asker, run: _Run, check: bool, access: Access) -> bool:
    """Switch authentication on, where it is off. In check mode root may be among the users to come."""
    try:
        return attempt.enable(asker, check)
    except Refused as exc:
        coming = {user.name for user in access.users if calls.ROOT in (user.roles or ())}
        own = calls.identity(asker.credentials)
        if check and run.changes and exc.code in ("no-root", "would-lock-out") and {calls.ROOT, own} <= coming:
            return True
        raise


def _on_cluster(asker: Asker, act: Callable[[Cluster], None]) -> None:
    with asker.client() as client, asker.visitor() as visitor:
        act(Cluster(client, visitor, asker.credentials))


def _add(cluster: Cluster, access: Access, run: _Run) -> None:
    for role in access.roles:
        if role.is_present:
            run.took(roles.ensure(cluster.client, role.name, role.permissions, role.whole, run.check))
    coming = [role.name for role in access.roles if role.is_present]
    for user in access.users:
        run.took(users.ensure(cluster, user, run.check, coming))


def _passwords(cluster: Cluster, access: Access, run: _Run) -> None:
    for user in access.users:
        if user.update == users.DIFFERENT:
            run.took(users.ensure(cluster, user, run.check))


def _take_away(cluster: Cluster, access: Access, purge: bool, run: _Run) -> None:
    kept = {user.name for user in access.users}
    surplus = set(calls.users(cluster.client)) - kept - {calls.ROOT, calls.identity(cluster.credentials), attempt.USER}
    for name in [*access.gone, *sorted(surplus if purge else ())]:
        run.took(users.remove(cluster, name, run.check))
    staying = kept | {calls.ROOT, calls.identity(cluster.credentials)}
    held = {role for name in staying for role in calls.roles_of(cluster.client, name) or ()} if purge else set()
    known = {role.name for role in access.roles} | {calls.ROOT} | held
    surplus = set(calls.roles(cluster.client)) - known if purge else set()
    for name in [*(role.name for role in access.roles if not role.is_present), *sorted(surplus)]:
        run.took(roles.remove(cluster.client, name, run.check))


def _switched(was_on: bool, is_on: bool) -> Change:
    # Where it was on already, what an interrupted attempt had left was put away.
    return Change({"authentication": was_on}, {"authentication": is_on}, True)
