# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every cluster, every change of the inventory, and every moment at which a run or a machine ends.

The plan and the guard are the real ones; what they act on is simulated. C(ETCD_SIMULATIONS) says how many cases;
without it they are the same few each time, so that a run of the tests says something about what was changed.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._plan import approved_plan, cluster_plan
from simulated import BAD, Broken, Inventory, Shape, World, observe, shapes
from simulated_often import rendered_once, simulated_often
from simulated_runs import Run, side_by_side

__all__ = ["rendered_once"]

ENOUGH = 15


def founded(size):
    """A cluster that serves, and its inventory."""
    world, inventory = World(9), Inventory(shapes(range(size)))
    Run(world, inventory).finish()
    assert "nothing to do" in Run(world, inventory).finish().plan.summary
    return world, inventory


def changed(rng, inventory, world):
    """What an operator may want next."""
    found, gone = list(inventory.shapes), set(inventory.absent)
    what = rng.choice(["add", "add", "absent", "both", "level", "name", "address", "drop", "again", "order", "nothing"])
    free = [at for at in range(9) if at not in {shape.at for shape in found}]
    if what in ("add", "both"):
        found += [Shape(at, level=found[0].level) for at in free[: rng.randint(1, 2)]]
    if what in ("absent", "both"):
        gone |= set(rng.sample([shape.at for shape in found], min(len(found), rng.randint(1, 2))))
    if what == "again":
        gone = set()
    at = rng.randrange(len(found))
    if what == "level":
        level = rng.choice(["info", "debug", "debug", BAD])
        found = [replace(shape, level=level) for shape in found]
    if what == "name":
        found[at] = replace(found[at], name=f"infra{found[at].at}")
    if what == "address":
        found[at] = replace(found[at], address=rng.choice([0, found[at].at + 21, found[at].at + 41]))
    if what == "drop" and len(found) > 1:
        gone.discard(found.pop(at).at)
    if what == "order":
        rng.shuffle(found)
    forget = tuple(
        member.name
        for member in world.listed()
        if not world.machines[world.home[member.id]].on and member.name and rng.random() < 0.5
    )
    return Inventory(tuple(found), frozenset(gone), forget, rng.random() < 0.5)


def break_something(rng, world, mildly=False):
    kinds = ["kill", "off", "reboot", "on"]
    if not mildly:
        kinds += ["wipe", "rebuild", "reinstall", "behind"]
    world.fail(rng.choice(kinds), rng.choice(world.machines[:6]))


def close_something(rng, world):
    """New connections only: whoever is connected goes on, so that nothing seems to be wrong."""
    if rng.random() < 0.3:
        at = rng.randrange(6)
        world.close_address(Shape(at, address=rng.choice([0, at + 21, at + 41])))
    else:
        world.close(*rng.sample(world.machines[:6], 2))


def interrupted(rng, world, runs, mildly=False):
    """Runs side by side, each of which may be killed anywhere, and machines that break meanwhile."""

    def meanwhile(fate):
        if fate < 0.05:
            break_something(rng, world, mildly)

    side_by_side(rng, world, runs, meanwhile)


def repaired(rng, world, inventory):
    """Faults stop; a machine may be gone for good."""
    for machine in world.machines:
        if not machine.on and rng.random() < 0.8:
            world.fail("on", machine)
    world.open_all()
    world.disturbed = False
    return replace(inventory, forget=())


def converged(world, inventory):
    """The last of as many runs as it takes, one after the other and undisturbed."""
    run = Run(world, inventory).finish()
    for _time in range(ENOUGH):
        if run.plan is None or not run.plan.waves:
            break
        run = Run(world, inventory).finish()
    return run


def obstacles(world, inventory):
    """What no run may overcome by itself."""
    here = {shape.at: shape for shape in inventory.shapes}
    wanted = [shape.at for shape in inventory.shapes if shape.at not in inventory.absent]
    if not wanted:
        yield "all are to be absent"
    if any(shape.level == BAD for shape in inventory.shapes):
        yield "etcd does not start with these settings"
    if 2 in (len(world.voters), len(wanted)) and not inventory.allow_outage:
        yield "a cluster of two has no spare member"
    reporting = [one for one in world.voters if world.home[one] in here]
    if len(reporting) <= len(world.voters) // 2 + 1 and len(reporting) < len(world.voters):
        yield "whoever is nobody's does not report whom it reaches"
    for at in {*here, *(world.home[one] for one in world.members)}:
        yield from in_the_way(world, world.machines[at], here.get(at), at in wanted)
    yield from lost_for_good(world, here)
    machines = [world.machines[at] for at in here]
    if not any(machine.log in world.voters and not machine.behind for machine in machines):
        yield "nobody who votes is on these hosts"
    unmarked = any(machine.log and machine.marker is None for machine in machines)
    if unmarked and not any(machine.log in world.healthy() for machine in machines):
        yield "there are data without a marker, and nobody to ask whose they are"


