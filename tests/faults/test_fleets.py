# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two clusters of three members get another minor in turns, the canary first.

It is worse after its change, and the other is not touched; once it is no worse the same command goes on, whenever it is
killed. Each test goes on with what the one before has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from machines import Machines
from playbook import Kill, Meanwhile, Playbook, Run

pytestmark = pytest.mark.matrix

BEFORE, AFTER = "3.5.33", "3.6.14"
CANARY, OTHER = "staging", "east"
GROUPS = {
    CANARY: ("etcd-host0", "etcd-host1", "etcd-host2"),
    OTHER: ("etcd-host3", "etcd-host4", "etcd-host5"),
}
HOSTS = (*GROUPS[CANARY], *GROUPS[OTHER])
#: No host that asks its cluster: those are the first of each.
HANGING = "etcd-host1"
JUDGE = "Judge the cluster after its change"


@dataclass
class Fleet:
    """Both clusters, and the inventory of both."""

    machines: Machines
    playbook: Playbook

    def run(self, version: str, kill: Kill | None = None, meanwhile: Meanwhile | None = None) -> Run:
        self.playbook.variables = {"etcd_version": version}
        return self.playbook.run(kill=kill, meanwhile=meanwhile)

    def signal(self, number: str) -> None:
        self.machines.run(HANGING, f"systemctl kill --signal {number} etcd")

    def releases(self, group: str) -> list[str]:
        """By what their members run, not by what their files say."""
        script = 'readlink "/proc/$(systemctl show -P MainPID etcd)/exe" | grep -oE "v3[.0-9]+"'
        return [self.machines.run(host, script).strip().removeprefix("v") for host in GROUPS[group]]

    def processes(self, group: str) -> list[str]:
        return [self.machines.run(host, "systemctl show -P MainPID etcd").strip() for host in GROUPS[group]]

    def is_to_be_judged(self, group: str) -> bool:
        return bool(self.machines.run(GROUPS[group][0], "etcdctl get --prefix --keys-only /quorum.etcd/fleet/").strip())


def written(machines: Machines, directory: Path) -> Path:
    """The inventory: a group for each cluster."""
    path = machines.inventory(directory, nodes=False)
    ways = path.parent / "group_vars"
    (ways / "etcd_cluster.yml").rename(ways / "all.yml")
    lines = []
    for group, hosts in GROUPS.items():
        addresses = [(host, machines.address(host)) for host in hosts]
        lines += [f"[{group}]", *(f"{at} NODE_NAME={host} ansible_ssh_user=root" for host, at in addresses)]
        lines += [f"[{group}:vars]", f"etcd_group={group}", f"etcd_cluster_name={group}"]
    lines += ["[all:vars]", f"etcd_canary={CANARY}", "etcd_soak=15"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    machines = Machines("faults-fleets", names=HOSTS)
    machines.make()
    directory = tmp_path_factory.mktemp("fleets")
    found = Fleet(machines, Playbook(written(machines, directory / "inventory"), directory))
    run = found.run(BEFORE)
    assert run.code == 0, run.output
    yield found
    machines.remove()


def test_a_canary_that_is_worse_stops_all_others_until_it_is_no_worse(fleet: Fleet) -> None:
    before = fleet.processes(OTHER)
    run = fleet.run(AFTER, meanwhile=Meanwhile(JUDGE, lambda: fleet.signal("STOP")))
    assert run.code != 0, run.output
    assert f"{CANARY} is worse after its change" in run.said
    assert f"{OTHER} was not touched, because {CANARY} stopped before its turn" in run.said
    assert fleet.releases(CANARY) == [AFTER] * 3
    # Its member hangs still.
    again = fleet.run(AFTER)
    assert again.code != 0, again.output
    assert (fleet.processes(OTHER), fleet.releases(OTHER)) == (before, [BEFORE] * 3)
    assert fleet.is_to_be_judged(CANARY)


def test_it_is_judged_once_more_also_where_the_run_is_killed_meanwhile(fleet: Fleet) -> None:
    before = fleet.processes(OTHER)
    fleet.signal("CONT")
    run = fleet.run(AFTER, kill=Kill(JUDGE, 3.0))
    assert run.killed, run.output
    assert fleet.is_to_be_judged(CANARY)
    assert fleet.processes(OTHER) == before


def test_the_other_gets_it_then_also_where_the_run_is_killed_in_its_turn(fleet: Fleet) -> None:
    before = fleet.processes(CANARY)
    run = fleet.run(AFTER, kill=Kill("Update the member", 1.5))
    assert run.killed, run.output
    assert f"{CANARY}: no worse for 15 s" in run.said
    run = fleet.run(AFTER)
    assert run.code == 0, run.output
    assert fleet.releases(OTHER) == [AFTER] * 3
    assert not any(fleet.is_to_be_judged(group) for group in GROUPS)
    done = fleet.run(AFTER)
    assert done.code == 0, done.output
    assert f"nothing to do: {CANARY}, {OTHER}" in done.said or done.done, done.output
    assert fleet.processes(CANARY) == before, "a canary that was done was restarted"
