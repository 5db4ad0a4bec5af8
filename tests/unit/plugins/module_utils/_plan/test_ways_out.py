# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever was interrupted, and whatever was lost: whoever does what the refusals say gets out."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from simulated import Inventory, Shape
from simulated_often import rendered_once, simulated_often
from simulated_runs import Run
from simulated_ways import Command, Playbook, Ways, get_out, is_empty, is_well

__all__ = ["rendered_once"]

PLAYBOOKS = ["etcd", "recover", "recover", "recover", "restore", "restore", "destroy"]


def founded(size, are_named):
    """A cluster, and its inventory: members are called like their hosts, or otherwise, as in the guides."""
    world, inventory = Ways(size), Inventory(tuple(Shape(at, name=f"infra{at}" * are_named) for at in range(size)))
    Run(world, inventory).finish()
    assert world.has_quorum()
    return world, inventory


def break_something(rng, world):
    """One machine is off for good, has lost its data or its system, or its log is damaged."""
    machine = rng.choice(world.machines)
    what = rng.choice(["off", "off", "off", "wipe", "rebuild", "damage", "reboot", "kill"])
    if what == "off" and sum(one.on for one in world.machines) < 2:
        return
    if machine.on:
        if what == "damage":
            world.fail("kill", machine)
        world.fail(what, machine)


def off(rng, world, inventory):
    """The machines that are off, each by a word for it."""
    return tuple(
        rng.choice([shape.host, shape.member, f"10.0.0.{shape.at + 1}"])
        for shape in inventory.shapes
        if not world.machines[shape.at].on
    )


def some_command(rng, world, inventory):
    named = off(rng, world, inventory) if rng.random() < 0.9 else ()
    playbook = rng.choice(PLAYBOOKS)
    return Command(playbook, named, playbook in ("recover", "restore") and rng.random() < 0.15)


def interrupted(rng, world, inventory, command):
    """A playbook that is killed somewhere, in or after which a machine may break."""
    walk = Playbook(world, inventory, command).walk()
    for _moment in range(rng.randint(1, 30)):
        if next(walk, None) is None:
            break
        if rng.random() < 0.02:
            break_something(rng, world)
    else:
        walk.close()
        world.story.append("  killed")
    if rng.random() < 0.5:
        break_something(rng, world)


def lose_most(rng, world):
    """Most machines are off for good."""
    size = len(world.machines)
    for machine in rng.sample(world.machines, rng.randint(size // 2, size - 1)):
        world.fail("off", machine)


def come_back(rng, world):
    """Machines of which nobody has said that they stay off."""
    for machine in world.machines:
        if not machine.on and rng.random() < 0.2:
            world.fail("on", machine)


@simulated_often
def test_who_does_what_refusals_say_gets_out(rng):
    world, inventory = founded(rng.choice([1, 3, 3, 3, 5]), rng.random() < 0.5)
    if rng.random() < 0.6:
        lose_most(rng, world)
    for _fault in range(rng.randint(0, 2)):
        break_something(rng, world)
    commands = []
    for _run in range(rng.randint(1, 3)):
        commands.append(some_command(rng, world, inventory))
        interrupted(rng, world, inventory, commands[-1])
    if not any(command.fenced for command in commands):
        come_back(rng, world)
    world.locks.clear()
    world.disturbed = True
    begin = rng.choice([commands[-1], Command("etcd", off(rng, world, inventory))])
    ends = (is_well, is_empty) if begin.playbook == "destroy" else (is_well,)
    get_out(world, inventory, begin, lambda *now: any(end(*now) for end in ends))


def stopped_in(world, inventory, command, where):
    """A playbook that is killed before an act."""
    walk = Playbook(world, inventory, command).walk()
    assert any(moment.startswith(where) for moment in walk)
    walk.close()


def without_two_of_three():
    world, inventory = founded(3, True)
    for machine in world.machines[1:]:
        world.fail("off", machine)
    return world, inventory, Command("recover", ("infra1", "infra2"))


def playbooks_of(world):
    """Those that were run, in their order."""
    return [line.split()[1] for line in world.story if line.startswith("$ ")]


def test_a_recovery_whose_only_log_turns_out_to_be_damaged_ends_in_a_restore():
    world, inventory, command = without_two_of_three()
    stopped_in(world, inventory, command, "before going on alone")
    world.fail("damage", world.machines[0])
    get_out(world, inventory, command, is_well)
    assert playbooks_of(world) == ["recover.yml", "recover.yml", "recover.yml", "restore.yml"]
    assert world.machines[0].marker.origin == markers.RESTORE


def test_a_recovery_whose_new_cluster_has_lost_its_data_ends_in_a_restore():
    world, inventory = founded(5, True)
    for machine in world.machines[2:]:
        world.fail("off", machine)
    command = Command("recover", ("infra2", "infra3", "infra4"))
    stopped_in(world, inventory, command, "before _given_up")
    for machine in world.machines[:2]:
        world.fail("wipe", machine)
    get_out(world, inventory, command, is_well)
    assert playbooks_of(world)[-2:] == ["destroy.yml", "restore.yml"]


def test_a_machine_lost_in_the_middle_of_a_restore_is_named_although_it_had_two_members():
    """Some hosts know the member that it had, some the one that it was to have."""
    world, inventory = founded(5, True)
    stopped_in(world, inventory, Command("restore"), "before _restored etcd-host3")
    world.fail("off", world.machines[2])
    get_out(world, inventory, Command("restore"), is_well)
    assert playbooks_of(world) == ["restore.yml"] * 3


def test_hosts_that_lost_their_data_beside_machines_that_are_off_are_restored():
    world, inventory, _command = without_two_of_three()
    world.fail("rebuild", world.machines[0])
    get_out(world, inventory, Command("etcd", ("infra1", "infra2")), is_well)
    assert playbooks_of(world)[-1] == "restore.yml"
