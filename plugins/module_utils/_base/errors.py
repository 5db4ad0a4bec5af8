# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What can go wrong, as one small tree. Libraries raise; only the edge of a module or an action reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

#: The remedy of whoever found something else than what the plan was made for.
AGAIN = "Run the same command again: it looks again and goes on from what it finds."


# What a sentence ends with, be it before a closing bracket or quotation mark.
_ENDS = re.compile(r"[.!?:;][)\]'\"]?$")


def sentences(*texts: str) -> str:
    """Join texts, each of which may lack its full stop. The last one stays as it is: it may end with a command."""
    given = [text.strip() for text in texts if text.strip()]
    return " ".join([*map(_ended, given[:-1]), *given[-1:]])


def _ended(text: str) -> str:
    return text if _ENDS.search(text) else f"{text}."


class Problem(NamedTuple):
    """What stands in the way of a run.

    :param found: what was found.
    :param why: why going on would be dangerous; empty where C(found) says it all.
    :param safe: the command or setting that is safe; empty likewise.
    :param code: what kind of refusal it is, for programs: an anchor of C(docs/refusals.md). Empty for what is none.
    """

    found: str
    why: str = ""
    safe: str = ""
    code: str = ""

    @property
    def text(self) -> str:
        return sentences(self.found, self.why, self.safe)


def explained(problems: Iterable[Problem]) -> str:
    """Problems for a person: what was found, and on lines of their own why that is dangerous, what is safe, and where
    more is said of it."""
    lines = []
    for problem in problems:
        found = problem.found.strip()
        if not problem.why and not problem.safe:
            lines.append(found)
            continue
        page = f"docs/refusals.md#{problem.code}" if problem.code else ""
        labelled = (("why ", problem.why), ("safe", problem.safe), ("see ", page))
        lines += [_ended(found), *(f"  {label}  {text}" for label, text in labelled if text)]
    return "\n".join(lines)


class EtcdError(Exception):
    """Parent of every error this collection raises on purpose. Its text is one sentence a person can act on."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each problem by itself."""
        return (Problem(str(self)),)

    @property
    def texts(self) -> tuple[str, ...]:
        """Each problem as one text."""
        return tuple(problem.text for problem in self.problems)

    @property
    def refusals(self) -> list[dict[str, str]]:
        """Each problem for a program, with C(found), C(why), C(safe) and C(code). Empty where nothing was refused."""
        return [problem._asdict() for problem in self.problems if problem.code]

    @property
    def failure(self) -> dict[str, Any]:
        """What a module or an action that fails with this returns."""
        return {"msg": str(self), **({"refusals": self.refusals} if self.refusals else {})}


class BadInput(EtcdError):
    """The inventory, a setting or an option is wrong. Raised before anything is touched.

    :param problems: each of them.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self._problems = problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(Problem(text, code="bad-input") for text in self._problems)


class Refused(EtcdError):
    """An act that would be dangerous in the state that was found.

    :param found: what was found, with the host or endpoint it was found on.
    :param danger: why going on would be dangerous.
    :param remedy: the exact command or setting that is safe.
    :param code: its kind, an anchor of C(docs/refusals.md) that never changes.
    """

    def __init__(self, found: str, danger: str, remedy: str, *, code: str) -> None:
        super().__init__(sentences(found, danger, remedy))
        self.found = found
        self.danger = danger
        self.remedy = remedy
        self.code = code
        self._problems: tuple[Problem, ...] = (Problem(found, danger, remedy, code),)

    @classmethod
    def several(cls, problems: Sequence[Problem]) -> Refused:
        """One refusal for several problems, one a line."""
        refused = cls("\n".join(problem.text for problem in problems), "", "", code=problems[0].code)
        refused._problems = tuple(problems)
        return refused

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems


class HostError(EtcdError):
    """The host itself would not do it: a file, a unit, a process, a download."""


class TransportError(EtcdError):
    """No answer could be had from an endpoint: name, address, TLS or connection.

    :param endpoint: the endpoint as the caller wrote it, for example C(https://10.0.0.1:2379).
    :param message: what happened there, and what to do about it.
    :param sent: whether the request may have reached etcd, so that repeating a write is not safe.
    """

    def __init__(self, endpoint: str, message: str, sent: bool = False) -> None:
        super().__init__(f"{endpoint}: {message}")
        self.endpoint = endpoint
        self.message = message
        self.sent = sent


class NoAnswer(TransportError):
    """Every endpoint that could be asked failed.

    :param failures: what happened at each, in the order in which they were asked.
    """

    def __init__(self, failures: tuple[EtcdError, ...]) -> None:
        self.failures = failures
        endpoints = [failure.endpoint for failure in failures if isinstance(failure, (TransportError, RpcError))]
        sent = any(isinstance(failure, TransportError) and failure.sent for failure in failures)
        super().__init__(", ".join(endpoints), f"none of {len(failures)} endpoints answered", sent)

    def __str__(self) -> str:
        return f"{self.message}. " + " ".join(map(str, self.failures))


class WireError(EtcdError):
    """Bytes that break the rules of HTTP/2, HPACK, gRPC or protobuf. Says what is wrong, not where they came from."""


class RpcError(EtcdError):
    """etcd answered a call with an error.

    :param endpoint: the endpoint that answered.
    :param call: the gRPC method, for example C(Cluster.MemberList).
    :param code: the gRPC status code (https://grpc.io/docs/guides/status-codes/).
    :param name: the name of that code, for example C(Unavailable).
    :param detail: etcd's own text.
    """

    def __init__(self, endpoint: str, call: str, code: int, name: str, detail: str) -> None:
        super().__init__(f"{endpoint}: {call}: {name}: {detail}")
        self.endpoint = endpoint
        self.call = call
        self.code = code
        self.name = name
        self.detail = detail
