# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One user of etcd, his roles and his password, which is compared by a login and never read."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import calls
from ansible_collections.quorum.etcd.plugins.module_utils._access.roles import Change
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

#: When a password is set: where a login with it fails, where the user is new, or each time.
DIFFERENT, ON_CREATE, ALWAYS = "different", "on_create", "always"
UPDATES = [DIFFERENT, ON_CREATE, ALWAYS]

_LOCK_OUT = "Nobody could change users and roles any more, or switch authentication off."


@dataclass(frozen=True)
class User:
    """What a user should be.

    :param password: None to leave it alone.
    :param no_password: he is known by the CN of his certificate alone.
    :param roles: None to leave them alone.
    :param whole: he has no other roles.
    """

    name: str
    password: str | None = None
    no_password: bool = False
    roles: Sequence[str] | None = None
    whole: bool = True
    update: str = DIFFERENT


@dataclass(frozen=True)
class Cluster:
    """Whom to ask.

    :param client: who may change users.
    :param visitor: the same connection without a user, to try logins with.
    :param credentials: who the client is.
    """

    client: Client
    visitor: Client
    credentials: Credentials


def ensure(cluster: Cluster, user: User, check: bool, coming: Collection[str] = ()) -> Change:
    """Have a user with these roles and this password.

    :param coming: roles that are not there because of check mode.
    :raises BadInput: a role is not there, or a new user has neither a password nor the word that he needs none.
    :raises Refused: see C(_check_login) and C(_check_revoked).
    """
    client, name = cluster.client, user.name
    has = calls.roles_of(client, name)
    wanted = sorted(set(user.roles or ()) | set(() if user.whole and user.roles is not None else has or ()))
    grants = [role for role in wanted if role not in (has or ())]
    revokes = [role for role in has or () if role not in wanted]
    _check_roles(client, name, grants, coming)
    if has is None and user.password is None and not user.no_password:
        raise BadInput(
            f"User {name} is not there, and has no password. Give one, or no_password: true for a certificate."
        )
    is_due, notes = _password(cluster, user, has)
    _check_revoked(cluster, name, revokes)
    if not check:
        if has is None:
            _add(client, user)
        elif is_due:
            _set_password(cluster, user)
        # What is granted first: a user never lacks what both lists have.
        for role in grants:
            _grant(client, name, role)
        for role in revokes:
            _revoke(client, name, role)
    after = {**_state(name, wanted), **({"password": "(changed)"} if is_due and has is not None else {})}
    return Change(_state(name, has), after, has is None or bool(grants or revokes or is_due), notes)


def remove(cluster: Cluster, name: str, check: bool) -> Change:
    """Have no such user.

    :raises Refused: nobody could log in as root afterwards, or it is who asks.
    """
    has = calls.roles_of(cluster.client, name)
    if has is not None:
        if name == calls.ROOT:
            raise _locked_out(
                "The user root would be removed.",
                "Keep it. While authentication is off it can be removed by hand: etcdctl user delete root",
            )
        _check_revoked(cluster, name, has)
        if name == calls.identity(cluster.credentials):
            raise _locked_out(f"User {name} would remove himself.", "Log in as root, and remove him then.")
        if not check:
            calls.change(
                cluster.client, "UserDelete", {"name": name}, lambda: calls.roles_of(cluster.client, name) is None
            )
    return Change(_state(name, has), _state(name, None), has is not None)


def _check_roles(client: Client, name: str, grants: Sequence[str], coming: Collection[str]) -> None:
    missing = set(grants) - set(coming) - set(calls.roles(client)) if grants else set()
    if missing:
        raise BadInput(
            f"User {name} should have the role {', '.join(sorted(missing))}, which is not there. Make it first, with "
            "etcd_role or in etcd_roles, or take it out of his roles."
        )