def in_the_way(world, machine, shape, wanted):
    """What is wrong with one machine, that is of this inventory if it has a shape."""
    own = world.members.get(machine.log)
    if not machine.on:
        yield f"{machine.host} is off"
    if machine.masked:
        yield f"{machine.host} is masked"
    if own and shape and not shape.address and own.peer_urls != shape.peer_urls:
        yield f"{machine.host} has another address than the one that is derived"
    if machine.log in world.removed and (wanted or machine.marker is None):
        yield f"{machine.host} was removed and is back"
    if shape is None and not machine.runs:
        yield f"{machine.host} is nobody's and down"
    learners = [one for one in world.members if world.home[one] == machine.at and world.members[one].is_learner]
    if any(shape is None or is_a_stranger(world, one, shape) for one in learners):
        yield f"{machine.host} has the place for a learner, and nothing shows that it is its own"


def lost_for_good(world, here):
    """Voters without their data, but one that may be replaced."""
    lost = 0
    for one in world.voters:
        machine = world.machines[world.home[one]]
        if machine.log == one and not machine.behind:
            continue
        lost += 1
        if machine.at in here and is_a_stranger(world, one, here[machine.at]):
            yield f"{machine.host} was built anew at another address"
    if lost > 1 or (lost and len(world.voters) < 3):
        yield f"{lost} have lost their data"


def is_a_stranger(world, one, shape):
    """Does nothing on its host, and nothing in the inventory, show whose host this member had?"""
    machine = world.machines[world.home[one]]
    known = machine.marker is not None and machine.marker.member_id == one
    return not known and not machine.log and shape.peer_urls != world.members[one].peer_urls


def is_gone(world, machine, shape, run):
    """Did its member leave? One of which nobody could know that it lived there is told, and left to a person."""
    left = [one for one in world.members if world.home[one] == machine.at]
    told = [
        one for one in left if is_a_stranger(world, one, shape) and any(one in text for text in run.plan.differences)
    ]
    return not machine.log and not machine.runs and left == told


def check_end(world, inventory, run):
    """Everything is as the inventory says, or something real is in the way and the refusal says so."""
    story = "\n".join(world.story[-60:])
    if run.plan is None or run.plan.waves:
        if not list(obstacles(world, inventory)):
            raise Broken(f"it never ends, and nothing is in the way: {run.said}\n{story}")
        return
    for shape in inventory.shapes:
        machine = world.machines[shape.at]
        if not machine.on or machine.masked:
            continue
        if shape.at in inventory.absent:
            wrong = not is_gone(world, machine, shape, run)
        else:
            wrong = (
                machine.log not in world.healthy()
                or (machine.ran_with, machine.files, machine.previous) != (shape, shape, None)
                or machine.marker.state != markers.STARTED
            )
        if wrong:
            raise Broken(f"{machine} is not {shape}: {run.plan.text('c')}\n{story}")


@simulated_often
def test_whatever_is_interrupted_ends_as_the_inventory_says(rng):
    world, inventory = founded(rng.choice([1, 2, 3, 3, 3, 4, 5, 5, 7]))
    for _epoch in range(rng.randint(1, 3)):
        for _fault in range(rng.choice([0, 0, 0, 1, 1, 2])):
            rng.choice([break_something, break_something, close_something])(rng, world)
        inventory = changed(rng, inventory, world)
        for _attempt in range(rng.randint(1, 2)):
            interrupted(rng, world, [Run(world, inventory)])
    inventory = repaired(rng, world, inventory)
    check_end(world, inventory, converged(world, inventory))


