# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Who asks etcd for keys, and in plain words why etcd does not let them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

READ, WRITE, READWRITE = "read", "write", "readwrite"

# etcd's texts (api/v3rpc/rpctypes/error.go); 3.4 has the second with another beginning.
_DENIED = "permission denied"
_NOBODY = "user name is empty"


class Session(NamedTuple):
    """A client, and who it is."""

    client: Client
    credentials: Credentials

    @property
    def user(self) -> str:
        """Who asks, for the beginning of a sentence."""
        if self.credentials.username:
            return f"User {self.credentials.username}"
        if self.credentials.client_cert:
            return f"The user that the certificate {self.credentials.client_cert} names by its CN"
        return "Nobody (the task names no user)"

    def roles(self) -> list[tuple[str, str]]:
        """Return the user's own roles and what each may do, as far as etcd tells; a user may ask for its own."""
        with contextlib.suppress(EtcdError):
            if self.credentials.username:
                names = self.client.call("Auth.UserGet", {"name": self.credentials.username})["roles"]
                return [(name, self._permissions(name)) for name in names]
        return []

    def _permissions(self, role: str) -> str:
        granted = self.client.call("Auth.RoleGet", {"role": role})["perm"]
        return ", ".join(map(_permission, granted)) or "nothing"


def _permission(granted: protobuf.Message) -> str:
    return f"{granted['permType'].lower()} {KeyRange(granted['key'], granted['range_end'])}"


def may_pass(error: TransportError | RpcError) -> bool:
    """Whether what ended a read may be over at the next try, such as an election or a member that restarts."""
    return isinstance(error, TransportError) or error.name in ("Unavailable", "Canceled") or outcome_unknown(error)


@contextlib.contextmanager
def explained(session: Session, wish: str, where: KeyRange) -> Iterator[None]:
    """Turn etcd's refusal of a user into one that names user, key and the role needed.

    :param wish: what the user must be allowed: ``read``, ``write`` or ``readwrite``.
    """
    try:
        yield
    except RpcError as exc:
        raise why(session, wish, where, exc.detail) or exc from exc


def why(session: Session, wish: str, where: KeyRange, detail: str) -> Refused | None:
    """Return the refusal that etcd's text stands for; None where it is no matter of users."""
    if _DENIED in detail:
        return _denied(session, wish, where)
    if _NOBODY in detail:
        return Refused(
            "Authentication is on in this cluster, and the task names no user.",
            "etcd answers only users that it knows.",
            "Give username and password, or client_cert and client_key with the user's name as CN.",
            code="login-needed",
        )
    return None


def _denied(session: Session, wish: str, where: KeyRange) -> Refused:
    roles = session.roles()
    has = "; ".join(f"{name} ({may})" for name, may in roles)
    return Refused(
        f"{session.user} lacks the permission {wish} for {where}." + (f" Its roles: {has}." if has else ""),
        "etcd carries out nothing of the request.",
        f"As root, give a role of the user that permission: {_grant(roles, wish, where)}",
        code="permission-denied",
    )


def _grant(roles: list[tuple[str, str]], wish: str, where: KeyRange) -> str:
    role = roles[0][0] if roles else "ROLE"
    first = where.first.decode("utf-8", "backslashreplace")
    if where.end and where == KeyRange.beginning_with(where.first):
        return f"etcdctl role grant-permission {role} {wish} --prefix=true '{first}'"
    if where.end:
        return f"etcdctl role grant-permission {role} {wish} --prefix=true ''"
    return f"etcdctl role grant-permission {role} {wish} '{first}'"
