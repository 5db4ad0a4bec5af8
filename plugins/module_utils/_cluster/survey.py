# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Asks endpoints how they are, each by itself and all at once."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_key
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View, members_of
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Holder
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

_T = t.TypeVar("_T")

#: The key by which a run that lets members write raft snapshots knows its downgrade; see C(raft_snapshots).
RENEWING = "/quorum.etcd/renewing-raft-snapshots"


def survey(endpoints: t.Sequence[str], credentials: Credentials, timeout: float, cluster: bool = False) -> list[View]:
    """What each endpoint says.

    :param timeout: seconds for each question; three to five are asked of an endpoint.
    :param cluster: ask every started member that the endpoints know of, in the order of the member list, instead.
    :raises BadInput: an endpoint, or a certificate file, is wrong.
    """
    seen = _ask_all([[endpoint] for endpoint in endpoints], credentials, timeout, endpoints)
    members = members_of(seen)
    if not cluster or not members:
        return seen
    answered = {one.status.member_id: one for one in seen if one.status}
    missing = [member for member in members if member.client_urls and member.id not in answered]
    found = _ask_all([member.client_urls for member in missing], credentials, timeout, endpoints, missing)
    answered.update(zip((member.id for member in missing), found))
    return [answered[member.id] for member in members if member.id in answered]


def ask(endpoint: str, credentials: Credentials, timeout: float, others: t.Sequence[str] = ()) -> View:
    """What one endpoint says.

    :param others: further endpoints of its cluster; a user with a password logs in there if this one is a learner.
    """
    with Client([endpoint, *others], credentials, timeout) as client:
        try:
            status = client.status(endpoint)
        except (TransportError, RpcError) as exc:
            return View(endpoint, error=_without_endpoint(exc, endpoint))
        members = _or_none(lambda: client.member_list(False, endpoint).members)
        begin = time.monotonic()
        error, holder = ("", None) if status.is_learner else _read(client, endpoint)
        took = time.monotonic() - begin
        # Alarms are read through the log, so whoever cannot read has none to tell, after a long wait.
        alarms = None if error or status.is_learner else _or_none(lambda: client.alarms(endpoint))
        renews = bool(status.downgrade and not error) and _or_none(
            lambda: client.read(RENEWING, endpoint=endpoint)["kvs"]
        )
        return View(endpoint, status, members, alarms, error, took, maintenance=holder, is_renewing=bool(renews))


def _ask_all(
    urls: t.Sequence[t.Sequence[str]],
    credentials: Credentials,
    timeout: float,
    others: t.Sequence[str],
    members: t.Sequence[ClusterMember | None] = (),
) -> list[View]:
    if not urls:
        return []
    wanted = list(members) or [None] * len(urls)
    with ThreadPoolExecutor(max_workers=len(urls)) as pool:
        return list(pool.map(lambda one, member: _first(one, member, credentials, timeout, others), urls, wanted))


def _first(
    urls: t.Sequence[str],
    member: ClusterMember | None,
    credentials: Credentials,
    timeout: float,
    others: t.Sequence[str],
) -> View:
    """What the first of a member's URLs says that leads to it: a loopback URL of another host leads elsewhere."""
    answers = []
    for url in urls:
        one = ask(url, credentials, timeout, others)
        if member is None or (one.status and one.status.member_id == member.id):
            return one
        answers.append(replace(one, status=None, error=one.error or "another member answers there."))
    return answers[0]


def _read(client: Client, endpoint: str) -> tuple[str, Holder | None]:
    """Why a linearizable read fails, or what it shows: any key would do, and need not exist."""
    try:
        return "", maintenance_key.holder_in(client.read(maintenance_key.KEY, endpoint=endpoint)["kvs"])
    except RpcError as exc:
        # The permission is checked after the quorum has agreed, so this answer is as good as the value.
        return "" if exc.name == "PermissionDenied" else _without_endpoint(exc, endpoint), None
    except TransportError as exc:
        return _without_endpoint(exc, endpoint), None


def _or_none(question: t.Callable[[], _T]) -> _T | None:
    try:
        return question()
    except (TransportError, RpcError):
        return None


def _without_endpoint(error: EtcdError, endpoint: str) -> str:
    text = str(error)
    return text[len(endpoint) + 2 :] if text.startswith(f"{endpoint}: ") else text
