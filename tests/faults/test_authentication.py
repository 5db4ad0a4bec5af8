# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster without TLS whose authentication was switched on: its life goes on, by a user that its inventory names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from machines import Machines
from playbook import Playbook, Run

pytestmark = pytest.mark.matrix

FIRST, SECOND, THIRD = Machines.names
SWITCH_ON = "etcdctl user add root:secret; etcdctl user grant-role root root; etcdctl auth enable"
USER_FILE = "/etc/etcd/user"
NAMED = {"etcd_user_file": USER_FILE}
WRITE_IT = f"install -m 0600 /dev/null {USER_FILE}; echo root:secret >{USER_FILE}"
ASK = "etcdctl --user root:secret"
LOSE = "systemctl kill --signal KILL etcd; rm -rf /var/lib/etcd/member"


@dataclass
class Cluster:
    """Three members."""

    machines: Machines
    directory: Path

    def run(self, playbook: str, *arguments: str, absent: Sequence[str] = (), **variables: object) -> Run:
        path = self.machines.inventory(self.directory / "inventory", nodes=False, by_name=True)
        text = path.read_text()
        for host in absent:
            text = text.replace(f"\n{host} ", f"\n{host} etcd_member_state=absent ")
        path.write_text(text)
        found = Playbook(path, self.directory, f"quorum.etcd.{playbook}")
        found.variables = {"etcd_tls": False, **variables}
        return found.run(*arguments)

    def becomes(self, playbook: str, *arguments: str, **more: object) -> None:
        run = self.run(playbook, *arguments, **NAMED, **more)  # type: ignore[arg-type]
        assert run.code == 0, run.output

    def processes(self) -> list[str]:
        return [self.machines.run(host, "systemctl show -P MainPID etcd") for host in Machines.names]

    def values(self) -> list[str]:
        return [self.machines.run(host, f"{ASK} get key --print-value-only").strip() for host in Machines.names]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Authentication is on, and nobody has said who is to ask."""
    found = Cluster(Machines("faults-authentication"), tmp_path_factory.mktemp("authentication"))
    found.machines.make()
    run = found.run("etcd")
    assert run.code == 0, run.output
    found.machines.run(FIRST, f"etcdctl put key value; {SWITCH_ON}")
    yield found
    found.machines.remove()


@pytest.mark.parametrize(
    "command",
    [("etcd",), ("recover", "-e", "etcd_confirm_cluster=etcd_cluster", "-e", "etcd_quorum_lost=true")],
    ids=lambda command: command[0],
)
def test_who_may_not_ask_takes_nobodys_quorum_for_lost(cluster: Cluster, command: tuple[str, ...]) -> None:
    before = cluster.processes()
    run = cluster.run(*command)
    assert run.code != 0, run.output
    assert "Authentication is on" in run.said
    assert "etcd_user_file=PATH" in run.said
    assert cluster.processes() == before
    assert cluster.values() == ["value"] * 3


def test_with_a_user_all_of_its_life_goes_on(cluster: Cluster) -> None:
    for host in Machines.names:
        cluster.machines.run(host, WRITE_IT)
    changed = {"etcd_settings": {"heartbeat-interval": 150}}
    cluster.becomes("etcd", **changed)
    cluster.becomes("etcd", absent=[THIRD], **changed)
    cluster.becomes("etcd", **changed)
    cluster.machines.run(SECOND, LOSE)
    cluster.becomes("etcd", **changed)
    cluster.becomes("reclaim")
    # The first of the voters saves one; the others leave it to that.
    for host in Machines.names:
        cluster.machines.run(host, "systemctl start etcd-snapshot")
    cluster.becomes("drill")
    assert cluster.values() == ["value"] * 3


def test_with_a_user_it_comes_back_from_a_lost_quorum_and_from_a_snapshot(cluster: Cluster) -> None:
    for host in (SECOND, THIRD):
        cluster.machines.run(host, LOSE)
    cluster.becomes("recover", "-e", "etcd_confirm_cluster=etcd_cluster")
    assert cluster.values() == ["value"] * 3
    cluster.machines.run(FIRST, f"{ASK} put key another")
    cluster.becomes("restore", "-e", "etcd_confirm_cluster=etcd_cluster")
    assert cluster.values() == ["value"] * 3
