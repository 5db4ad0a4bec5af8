# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan: what a run does with one cluster, as it is printed and as the role walks it.

Every playbook that changes a cluster makes one of these. What is printed and what is run are the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, downgrade_acts, upgrade_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step, Wave


@dataclass(frozen=True)
class Plan:
    """The steps of a run on one cluster.

    :param summary: one sentence about what was found.
    :param waves: the steps, those of one wave side by side. Every host ends a wave before any begins the next.
    :param reversible: how many of the first waves come before the point where a failure means to roll back, or where
        the plan is made once more. 0 where there is no such point.
    :param follows: what an ordinary run does after the last wave.
    :param differences: what is not as the inventory says and no step mends.
    :param warnings: what a person should know and nothing depends on.
    :param notes: what a person should know of what was found.
    :param comes_after: the steps may follow in the same run on others that had to come first.
    :param is_first_part: others follow on them in the same run, and are planned once these are done.
    """

    summary: str
    waves: tuple[Wave, ...] = ()
    reversible: int = 0
    follows: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    comes_after: bool = False
    is_first_part: bool = False

    @property
    def steps(self) -> list[Step]:
        return [step for wave in self.waves for step in wave]

    @property
    def can_be_rehearsed(self) -> bool:
        """Do the steps presume nothing of each other, so that check mode can go through them and show every file?"""
        harmless = (acts.Install, *upgrade_acts.KINDS, *downgrade_acts.KINDS)
        return any(isinstance(step.act, acts.Update) for step in self.steps) and all(
            isinstance(step.act, harmless) or (isinstance(step.act, acts.Update) and not step.act.peer_urls)
            for step in self.steps
        )

    @property
    def looks_first(self) -> int:
        """How many of the first waves only look: check mode goes through these whatever follows on them."""
        return sum(1 for _wave in takewhile(_only_looks, self.waves))

    def text(self, cluster: str) -> str:
        """The plan for a person."""
        lines = [f"{cluster}: {self.summary}"]
        lines += [f"  {line}" for line in self._numbered]
        lines += [f"  not as the inventory says: {difference}" for difference in self.differences]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def part_of(self, host: str) -> list[dict[str, Any] | None]:
        """One host's own part, as the role walks it: its step or None for each wave.

        What several hosts do at once has one title, which the first of them announces.
        """
        announced = iter(self._numbered)
        found: list[dict[str, Any] | None] = []
        for wave in self.waves:
            texts = {title: next(announced) for title in _titles(wave)}
            own = next((step for step in wave if step.host == host), None)
            if own is None:
                found.append(None)
                continue
            first = next(step for step in wave if step.title == own.title)
            found.append({"announce": texts[own.title] if own is first else "", **own.act.to_dict()})
        return found

    @property
    def _numbered(self) -> list[str]:
        """C(step 3 of 9: start etcd-host1)."""
        titles = [title for wave in self.waves for title in _titles(wave)] + list(self.follows)
        return [f"step {number} of {len(titles)}: {title}" for number, title in enumerate(titles, 1)]


def _only_looks(wave: Wave) -> bool:
    return all(
        isinstance(step.act, acts.CompareRecords) or (isinstance(step.act, acts.AskService) and not step.act.starts)
        for step in wave
    )


def _titles(wave: Wave) -> list[str]:
    return list(dict.fromkeys(step.title for step in wave))
