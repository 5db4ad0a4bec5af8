# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Keys as they are read: one, or many in pages of one revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READ, Session, explained
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import is_compacted

_FUTURE = "required revision is a future revision"


@dataclass(frozen=True)
class Entry:
    """One key and what it holds.

    :param lease: 0 for none.
    """

    key: bytes
    value: bytes
    create_revision: int = 0
    mod_revision: int = 0
    version: int = 0
    lease: int = 0

    @classmethod
    def of(cls, found: protobuf.Message) -> Entry:
        """Read etcd's KeyValue message."""
        return cls(**found)

    def shown(self, key_encoding: str, encoding: str, with_value: bool = True) -> dict[str, Any]:
        """Return the entry as a result has it.

        :raises Refused: it is no text, and text was asked for.
        """
        name = texts.for_people(self.key)
        value = {"value": texts.to_text(self.value, encoding, f"The value of {name}")} if with_value else {}
        return {
            "key": texts.to_text(self.key, key_encoding, f"The key {name}"),
            **value,
            "create_revision": self.create_revision,
            "mod_revision": self.mod_revision,
            "version": self.version,
            "lease": texts.lease_text(self.lease),
        }


@dataclass(frozen=True)
class Question:
    """What is to be read.

    :param revision: as the keys were then; 0 for now.
    :param limit: at most so many; 0 for all.
    :param page: so many in one answer.
    :param is_linearizable: as a quorum agrees; otherwise what the member that answers has.
    """

    where: KeyRange
    revision: int = 0
    limit: int = 0
    page: int = 1000
    keys_only: bool = False
    count_only: bool = False
    is_linearizable: bool = True


@dataclass(frozen=True)
class Answer:
    """What was read.

    :param revision: of the store, and of every entry: later pages are read as of the first.
    :param count: how many keys there are in the range, whatever the limit.
    """

    revision: int
    count: int
    entries: tuple[Entry, ...]

    @property
    def more(self) -> bool:
        """Whether there are keys beyond the limit."""
        return self.count > len(self.entries)


def one(session: Session, key: bytes, wish: str = READ) -> Entry | None:
    """Return what a key holds; None where there is none.

    :param wish: what the task needs in all, for the user who may not.
    :raises Refused: the user may not read it.
    :raises EtcdError: no answer.
    """
    return next(iter(read(session, Question(KeyRange(key)), wish).entries), None)


def read(session: Session, question: Question, wish: str = READ) -> Answer:
    """Read all pages, as of one revision.

    :param wish: what the task needs in all, for the user who may not.
    :raises Refused: the user may not, the revision was compacted or lies in the future.
    :raises EtcdError: no answer.
    """
    found: list[Entry] = []
    where, revision, count = question.where, question.revision, 0
    while True:
        size = min(question.page, question.limit - len(found)) if question.limit else question.page
        with explained(session, wish, question.where):
            answer = _ask(session, question, where, revision, size)
        found += map(Entry.of, answer["kvs"])
        if where is question.where:
            revision, count = revision or answer["header"]["revision"], answer["count"]
        if question.count_only or not answer["more"] or 0 < question.limit <= len(found):
            return Answer(revision, count, tuple(found))
        where = question.where.behind(found[-1].key)


def _ask(session: Session, question: Question, where: KeyRange, revision: int, size: int) -> protobuf.Message:
    request = {
        **where.request,
        "revision": revision,
        "limit": size,
        "serializable": not question.is_linearizable,
        "keys_only": question.keys_only,
        "count_only": question.count_only,
    }
    try:
        return session.client.call("KV.Range", request)
    except RpcError as exc:
        if is_compacted(exc):
            raise compacted(revision) from exc
        if _FUTURE in exc.detail:
            raise Refused(
                f"The cluster has not reached revision {revision}.",
                "It may be that of another cluster, or of one before a restore.",
                "Leave revision out to read the present.",
                code="revision-ahead",
            ) from exc
        raise


def compacted(revision: int, oldest: int = 0) -> Refused:
    """Return why a past revision cannot be had.

    :param oldest: the first one that can, where etcd tells.
    """
    return Refused(
        f"Revision {revision} was compacted" + (f"; the oldest that is left is {oldest}." if oldest else "."),
        "What keys held then is gone, and changes since then may be missed.",
        "Read the present (leave revision out), and go on from the revision that is returned.",
        code="revision-compacted",
    )
