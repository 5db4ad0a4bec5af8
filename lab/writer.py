# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A continuous writer, and the proof that nothing it was promised is lost.

It writes one new key after the other, each with a value of its own, and records each acknowledged write before the
next. Like etcd's own client it takes the endpoints in turn, gives each a short time, and tries the next; writing the
same key again is harmless. Afterwards the record is compared with what the cluster holds.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import TextIO

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client

#: Seconds that one endpoint has for one write.
ATTEMPT = 0.5
#: Seconds after which a client would give up a write.
PATIENCE = 5.0
#: Seconds for which an endpoint that failed is tried last: what gRPC waits before it connects again.
REST = 1.0
#: Seconds between two writes, and between two attempts at one.
PAUSE = 0.01

#: Writes a value by way of one endpoint, and returns the revision it got or raises EtcdError: endpoint, key, value.
Put = Callable[[str, str, str], int]


@dataclass
class Endpoints:
    """Whose turn it is: one endpoint after the other, and those that failed lately last."""

    texts: Sequence[str]
    _turns: int = 0
    _rest_until: dict[str, float] = field(default_factory=dict)

    def in_turn(self, now: float) -> list[str]:
        """All endpoints in the order in which to try them."""
        start = self._turns % len(self.texts)
        self._turns += 1
        ordered = [*self.texts[start:], *self.texts[:start]]
        return sorted(ordered, key=lambda text: now < self._rest_until.get(text, now))

    def failed(self, text: str, now: float) -> None:
        """An endpoint did not acknowledge a write."""
        self._rest_until[text] = now + REST


@dataclass
class Writer:
    """Writes until told to stop.

    :param record: takes one JSON object a line, flushed line by line.
    :param run: what makes the keys of this run unlike those of any other.
    :param clock: seconds that only go forward.
    """

    put: Put
    endpoints: Endpoints
    record: TextIO
    run: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def write_until(self, done: Callable[[float], bool]) -> None:
        """Write until C(done), which is given the seconds since the beginning.

        :raises BadInput: an endpoint is malformed, or a certificate cannot be read.
        """
        begun = self.clock()
        self._note({"run": self.run, "begun": begun})
        for number in count():
            if done(self.clock() - begun):
                break
            key, value = f"{self.run}/{number:09}", f"{number} of {self.run}"
            failures: list[str] = []
            revision = self._write(key, value, failures)
            outcome = "acknowledged" if revision else "failed"
            seconds = self.clock() - begun
            written = {"key": key, "value": value, "revision": revision}
            self._note({**written, "outcome": outcome, "seconds": seconds, "failures": failures})
            self.sleep(PAUSE)
        self._note({"ended": self.clock() - begun})

    def _write(self, key: str, value: str, failures: list[str]) -> int:
        """The revision with which the cluster acknowledged the write, 0 if a client's patience ended before."""
        deadline = self.clock() + PATIENCE
        while True:
            for endpoint in self.endpoints.in_turn(self.clock()):
                try:
                    return self.put(endpoint, key, value)
                except BadInput:
                    raise
                except EtcdError as problem:
                    failures.append(str(problem))
                    self.endpoints.failed(endpoint, self.clock())
                if self.clock() >= deadline:
                    return 0
                self.sleep(PAUSE)

    def _note(self, line: Mapping[str, object]) -> None:
        self.record.write(json.dumps(line) + "\n")
        self.record.flush()


@dataclass(frozen=True)
class Verdict:
    """What became of the writes of a run.

    :param lost: keys that were acknowledged, and are missing or hold something else.
    :param retried: attempts that failed.
    :param stall: the longest time without an acknowledged write, in seconds.
    """

    acknowledged: int
    failed: int
    retried: int
    stall: float
    lost: Sequence[str]

    def __str__(self) -> str:
        figures = (
            f"acknowledged: {self.acknowledged}\nfailed: {self.failed}\nretried: {self.retried}\n"
            f"longest stall: {self.stall:.3f} s\n"
        )
        if self.lost:
            return f"{figures}verdict: {len(self.lost)} acknowledged lost: {', '.join(self.lost[:5])}"
        return f"{figures}verdict: no acknowledged write is lost"


def run_of(record: Iterable[str]) -> str:
    """The run of which this is the record.

    :raises BadInput: it is no record.
    """
    for line in record:
        run = json.loads(line).get("run")
        if isinstance(run, str):
            return run
        break
    raise BadInput("The record does not begin with its run: give the file that the writer wrote.")


def judge(record: Iterable[str], held: Mapping[str, str], up_to: int | None = None) -> Verdict:
    """Compare a record with what the cluster holds.

    :param up_to: what was acknowledged at a later revision is not asked for: that of a snapshot, after its restore.

    A write that failed may be there or not: nothing was promised. A record that breaks off was left by a writer that
    was killed, and its last line may be half a line.
    """
    acknowledged: dict[str, str] = {}
    failed = retried = 0
    times = [0.0]
    for text in record:
        if not text.endswith("\n"):
            break
        line = json.loads(text)
        if "ended" in line:
            times.append(line["ended"])
        if "outcome" not in line:
            continue
        if up_to is not None and line["revision"] > up_to:
            break
        retried += len(line["failures"])
        if line["outcome"] == "acknowledged":
            acknowledged[line["key"]] = line["value"]
            times.append(line["seconds"])
        else:
            failed += 1
    return Verdict(
        acknowledged=len(acknowledged),
        failed=failed,
        retried=retried,
        stall=max((later - earlier for earlier, later in pairwise(times)), default=0.0),
        lost=[key for key, value in acknowledged.items() if held.get(key) != value],
    )


def write(client: Client, record: Path, done: Callable[[float], bool]) -> None:
    """Write by way of a client's endpoints until C(done), which is given the seconds since the beginning.

    :param record: a file that does not exist yet.
    """

    def put(endpoint: str, key: str, value: str) -> int:
        # Asked for one endpoint, the client tries nothing a second time.
        written = {"key": key.encode(), "value": value.encode()}
        return int(client.call("KV.Put", written, endpoint=endpoint, timeout=ATTEMPT)["header"]["revision"])

    with record.open("x", encoding="utf-8") as file:
        run = f"/quorum-writer/{secrets.token_hex(4)}"
        Writer(put, Endpoints(client.endpoints), file, run).write_until(done)


def verify(client: Client, record: Path, up_to: int | None = None) -> Verdict:
    """Compare a record with what a quorum of the cluster holds, see C(judge).

    :raises BadInput: the file is no record.
    :raises TransportError, RpcError: no endpoint answers.
    """
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    found = client.read(f"{run_of(lines)}/", prefix=True)["kvs"]
    return judge(lines, {pair["key"].decode(): pair["value"].decode() for pair in found}, up_to)
