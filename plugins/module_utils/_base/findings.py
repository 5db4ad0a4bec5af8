# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Collects what several checks find, so that one refusal names all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable, TypeVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Problem, Refused

_T = TypeVar("_T")


class Findings:
    """The errors of checks that do not depend on each other, in the order in which they were run."""

    def __init__(self) -> None:
        self._errors: list[EtcdError] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every problem once, as one text."""
        return tuple(problem.text for problem in self._problems)

    @property
    def _problems(self) -> tuple[Problem, ...]:
        return tuple({problem.text: problem for exc in self._errors for problem in exc.problems}.values())

    def run(self, check: Callable[..., _T], *arguments: object) -> _T | None:
        """Run a check and keep its error.

        :returns: what the check returns; None if it failed.
        """
        try:
            return check(*arguments)
        except EtcdError as exc:
            self._errors.append(exc)
            return None

    def add(self, other: Findings) -> None:
        """Take over what others found."""
        self._errors += other._errors

    def refuse(self, refusals: Iterable[Refused]) -> None:
        """Add refusals that a check returns instead of raising the first one."""
        self._errors += refusals

    def end(self) -> None:
        """Raise what was found: a single error as it is, several as one with all their texts.

        :raises BadInput: only input is wrong.
        :raises Refused: a check refused.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if not self:
            return
        if all(isinstance(exc, BadInput) for exc in self._errors):
            raise BadInput(*self.texts)
        raise Refused.several(self._problems)
