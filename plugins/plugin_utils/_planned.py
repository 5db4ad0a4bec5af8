# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What the role asks for when it plans, and the plan as its tasks walk it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan


@dataclass(frozen=True)
class Request:
    """What is planned, and out of what.

    :param arguments: the options of C(etcd_internal_plan).
    :param here: the host that asks.
    :param hostvars: of every host: the registered results are among them.
    :param path_of: turns the path of a file on the controller into an absolute one.
    :param is_check: nothing is carried out.
    :param load: reads a YAML file of the controller.
    """

    arguments: Mapping[str, Any]
    here: str
    hostvars: Mapping[str, Any]
    path_of: Callable[[str], str]
    is_check: bool = False
    load: Callable[[str], Any] = str

    @property
    def cluster(self) -> str:
        return str(self.arguments["cluster"])

    @property
    def members(self) -> Sequence[str]:
        names: Sequence[str] = self.arguments["members"]
        return names

    @property
    def batch(self) -> Sequence[str]:
        names: Sequence[str] = self.arguments["batch"]
        return names


@dataclass(frozen=True)
class Planned:
    """A plan, and what the tasks read beside it.

    :param alive: hosts that answered. The first of them prints the plan.
    :param off: hosts whose machines are off.
    :param told: what only the tasks of this goal read.
    :param table: the members for a person; empty while there are steps to take.
    :param refusal: why the run ends, although the plan is printed; empty where it goes on.
    :param is_known: whether the plan was printed before.
    """

    plan: Plan
    alive: Sequence[str]
    off: Sequence[str] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    refusal: str = ""
    is_known: bool = False

    def text(self, cluster: str) -> str:
        return "\n".join(part for part in (self.plan.text(cluster), self.table) if part)

    def to_dict(self, cluster: str, here: str) -> dict[str, Any]:
        """What C(walk.yml) and C(wave.yml) read on one host."""
        return {
            "refusal": self.refusal,
            "alive": list(self.alive),
            "off": list(self.off),
            "text": self.plan.text(cluster),
            "table": self.table,
            "differences": list(self.plan.differences),
            "waves": len(self.plan.waves),
            "reversible": self.plan.reversible,
            "steps": self.plan.part_of(here),
            # Alike on all hosts, which walk them together.
            "tasks": [wave[0].act.task for wave in self.plan.waves],
            "has_tasks": False,
            "has_reports": any(getattr(step.act, "witnesses", {}) for step in self.plan.steps),
            **self.told,
        }
