# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The roles and users of an inventory: read and judged on the controller, before anything is touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import attempt, permissions
from ansible_collections.quorum.etcd.plugins.module_utils._access.permissions import Permission
from ansible_collections.quorum.etcd.plugins.module_utils._access.users import DIFFERENT, UPDATES, User
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, HostError, Refused

PRESENT, ABSENT = "present", "absent"

_ROLE = {"name", "state", "permissions", "append"}
_USER = {"name", "state", "password", "password_file", "no_password", "roles", "append", "update_password"}


@dataclass(frozen=True)
class Role:
    name: str
    is_present: bool
    permissions: Sequence[Permission]
    whole: bool


@dataclass(frozen=True)
class Access:
    """All that is wanted of a cluster.

    :param users: those that stay.
    :param gone: names of users that are to be removed.
    """

    roles: Sequence[Role]
    users: Sequence[User]
    gone: Sequence[str]


def check_password(password: str, name: str) -> str:
    """Return a password.

    :raises BadInput: it is empty: a lookup of a variable that is not set gives that.
    """
    if not password:
        raise BadInput(
            f"The password of user {name} is empty. A lookup of something that is not set gives that, and etcd would "
            "take it. Give one, or no_password: true for a user who is known by a certificate."
        )
    return password


def password_of_file(path: str, name: str) -> str:
    """Return the first line of a file.

    :raises HostError: it cannot be read.
    :raises Refused: others than its owner can read it.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            line = stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise HostError(f"{path}, which should have the password of user {name}, cannot be read: {why}.") from exc
    if stat.S_IMODE(mode) & 0o077:
        raise Refused(
            f"{path} may be read by others than its owner.",
            f"It holds the password of user {name}.",
            f"chmod 0600 {path}",
            code="secret-readable",
        )
    return check_password(line, name)


def access(roles: Any, users: Any, passwords: Mapping[str, str]) -> Access:
    """Read what an inventory says.

    :param passwords: of users, by name, apart from what else is said of them.
    :raises BadInput: with each mistake.
    """
    problems: list[str] = []
    found_roles = _each(roles, "etcd_roles", _ROLE, _role, problems)
    found_users = _each(users, "etcd_users", _USER, lambda one: _user(one, passwords), problems)
    if problems:
        raise BadInput(*problems)
    staying = [user for user in found_users if isinstance(user, User)]
    removed = {role.name for role in found_roles if not role.is_present}
    for user in staying:
        if removed & set(user.roles or ()):
            raise BadInput(f"etcd_users: {user.name} has a role that etcd_roles removes: {sorted(removed)}.")
    return Access(found_roles, staying, [one for one in found_users if isinstance(one, str)])


def _each(
    given: Any, variable: str, known: set[str], read: Callable[[Mapping[str, Any]], Any], problems: list[str]
) -> list[Any]:
    if given in (None, ""):
        return []
    if not isinstance(given, Sequence) or isinstance(given, str):
        problems.append(f"{variable} is no list.")
        return []
    found, names = [], set()
    for at, one in enumerate(given):
        name = one.get("name") if isinstance(one, Mapping) else None
        # What was given may have a password in it, and is not shown.
        if not isinstance(one, Mapping) or not isinstance(name, str) or not name:
            problems.append(f"{variable}: entry {at + 1} has no name.")
            continue
        where = f"{variable}: {name}"
        if set(one) - known:
            problems.append(
                f"{where} has {', '.join(sorted(map(str, set(one) - known)))}; known are {', '.join(sorted(known))}."
            )
            continue
        if name in names:
            problems.append(f"{where} is there twice.")
            continue
        names.add(name)
        if one.get("state", PRESENT) not in (PRESENT, ABSENT):
            problems.append(f"{where}: state is {PRESENT} or {ABSENT}.")
            continue
        try:
            found.append(read(one))
        except EtcdError as exc:
            problems += exc.texts
    return found


def _role(one: Mapping[str, Any]) -> Role:
    name, is_present = one["name"], one.get("state", PRESENT) == PRESENT
    found = permissions.listed(one.get("permissions") or [], f"etcd_roles: {name}")
    if not is_present and (found or name == "root"):
        raise BadInput(f"etcd_roles: {name} cannot be absent" + (" and have permissions." if found else "."))
    if name == "root" and found:
        raise BadInput("etcd_roles: root may do everything, and takes no permissions.")
    return Role(name, is_present, found, not _flag(one, "append", f"etcd_roles: {name}"))


def _user(one: Mapping[str, Any], passwords: Mapping[str, str]) -> User | str:
    name = str(one["name"])
    where = f"etcd_users: {name}"
    if name == attempt.USER:
        raise BadInput(f"{where} is the name of a user that the collection makes and removes itself.")
    if one.get("state", PRESENT) == ABSENT:
        if name == "root":
            raise BadInput(f"{where} cannot be absent; while authentication is off: etcdctl user delete root")
        return name
    roles = one.get("roles")
    if roles is not None and (
        not isinstance(roles, Sequence) or isinstance(roles, str) or not all(isinstance(r, str) and r for r in roles)
    ):
        raise BadInput(f"{where}: roles is a list of names.")
    append, no_password = _flag(one, "append", where), _flag(one, "no_password", where)
    if name == "root" and roles is not None and "root" not in roles and not append:
        raise BadInput(f"{where} must have the role root: roles: [root]")
    update = one.get("update_password", DIFFERENT)
    if update not in UPDATES:
        raise BadInput(f"{where}: update_password is one of {', '.join(UPDATES)}.")
    if no_password and name in passwords:
        raise BadInput(f"{where} has a password and no_password: true.")
    password = check_password(passwords[name], name) if name in passwords else None
    return User(name, password, no_password, roles, not append, update)


def _flag(one: Mapping[str, Any], name: str, where: str) -> bool:
    value = one.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(f"{where}: {name} is true or false.")
    return value