def _password(cluster: Cluster, user: User, has: Sequence[str] | None) -> tuple[bool, list[str]]:
    """Return whether the password of a user who is there must be set, and what a person should know.

    :raises Refused: it cannot be changed, or it is that of who asks.
    """
    own = cluster.credentials
    is_own = user.name == own.username and user.password is not None and user.password != own.password
    if has is None:
        if is_own:
            raise _own_password(user.name)
        return False, []
    if user.no_password:
        # A password that nobody has tells whether there is one.
        if calls.login(cluster.visitor, user.name, secrets.token_hex()) == calls.WRONG:
            raise _other_kind(user.name, "has a password, and should be known by his certificate alone")
        return False, []
    if user.password is None or user.update == ON_CREATE:
        return False, []
    told = calls.login(cluster.visitor, user.name, user.password)
    if told == calls.NO_PASSWORD:
        raise _other_kind(
            user.name, "was made without a password, and should have one. etcd would take it and refuse it"
        )
    due = told == calls.WRONG or user.update == ALWAYS
    if due and is_own:
        raise _own_password(user.name)
    untold = f"The password of {user.name} is left as it is: etcd compares none while authentication is off."
    return due, [untold] if told == calls.OFF and not due else []


def _add(client: Client, user: User) -> None:
    options = {"options": {"no_password": True}} if user.no_password else {"password": user.password}
    calls.change(
        client, "UserAdd", {"name": user.name, **options}, lambda: calls.roles_of(client, user.name) is not None
    )


def _set_password(cluster: Cluster, user: User) -> None:
    password = user.password or ""
    calls.change(
        cluster.client,
        "UserChangePassword",
        {"name": user.name, "password": password},
        lambda: calls.login(cluster.visitor, user.name, password) == calls.RIGHT,
    )


def _grant(client: Client, name: str, role: str) -> None:
    calls.change(
        client,
        "UserGrantRole",
        {"user": name, "role": role},
        lambda: role in (calls.roles_of(client, name) or ()),
    )


def _revoke(client: Client, name: str, role: str) -> None:
    calls.change(
        client,
        "UserRevokeRole",
        {"name": name, "role": role},
        lambda: role not in (calls.roles_of(client, name) or ()),
    )


def _check_revoked(cluster: Cluster, name: str, revokes: Collection[str]) -> None:
    """See that somebody who can log in keeps the role root, and that it is not taken from who asks.

    :raises Refused: it is the user root, who asks, or the last one with that role.
    """
    if calls.ROOT not in revokes:
        return
    others = [one for one in calls.users(cluster.client) if one != name]
    if name == calls.ROOT or name == calls.identity(cluster.credentials):
        raise _locked_out(f"The role root would be taken from {name}.", "Let it have the role: roles: [root]")
    if not any(calls.ROOT in (calls.roles_of(cluster.client, one) or ()) for one in others):
        raise _locked_out(
            f"{name} is the last user with the role root.",
            "Give it to another one first: etcdctl user grant-role USER root",
        )


def _locked_out(found: str, remedy: str) -> Refused:
    return Refused(found, _LOCK_OUT, remedy, code="would-lock-out")


def _own_password(name: str) -> Refused:
    return Refused(
        f"The password of {name} is not the one that this run logs in with as {name}.",
        "The run could go on with neither: etcd ends what a user has begun when his password changes.",
        f"Change it by hand and then what the run logs in with: etcdctl user passwd {name}. Or log in as another user "
        "with the role root, such as by a certificate whose CN is root.",
        code="own-password",
    )


def _other_kind(name: str, what: str) -> Refused:
    return Refused(
        f"User {name} {what}.",
        "etcd changes that of no user who is there.",
        f"Remove him, and have him made anew by the same task: etcdctl user delete {name}",
        code="no-password-user",
    )


def _state(name: str, has: Sequence[str] | None) -> dict[str, Any]:
    return {"name": name, "state": "absent"} if has is None else {"name": name, "state": "present", "roles": list(has)}
