# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How an act asks the other members whom they can open a new connection to, and how they answer: by keys of etcd.

The act writes its question below its nonce, and each member its report below that, all on the lease of the act's lock:
when the act ends, or its process, they are gone. A report says to which revision of the question it is the answer. What
was seen before the question was asked is not taken for an answer, and no clock is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Links
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client

_PREFIX = "/quorum.etcd/act"


@dataclass(frozen=True)
class Question:
    """An act's question.

    :param revision: of its key; another one at each time that it is asked.
    :param lease: the lease that all of it lies on.
    """

    revision: int
    lease: int


def ask(client: Client, nonce: str, lease: int) -> Question:
    """Ask all members now.

    :raises EtcdError: it could not be written.
    """
    return Question(client.put(_key(nonce), "?", lease=lease), lease)


def question(client: Client, nonce: str) -> Question | None:
    """The question that is open, None where there is none. The read is linearizable: the member that answers knows
    every change of members that was made before the question.

    :raises EtcdError: no quorum agrees on an answer.
    """
    found = client.read(_key(nonce))["kvs"]
    return Question(found[0]["mod_revision"], found[0]["lease"]) if found else None


def answer(client: Client, nonce: str, to: Question, member_id: str, reached: Mapping[str, str]) -> None:
    """Report for one member.

    :param reached: member id -> why no new connection could be opened to it, empty if it could.
    :raises EtcdError: it could not be written; the act may be over.
    """
    text = json.dumps({"to": to.revision, "reached": dict(reached)})
    client.put(f"{_key(nonce)}/{member_id}", text, lease=to.lease)


def answers(client: Client, nonce: str, to: Question) -> Links:
    """The reports that answer a question.

    :raises EtcdError: they could not be read.
    """
    prefix = f"{_key(nonce)}/"
    found = {}
    for one in client.read(prefix, prefix=True)["kvs"]:
        report = json.loads(one["value"])
        if report["to"] == to.revision:
            found[one["key"].decode()[len(prefix) :]] = report["reached"]
    return found


def _key(nonce: str) -> str:
    return f"{_PREFIX}/{nonce}"
