# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of many cases, as one table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from members import Verdict

_HEAD = ("change", "what went wrong", "cases", "runs, most", "writes", "failed", "lost", "longest stall")


@dataclass(frozen=True)
class Result:
    """One case that ended as it should: nothing that was acknowledged is lost.

    :param undisturbed: the run in which something was to go wrong came to its end all the same.
    :param runs: how often the same command was given afterwards, until nothing was left to do.
    """

    undisturbed: bool
    runs: int
    verdict: Verdict


class Ledger:
    """The cases of one session of tests, by change and by what went wrong."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], list[Result]] = defaultdict(list)

    def add(self, change: str, accident: str, result: Result) -> None:
        self._results[change, accident].append(result)

    def table(self) -> list[str]:
        """Lines of Markdown; none where there was no case."""
        if not self._results:
            return []
        rows = [_HEAD, tuple("---" for _ in _HEAD), *self._rows()]
        return [f"| {' | '.join(row)} |" for row in rows]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for (change, accident), results in self._results.items():
            verdicts = [result.verdict for result in results]
            yield (
                change,
                accident,
                str(len(results)),
                str(max(result.runs for result in results)),
                str(sum(verdict.acknowledged for verdict in verdicts)),
                str(sum(verdict.failed for verdict in verdicts)),
                "0",
                f"{max(verdict.stall for verdict in verdicts):.1f} s",
            )
