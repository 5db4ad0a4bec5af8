# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether authentication is on, on every member, and how it is switched off."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._access import calls
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

#: Seconds within which all members know of a change.
SETTLED = 60.0
_POLL = 0.2


class Asker(NamedTuple):
    """Who asks a cluster, and where."""

    endpoints: Sequence[str]
    credentials: Credentials
    timeout: float

    def client(self, endpoints: Sequence[str] = ()) -> Client:
        return Client(endpoints or self.endpoints, self.credentials, self.timeout)

    def visitor(self) -> Client:
        """A client without a user."""
        return Client(self.endpoints, calls.anonymous(self.credentials), self.timeout)

    def acting_as(self, name: str, password: str) -> Asker:
        return self._replace(credentials=self.credentials._replace(username=name, password=password))


def is_on(asker: Asker) -> bool:
    with asker.visitor() as client:
        return calls.is_on(client)


def voters(asker: Asker) -> list[ClusterMember]:
    """Return the members that vote.

    :raises Refused: a gRPC proxy answers, or a member has not started.
    """
    with asker.client() as client:
        members = [one for one in client.member_list(linearizable=False).members if not one.is_learner]
    silent = [one.id for one in members if not one.client_urls]
    if silent:
        raise silent_member(", ".join(silent), "it has not started")
    return members


def silent_member(name: str, why: str) -> Refused:
    return Refused(
        f"Member {name} does not answer: {why}",
        "Whether the administrator can log in there would be known only when it is too late to go back.",
        "Start the member, or remove it: etcdctl member remove ID. Then run the same again.",
        code="member-silent",
    )


def url_of(asker: Asker, member: ClusterMember) -> str:
    """Return the client URL at which this member answers, and no other: loopback addresses lead elsewhere.

    :raises EtcdError: it answers at none.
    """
    failure: EtcdError = TransportError(member.name, "another member answers at its client URLs.")
    for url in member.client_urls:
        try:
            with asker.client([url]) as client:
                if client.status(url).member_id == member.id:
                    return url
        except EtcdError as exc:
            failure = exc
    raise failure


def may_administer(asker: Asker, member: ClusterMember) -> None:
    """See that who asks is taken for somebody with the role root by this member.

    :raises EtcdError: he is not.
    """
    url = url_of(asker, member)
    with asker.client([url]) as client:
        calls.ask(client, "UserList", endpoint=url)


def switch_off(asker: Asker, patience: float = SETTLED) -> None:
    """Switch authentication off, and repeat that until it is off.

    :raises EtcdError: it may be on.
    """
    deadline = Deadline(patience)
    while True:
        try:
            with asker.client() as client:
                calls.ask(client, "AuthDisable")
            if not is_on(asker):
                return
        except (TransportError, RpcError, Refused):
            # A call that got no answer may have been carried out.
            if _is_off(asker):
                return
            if not deadline.left():
                raise
        time.sleep(min(_POLL, deadline.left()))


def _is_off(asker: Asker) -> bool:
    try:
        return not is_on(asker)
    except EtcdError:
        return False
