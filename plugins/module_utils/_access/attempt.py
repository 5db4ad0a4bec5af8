# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Switch authentication on as an attempt with a way back.

Whether the administrator can log in is known only once authentication is on: etcd compares no password before, and
takes the name of a certificate only on a member with client-cert-auth. So there is a second user with the role root
while it is tried. Its password follows from a secret of the administrator, and is kept nowhere: a run that was
interrupted anywhere is followed by one that knows it, and goes on or back. It follows from nothing else, for a member
of etcd 3.7 that lets nobody in does not tell its cluster either.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import authentication, calls
from ansible_collections.quorum.etcd.plugins.module_utils._access.authentication import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    HostError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

#: The second user.
USER = "quorum.etcd-attempt"
#: Who has this key tries, and nobody else does.
KEY = b"/quorum.etcd/authentication"

# Seconds. The key outlives whatever an attempt waits for, and is gone by itself.
_LEASE = 300
# All members have applied what a quorum has agreed on, or are slower than is well.
_PROVEN = 15.0
_POLL = 0.2

_LEFT_ON = "auth-left-on"


def enable(asker: Asker, check: bool) -> bool:
    """Have authentication on, with every member letting the administrator in.

    :returns: whether that was to be done.
    :raises Refused: it would shut the administrator out, or did and was switched off again.
    """
    if authentication.is_on(asker):
        return _finish(asker, check)
    _check_identity(asker)
    members = authentication.voters(asker)
    for member in members:
        _check_answer(asker, member)
    with asker.client() as client:
        _check_root(client, calls.identity(asker.credentials))
        if check:
            return True
        with _alone(client):
            second = _second(asker)
            _make_second(client, second)
            try:
                is_clear = _switch_on(asker)
            except RpcError as exc:
                if not outcome_unknown(exc):
                    _remove_second(client)
                raise
            try:
                _prove(asker, second)
            except Refused as exc:
                # A request without an answer may still be on its way: then the way back stays, for the next run.
                if is_clear and exc.code != _LEFT_ON:
                    _remove_second(client)
                raise
            _remove_second(client)
    return True


def disable(asker: Asker, check: bool) -> bool:
    """Have authentication off. Users and roles stay.

    :returns: whether that was to be done.
    """
    authentication.voters(asker)
    if not authentication.is_on(asker):
        with asker.client() as client:
            return _tidy(client, check)
    with asker.client() as client:
        calls.ask(client, "UserList")
        if not check:
            authentication.switch_off(asker)
            _tidy(client, check)
    return True


def leftover(client: Client) -> bool:
    """Return whether an attempt was interrupted."""
    return USER in calls.users(client)


def _finish(asker: Asker, check: bool) -> bool:
    """What is left to do where it is on: nothing, or the rest of an attempt that was interrupted."""
    try:
        with asker.client() as client:
            is_left = leftover(client)
    except (RpcError, Refused) as exc:
        if not calls.is_stranger(exc) or check or not _back(asker):
            raise
        raise _shut_out(f"a run that was interrupted had switched it on, and {exc}") from exc
    if is_left and not check:
        members = authentication.voters(asker)
        for member in members:
            _check_answer(asker, member)
        _prove_on(asker, members, _second(asker))
        with asker.client() as client:
            _remove_second(client)
    return is_left


def _back(asker: Asker) -> bool:
    """Switch it off as the second user, if there is one whose password this administrator knows."""
    second = _second(asker)
    with asker.visitor() as visitor:
        if calls.login(visitor, USER, second.credentials.password or "") != calls.RIGHT:
            return False
    authentication.switch_off(second)
    with asker.visitor() as visitor:
        _remove_second(visitor)
    return True


def _tidy(client: Client, check: bool) -> bool:
    """Remove what an attempt has left behind, while authentication is off."""
    if not leftover(client):
        return False
    if not check:
        _remove_second(client)
    return True


def _check_identity(asker: Asker) -> None:
    own = asker.credentials
    if not calls.identity(own):
        raise Refused(
            "Authentication would be switched on by a client that names no user.",
            "etcd would answer it nothing any more, and it could not go back.",
            "Give client_cert and client_key with the CN root, or username: root and its password.",
            code="would-lock-out",
        )
    if own.username and not own.password:
        raise Refused(
            f"Authentication would be switched on by {own.username} without a password.",
            "etcd lets nobody in with an empty one.",
            "Give its password, or client_cert and client_key with the CN root.",
            code="would-lock-out",
        )


def _check_root(client: Client, identity: str) -> None:
    has = calls.roles_of(client, calls.ROOT)
    if has is None or calls.ROOT not in has:
        raise Refused(
            "There is no user root with the role root." if has is None else "The user root has not the role root.",
            "etcd would refuse, or nobody could change anything any more.",
            "Make it first: etcd_role with name: root, then etcd_user with name: root and roles: [root]",
            code="no-root",
        )
    own = has if identity == calls.ROOT else calls.roles_of(client, identity)
    if own is None or calls.ROOT not in own:
        raise Refused(
            f"The user {identity}, as whom this client would log in, "
            + ("has not the role root." if own else "is not there."),
            "Once authentication is on it could neither prove that root can log in nor switch it off again.",
            "Give client_cert and client_key with the CN root, or username: root and its password.",
            code="would-lock-out",
        )