@simulated_often
def test_no_run_takes_a_quorum_that_lives_by_old_connections(rng):
    """Links that are closed one way or both, and addresses that nobody reaches."""
    world, inventory = founded(rng.choice([2, 3, 3, 3, 4, 5, 5, 7]))
    for _epoch in range(rng.randint(1, 3)):
        for _link in range(rng.randint(1, 4)):
            close_something(rng, world)
        inventory = changed(rng, inventory, world)
        for _attempt in range(rng.randint(1, 2)):
            Run(world, inventory).finish()
            assert world.has_quorum() or inventory.allow_outage, world.story
    inventory = repaired(rng, world, inventory)
    check_end(world, inventory, converged(world, inventory))


@simulated_often
def test_two_runs_at_once_are_as_safe_as_one(rng):
    """From two controllers, with different inventories too."""
    world, inventory = founded(rng.choice([1, 2, 3, 3, 5, 7]))
    for _fault in range(rng.choice([0, 0, 1])):
        break_something(rng, world)
    one, other = changed(rng, inventory, world), changed(rng, inventory, world)
    interrupted(rng, world, [Run(world, one), Run(world, other)])
    inventory = repaired(rng, world, rng.choice([one, other]))
    check_end(world, inventory, converged(world, inventory))


@simulated_often
def test_an_interrupted_first_start_makes_one_cluster(rng):
    world, inventory = World(9), Inventory(shapes(range(rng.choice([1, 2, 3, 3, 5, 7]))))
    for _attempt in range(rng.randint(1, 3)):
        runs = [Run(world, inventory) for _run in range(rng.randint(1, 2))]
        interrupted(rng, world, runs, mildly=True)
    for machine in world.machines:
        world.fail("on", machine)
    world.disturbed = False
    check_end(world, inventory, converged(world, inventory))
    assert len(world.tokens) == 1


@simulated_often
def test_an_undisturbed_run_never_tolerates_fewer_failures_than_before_and_after(rng):
    world, inventory = founded(rng.choice([1, 2, 3, 4, 5, 6, 7]))
    inventory = changed(rng, changed(rng, inventory, world), world)
    run, seen, size = Run(world, inventory), [world.tolerated()], len(world.voters)
    for _where in run.walk():
        if len(world.voters) != size:
            size = len(world.voters)
            seen.append(world.tolerated())
    assert min(seen) >= min(seen[0], world.tolerated()), (seen, world.story)
    check_end(world, inventory, converged(world, inventory))


def described(world, inventory, approved=None):
    """What would be done now, as it is approved and as it is held against that; None where it is refused."""
    hosts = observe(world, inventory)
    try:
        plan = cluster_plan.plan(hosts if approved is None else approved_plan.without_done(hosts, approved))
    except EtcdError:
        return None
    return approved_plan.describe(hosts, plan, "etcd_cluster", 0.0, "1.0.0")


@simulated_often
def test_a_plan_that_was_approved_goes_on_wherever_its_run_was_killed(rng):
    world, inventory = World(9), Inventory(shapes(range(rng.choice([1, 3, 5]))))
    if rng.random() < 0.8:
        world, inventory = founded(rng.choice([3, 3, 4, 5]))
        if rng.random() < 0.4:
            world.fail(rng.choice(["kill", "off", "wipe", "rebuild"]), rng.choice(world.machines[:3]))
        inventory = changed(rng, inventory, world)
    approved = described(world, inventory)
    for _attempt in range(rng.randint(1, 4)):
        now = described(world, inventory, approved) if approved is not None else None
        if now is None:
            return
        # Refused, it would be no part of what was approved.
        approved_plan.check(approved, now, "plan.json")
        there = {word for member in world.listed() for word in (member.name, member.id)}
        run = Run(world, replace(inventory, forget=tuple(word for word in inventory.forget if word in there)))
        for _moment, _where in zip(range(rng.randint(1, 25)), walk := run.walk()):
            pass
        walk.close()


@pytest.mark.parametrize("size", [2, 3, 5])
def test_all_members_get_other_addresses_in_one_run(size):
    """Whoever comes last asks the others where they are by then."""
    world, inventory = founded(size)
    moved = tuple(replace(shape, address=shape.at + 21) for shape in inventory.shapes)
    run = Run(world, Inventory(moved, allow_outage=True)).finish()
    assert run.said == ""
    assert [machine.ran_with for machine in world.machines[:size]] == list(moved)
    assert "nothing to do" in Run(world, Inventory(moved)).finish().plan.summary
