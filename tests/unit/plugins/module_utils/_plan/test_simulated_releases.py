# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every cluster whose members get another minor, and every moment at which a run or a machine ends.

The plan and the guard are the real ones; releases of etcd are simulated. No quorum is ever lost by an act, no release
is started on data that it misreads, and whoever does what the refusals say gets to the release that is asked for.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from simulated import Broken, Inventory, shapes
from simulated_often import rendered_once, simulated_seldom
from simulated_operators import Command, Operator
from simulated_runs import side_by_side
from simulated_versions import BELOW_FLOOR, NEWEST, Releases, VersionedRun

__all__ = ["rendered_once"]


def founded(rng):
    """A cluster of some release, which has had some before, and its inventory."""
    world = Releases(6)
    size, first = rng.choice([1, 3, 3, 3, 3, 5]), rng.choice([4, 5, 5, 5, 6, 6, 7])
    inventory = Inventory(
        shapes(range(size)), version=rng.choice([NEWEST[first], BELOW_FLOOR.get(first, NEWEST[first])])
    )
    VersionedRun(world, inventory).finish()
    assert world.has_quorum()
    world.passes()
    if first < 7 and rng.random() < 0.3:
        inventory = Inventory(inventory.shapes, version=NEWEST[first + 1])
        Operator(world, inventory, Command(inventory.version)).bring_to_its_end()
    if size > 1 and rng.random() < 0.25:
        # A host that is to join is in the inventory by now.
        inventory = Inventory(shapes(range(size + 1)), version=inventory.version)
    if size == 5 and rng.random() < 0.3:
        inventory = replace(inventory, absent=frozenset({rng.randrange(size)}))
    return world, inventory


def some_command(rng, world):
    has = max(world.minors(), default=6)
    what = rng.random()
    if what < 0.45:
        return Command(NEWEST[rng.randint(max(4, has - 1), 7)])
    if what < 0.8:
        return Command(to=max(4, min(world.minors(), default=6) - rng.choice([0, 1, 1, 1])))
    if what < 0.9:
        return Command(cancels=True)
    return Command()


def meddle(rng, world):
    """Somebody with etcdctl."""
    try:
        if world.job:
            world.cancel()
        else:
            world.enable(world.spoken - 1)
    except EtcdError:
        return
    # Nothing tells that this one is somebody else's but the key, which is not written.


def break_something(rng, world, inventory):
    """One machine. Data are lost only where the others have a quorum without them."""
    machine = world.machines[rng.choice(inventory.shapes).at]
    what = rng.choice(["kill", "off", "reboot", "on", "on", "wipe", "rebuild"])
    if what in ("wipe", "rebuild"):
        whole = [one for one in world.voters if one != machine.log and world.machines[world.home[one]].log == one]
        if machine.log not in world.healthy() or len(whole) < len(world.voters) - 1 or len(whole) < 2:
            return
    world.fail(what, machine)


def interrupted(rng, world, inventory, commands):
    """Runs side by side, each of which may be killed anywhere, while machines break and time passes."""

    def meanwhile(fate):
        if fate < 0.05:
            break_something(rng, world, inventory)
        elif fate < 0.06:
            meddle(rng, world)
        elif fate < 0.5:
            world.moves(rng)

    side_by_side(rng, world, [command.run(world, inventory) for command in commands], meanwhile)


def repaired(world):
    """Faults stop."""
    for machine in world.machines:
        if not machine.on:
            world.fail("on", machine)
    for machine in world.machines:
        if machine.enabled and not machine.runs:
            world.start(machine)
    world.locks.clear()
    world.disturbed = False
    world.passes()


def brought_to_its_end(world, inventory, command):
    operator = Operator(world, inventory, command)
    operator.bring_to_its_end()
    if command.cancels:
        # That is all that it does.
        operator.wants = Command()
        operator.bring_to_its_end()
    return operator


def check_end(world, inventory, operator):
    """Every member serves with the release that was asked for last, and the cluster speaks its minor."""
    story = "\n".join(world.story[-80:])
    machines = [world.machines[shape.at] for shape in inventory.shapes if shape.at not in inventory.absent]
    has = {machine.ran_with.version if machine.ran_with else "" for machine in machines}
    healthy = {machine.log for machine in machines} == set(world.healthy())
    if not healthy or len(has) != 1:
        raise Broken(f"{operator.wants}: {has}, healthy: {sorted(world.healthy())}\n{story}")
    (version,) = has
    if operator.wants.version and operator.wants.version != version:
        raise Broken(f"{operator.wants}: {version}\n{story}")
    if operator.wants.to and operator.wants.to != minor(version):
        raise Broken(f"{operator.wants}: {version}\n{story}")
    world.passes()
    if world.job or world.spoken != minor(version):
        raise Broken(f"{operator.wants}: {version}, the cluster speaks {world.spoken}, job: {world.job}\n{story}")


@simulated_seldom
def test_whatever_is_interrupted_ends_with_the_release_that_is_asked_for(rng):
    world, inventory = founded(rng)
    commands = [Command()]
    for _epoch in range(rng.randint(1, 3)):
        commands.append(some_command(rng, world))
        for _attempt in range(rng.randint(1, 2)):
            interrupted(rng, world, inventory, [commands[-1]])
    repaired(world)
    check_end(world, inventory, brought_to_its_end(world, inventory, commands[-1]))


@simulated_seldom
def test_two_operators_with_different_releases_are_as_safe_as_one(rng):
    world, inventory = founded(rng)
    commands = [some_command(rng, world), some_command(rng, world)]
    interrupted(rng, world, inventory, commands)
    repaired(world)
    check_end(world, inventory, brought_to_its_end(world, inventory, rng.choice(commands)))