def _check_answer(asker: Asker, member: ClusterMember) -> None:
    try:
        authentication.url_of(asker, member)
    except EtcdError as exc:
        raise authentication.silent_member(member.name or member.id, str(exc)) from exc


@contextlib.contextmanager
def _alone(client: Client) -> Iterator[None]:
    """Hold the key of an attempt.

    :raises Refused: another run has it.
    """
    lease = client.lease_grant(_LEASE)["lease"]
    try:
        missing = {"key": KEY, "target": "CREATE", "result": "EQUAL", "create_revision": 0}
        put = {"request_put": {"key": KEY, "value": b"", "lease": lease}}
        if not client.txn([missing], [put])["succeeded"]:
            raise Refused(
                "Another run switches authentication on, or was interrupted by now.",
                "Two would remove each other's way back.",
                f"Run the same again once it has ended. The key of a run that is gone is gone after {_LEASE} seconds.",
                code="auth-attempted",
            )
        yield
    finally:
        # It ends by itself where nobody lets us in any more.
        with contextlib.suppress(EtcdError):
            client.lease_revoke(lease)


def _second(asker: Asker) -> Asker:
    return asker.acting_as(USER, _password(asker.credentials))


def _password(credentials: Credentials) -> str:
    """Return the second user's password: whoever is the administrator knows it, in each run.

    :raises HostError: the administrator's key cannot be read.
    """
    secret = (credentials.password or "").encode()
    if not credentials.username and credentials.client_cert:
        path = credentials.client_key or credentials.client_cert
        try:
            with open(path, "rb") as stream:
                secret = stream.read()
        except OSError as exc:
            raise HostError(f"{path} cannot be read: {exc.strerror}.") from exc
    # Without a secret nobody could guess it, not even the next run.
    return hmac.new(secret or secrets.token_bytes(), b"quorum.etcd authentication", hashlib.sha256).hexdigest()


def _make_second(client: Client, second: Asker) -> None:
    """Have the second user with its password, whatever an earlier attempt has left."""
    _remove_second(client)
    request: dict[str, Any] = {"name": USER, "password": second.credentials.password}
    calls.change(client, "UserAdd", request, lambda: leftover(client))
    calls.change(
        client,
        "UserGrantRole",
        {"user": USER, "role": calls.ROOT},
        lambda: calls.ROOT in (calls.roles_of(client, USER) or ()),
    )


def _remove_second(client: Client) -> None:
    if leftover(client):
        calls.change(client, "UserDelete", {"name": USER}, lambda: not leftover(client))


def _switch_on(asker: Asker) -> bool:
    """Switch it on, and repeat that until it is acknowledged or seen.

    :returns: whether each request had an answer, so that none can switch it on later.
    :raises EtcdError: it may be on, or etcd refuses.
    """
    deadline, is_clear = Deadline(authentication.SETTLED), True
    while True:
        try:
            with asker.visitor() as client:
                client.call("Auth.AuthEnable")
            return is_clear
        except (TransportError, RpcError) as exc:
            is_clear = is_clear and not outcome_unknown(exc)
            if calls.is_stranger(exc):
                return is_clear
            if not deadline.left() or (isinstance(exc, RpcError) and exc.name == "FailedPrecondition"):
                raise
        time.sleep(_POLL)


def _prove(asker: Asker, second: Asker) -> None:
    try:
        members = authentication.voters(second)
    except EtcdError as exc:
        _go_back(second, str(exc))
        raise _shut_out(str(exc)) from exc
    _prove_on(asker, members, second)


def _prove_on(asker: Asker, members: list[ClusterMember], second: Asker) -> None:
    """See that every member lets the administrator in, or switch it off.

    :raises Refused: one does not.
    """
    deadline = Deadline(_PROVEN)
    for member in members:
        while True:
            try:
                authentication.may_administer(asker, member)
                break
            except EtcdError as exc:
                if not deadline.left():
                    _go_back(second, str(exc))
                    raise _shut_out(f"{member.name}: {exc}") from exc
            time.sleep(_POLL)


def _go_back(second: Asker, why: str) -> None:
    """Switch it off again.

    :raises Refused: that was not possible.
    """
    try:
        authentication.switch_off(second)
    except EtcdError as exc:
        raise Refused(
            f"Authentication may be on, and this client cannot log in everywhere ({why}). It could not be switched off "
            f"again within {authentication.SETTLED:g} seconds: {exc}",
            "Clients that do not log in are refused.",
            "Run the same again with the same certificate or password: it knows the user by which it is switched off.",
            code="auth-left-on",
        ) from exc


def _shut_out(why: str) -> Refused:
    return Refused(
        f"The administrator could not log in once authentication was on: {why}",
        "Nobody could have changed anything any more, so it was switched off again.",
        "With a certificate its CN must be root, and every member must run with client-cert-auth: true. A password is "
        "set anew while authentication is off: etcdctl user passwd root",
        code="would-lock-out",
    )
