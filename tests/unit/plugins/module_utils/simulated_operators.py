# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator who wants a release on all members, gives a command for it, and does what its refusals say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from ansible_collections.quorum.etcd.plugins.module_utils._plan.downgrade import Wish
from simulated import Broken, Inventory
from simulated_versions import NEWEST, Releases, VersionedRun

#: How many times an operator gives the command before the advice counts as a circle.
PATIENCE = 16

_COMMAND = re.compile(
    r"(?P<back>etcd_downgrade_to=3\.(?P<to>\d))|(?P<cancels>etcd_downgrade_cancel=true)"
    r"|(?:quorum\.etcd\.etcd -i INVENTORY )?-e etcd_version=(?P<version>3\.\d+\.(?:\d+|Z)|)(?![^\s.,;:)])"
    r"|(?P<unset>Leave etcd_version unset|Stay with etcd 3\.5\.)"
    r"|(?P<out>take (?:it|this member) out \(etcd_member_state: absent)"
    r"|(?P<keys>snapshot-count: 10)"
)
_HOST = re.compile(r"etcd-host\d")


@dataclass(frozen=True)
class Command:
    """What an operator types.

    :param version: C(etcd_version); empty where it is unset.
    :param to: the minor to which a downgrade is to lead; 0 for an ordinary run.
    :param cancels: a downgrade is to be cancelled.
    """

    version: str = ""
    to: int = 0
    cancels: bool = False

    @property
    def is_ordinary(self) -> bool:
        return not (self.to or self.cancels)

    def __str__(self) -> str:
        if self.cancels:
            return "downgrade.yml -e etcd_downgrade_cancel=true"
        if self.to:
            return f"downgrade.yml -e etcd_downgrade_to=3.{self.to}"
        return f"etcd.yml -e etcd_version={self.version}"

    def run(self, world: Releases, inventory: Inventory) -> VersionedRun:
        world.story.append(f"$ {self}")
        wish = None if self.is_ordinary else Wish(f"3.{self.to}" if self.to else "", self.cancels)
        return VersionedRun(world, replace(inventory, version=self.version), wish)


@dataclass
class Operator:
    """Who brings a cluster to its end.

    :param wants: the command that is given again and again.
    """

    world: Releases
    inventory: Inventory
    wants: Command
    _tried: set[tuple[str, str]] = field(default_factory=set)

    def bring_to_its_end(self) -> None:
        """Give the command until nothing is left to do; where it is refused, first do what the refusal says."""
        said: list[str] = []
        for _command in range(PATIENCE):
            run = self._give(self.wants)
            told = run.said or (" ".join(run.plan.differences) if run.plan else "")
            acted = run.plan is not None and bool(run.plan.waves)
            if not acted and not told:
                return
            given = f"{self.wants}: {told}"
            if (not acted or (told and given in said)) and not self._follow(told):
                raise Broken(self._story(f"a refusal without a way on: {told}"))
            said.append(given)
        raise Broken(self._story("advice in a circle: " + "\n".join(said[-4:])))

    def _story(self, what: str) -> str:
        return f"{what}\n" + "\n".join(self.world.story[-80:])

    def _give(self, command: Command, inventory: Inventory | None = None) -> VersionedRun:
        run = command.run(self.world, inventory or self.inventory).finish()
        self.world.passes()
        if run.said:
            self.world.story.append(f"  {run.said}")
        return run

    def _follow(self, told: str) -> bool:
        """Do what a refusal names: of several ways the first that is not what was refused, and has not been tried.

        :returns: whether it names one, be it the same command again.
        """
        ways = [(way, list(self._named(way))) for way in re.split(r"; or |\. Or |\. If ", told)]
        ways = [(way, commands) for way, commands in ways if commands and commands != [self.wants]]
        for way, commands in sorted(ways, key=lambda one: (told, one[0]) in self._tried):
            self._tried.add((told, way))
            for command in commands:
                if isinstance(command, Command) and command != commands[-1]:
                    self._give(command)
                elif isinstance(command, Command) and not command.cancels:
                    # What is asked for instead.
                    self.wants = command
                elif isinstance(command, Command):
                    self._give(command)
                else:
                    self._do(command, told)
            return True
        return "gain" in told

    def _named(self, way: str) -> Iterator[Command | str]:
        for found in _COMMAND.finditer(way):
            if found["back"]:
                yield Command(to=int(found["to"]))
            elif found["cancels"]:
                yield Command(cancels=True)
            elif found["unset"]:
                yield Command()
            elif found["out"] or found["keys"]:
                yield found[0]
            elif found["version"].endswith("Z"):
                yield Command(NEWEST[minor(found["version"].replace("Z", "0"))])
            else:
                yield Command(found["version"])

    def _do(self, what: str, told: str) -> None:
        """What is no command: with which host is told before."""
        host = _HOST.findall(told[: told.index(what)])[-1]
        (at,) = [shape.at for shape in self.inventory.shapes if shape.host == host]
        if what.startswith("snapshot-count"):
            machine = self.world.machines[at]
            if machine.runs:
                self.world.data[machine.log].snapshot = self.world.index
            return
        self._give(Command(), replace(self.inventory, absent=self.inventory.absent | {at}))
        self._give(Command())
