# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's calls about users, roles and authentication, in the words of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible_collections.quorum.etcd.plugins.module_utils._access.permissions import Permission
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    HostError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._formats.certificate import common_name
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

_T = TypeVar("_T")

ROOT = "root"

# etcd's texts (api/v3rpc/rpctypes/error.go, server/auth/store.go).
_OFF = "authentication is not enabled"
_NO_PASSWORD = "password was given for no password user"
_WRONG = "authentication failed"
_NOBODY = "user name is empty"
_DENIED = "permission denied"
_NO_USER, _NO_ROLE = "user name not found", "role name not found"

#: What a login tells.
RIGHT, WRONG, NO_PASSWORD, OFF = "right", "wrong", "no-password", "off"


def ask(client: Client, method: str, request: Mapping[str, Any] | None = None, endpoint: str | None = None) -> Any:
    """Make a call that may be made again.

    :raises Refused: etcd does not know who asks, or he has not the role root.
    """
    try:
        return client.call(f"Auth.{method}", request, endpoint=endpoint)
    except RpcError as exc:
        raise _explained(exc) from exc


def change(client: Client, method: str, request: Mapping[str, Any], is_done: Callable[[], bool]) -> None:
    """Make a call that changes something. Where its outcome is unknown, look.

    :raises EtcdError: it was not done, or it is not known whether it was.
    """
    try:
        client.call(f"Auth.{method}", request)
    except (TransportError, RpcError) as exc:
        if not outcome_unknown(exc):
            raise (_explained(exc) if isinstance(exc, RpcError) else exc) from exc
        try:
            done = is_done()
        except EtcdError:
            raise exc from None
        if not done:
            raise


def users(client: Client) -> list[str]:
    return sorted(ask(client, "UserList")["users"])


def roles(client: Client) -> list[str]:
    return sorted(ask(client, "RoleList")["roles"])


def roles_of(client: Client, user: str) -> list[str] | None:
    """Return the roles of a user; None without such a user."""
    return _unless(_NO_USER, lambda: [*map(str, sorted(ask(client, "UserGet", {"name": user})["roles"]))])


def permissions_of(client: Client, role: str) -> list[Permission] | None:
    """Return what a role may do, with what is there twice; None without such a role."""
    return _unless(
        _NO_ROLE, lambda: [Permission.of_answer(one) for one in ask(client, "RoleGet", {"role": role})["perm"]]
    )


def login(client: Client, user: str, password: str, endpoint: str | None = None) -> str:
    """Try to log in, and return what that tells. Nothing of it is kept.

    :param client: one that logs in by itself would log in twice; give one without a user.
    """
    try:
        client.call("Auth.Authenticate", {"name": user, "password": password}, endpoint=endpoint)
    except RpcError as exc:
        for text, told in ((_OFF, OFF), (_NO_PASSWORD, NO_PASSWORD), (_WRONG, WRONG)):
            if text in exc.detail:
                return told
        raise
    return RIGHT


def is_on(client: Client, endpoint: str | None = None) -> bool:
    """Return whether authentication is on, as the member that answers knows after it has heard a quorum.

    The login of a user without a name tells it in every version, whoever asks: AuthStatus is missing in 3.4, and before
    3.7 only root may ask. An answer that is neither of etcd's two texts is an error and no state.
    """
    return login(client, "", "", endpoint) != OFF


def is_stranger(error: EtcdError) -> bool:
    """Whether etcd has refused a request because of who made it, and not because it cannot answer now."""
    if isinstance(error, Refused):
        return error.code in ("login-needed", "permission-denied")
    texts = (_NOBODY, _DENIED, _WRONG)
    return isinstance(error, RpcError) and any(text in error.detail for text in texts)


def anonymous(credentials: Credentials) -> Credentials:
    """Return what a connection needs, without the user that would log in over it."""
    return credentials._replace(username=None, password=None)


def identity(credentials: Credentials) -> str:
    """Return the user whom etcd takes the client for; empty where it is nobody. A login goes before a certificate.

    :raises HostError: the certificate cannot be read.
    """
    if credentials.username:
        return credentials.username
    if not credentials.client_cert:
        return ""
    try:
        with open(credentials.client_cert, encoding="utf-8", errors="replace") as stream:
            return common_name(stream.read())
    except OSError as exc:
        raise HostError(f"{credentials.client_cert} cannot be read: {exc.strerror}.") from exc


def _unless(text: str, question: Callable[[], _T]) -> _T | None:
    try:
        return question()
    except RpcError as exc:
        if text in exc.detail:
            return None
        raise


def _explained(error: RpcError) -> EtcdError:
    if _NOBODY in error.detail:
        return Refused(
            f"{error.endpoint}: authentication is on, and the request names no user.",
            "etcd lets only users with the role root see and change users and roles.",
            "Give username and password, or client_cert and client_key with the user's name as CN.",
            code="login-needed",
        )
    if _DENIED in error.detail:
        return Refused(
            f"{error.endpoint}: the user of this request has not the role root.",
            "etcd lets only users with the role root see and change users and roles.",
            "Log in as root, or let root say: etcdctl user grant-role USER root",
            code="permission-denied",
        )
    return error
