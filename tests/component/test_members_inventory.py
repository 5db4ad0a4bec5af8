# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a live cluster, as Ansible's own commands read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from cluster import REPOSITORY, Cluster, Tls, own_address
from name_server import DOMAIN, NameServer

MakeCluster = Callable[..., Cluster]

GROUPS = ("leader", "followers", "learners", "unreachable")


class Run(NamedTuple):
    """What a command has left."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        assert self.returncode == 0, self.stderr
        found: dict[str, dict[str, Any]] = json.loads(self.stdout, object_hook=_data)["_meta"]["hostvars"]
        # Where facts are not among the variables every host has this one of Ansible's.
        return {host: {name: said[name] for name in said if name != "ansible_local"} for host, said in found.items()}

    @property
    def groups(self) -> dict[str, list[str]]:
        told = json.loads(self.stdout)
        return {group: sorted(told.get(group, {}).get("hosts", [])) for group in GROUPS}


def _data(value: dict[str, Any]) -> Any:
    """A text of which Ansible says that it is no template."""
    return value.get("__ansible_unsafe", value)


class Operator:
    """Somebody with a file for the plugin, and Ansible's commands."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def inventory(self, **options: Any) -> Path:
        file = self.directory / "members.yml"
        file.write_text(yaml.safe_dump({"plugin": "quorum.etcd.members", **options}))
        return file

    def list(self, **options: Any) -> Run:
        return self.run("ansible-inventory", "-i", self.inventory(**options), "--list")

    def run(self, command: str, *arguments: str | Path) -> Run:
        run = subprocess.run(
            [Path(sys.executable).with_name(command), *arguments],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("ETCD")},
                "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
                "ANSIBLE_HOME": str(self.directory / "ansible"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "COLUMNS": "1000",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(run.returncode, run.stdout, run.stderr)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_members_are_hosts_by_what_they_are(every_version: str, make_cluster: MakeCluster, operator: Operator) -> None:
    # Without it etcd adds nobody while connections are younger than five seconds.
    extra = ["--strict-reconfig-check=false"]
    cluster = make_cluster(every_version, size=3, address=own_address(), extra=extra)
    cluster.lead(cluster.members[1])
    learner = cluster.add("late")
    with cluster.client() as client:
        listed = {one.name: one for one in client.member_list().members}
        cluster_id = client.member_list().cluster_id
    run = operator.list(endpoints=cluster.endpoints, cluster_id=cluster_id)
    assert run.groups == {"leader": ["m1"], "followers": ["m0", "m2"], "learners": ["late"], "unreachable": []}
    assert run.hosts["m1"] == {
        "NODE_NAME": "m1",
        "ansible_host": own_address(),
        "etcd_answers": True,
        "etcd_client_urls": [cluster.members[1].client_url],
        "etcd_cluster_id": cluster_id,
        "etcd_inventory_is_live": True,
        "etcd_is_leader": True,
        "etcd_is_learner": False,
        "etcd_is_started": True,
        "etcd_member_id": listed["m1"].id,
        "etcd_peer_urls": [cluster.members[1].peer_url],
        "etcd_runs_version": every_version,
    }
    assert run.hosts["late"]["etcd_peer_urls"] == [learner.peer_url]


class TestAMemberThatNobodyReaches:
    def test_is_in_a_group_of_its_own(self, version: str, make_cluster: MakeCluster, operator: Operator) -> None:
        cluster = make_cluster(version, size=1)
        with cluster.client() as client:
            client.member_add(["http://192.0.2.9:2380"])
            new = next(one for one in client.member_list().members if not one.started)
        run = operator.list(endpoints=cluster.endpoints)
        assert run.groups["unreachable"] == ["m0", f"member-{new.id}"]
        assert "ansible_host" not in run.hosts["m0"]
        assert run.hosts[f"member-{new.id}"]["ansible_host"] == "192.0.2.9"
        assert run.hosts[f"member-{new.id}"]["etcd_is_started"] is False

    def test_keeps_its_place_while_it_is_down(
        self, version: str, make_cluster: MakeCluster, operator: Operator
    ) -> None:
        cluster = make_cluster(version, size=3, address=own_address())
        cluster.lead(cluster.members[0])
        cluster.end(cluster.members[2])
        run = operator.list(endpoints=cluster.endpoints, timeout=2)
        assert run.groups["followers"] == ["m1", "m2"]
        assert (run.hosts["m2"]["etcd_answers"], run.hosts["m2"]["etcd_runs_version"]) == (False, "")


class TestNoAnswer:
    """Ansible makes a warning of it, and of a play without hosts a success."""

    PLAY = [{"hosts": "leader:followers", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}]

    def end(self, operator: Operator, **options: Any) -> Run:
        book = operator.directory / "play.yml"
        book.write_text(yaml.safe_dump(self.PLAY))
        return operator.run("ansible-playbook", "-i", operator.inventory(**options), book)

    def test_ends_the_run(self, operator: Operator) -> None:
        run = self.end(operator, endpoints=["http://127.0.0.1:1"])
        assert (run.returncode, run.stdout) == (4, "")
        assert "connection refused by 127.0.0.1" in run.stderr

    def test_is_what_a_cluster_without_a_quorum_gives(
        self, version: str, make_cluster: MakeCluster, operator: Operator
    ) -> None:
        cluster = make_cluster(version, size=2)
        cluster.end(cluster.members[1])
        assert self.end(operator, endpoints=cluster.endpoints[:1], timeout=2).returncode == 4

    def test_is_better_than_that_of_another_cluster(
        self, version: str, make_cluster: MakeCluster, operator: Operator
    ) -> None:
        cluster = make_cluster(version)
        with cluster.client() as client:
            real = client.member_list().cluster_id
        run = self.end(operator, endpoints=cluster.endpoints, cluster_id="1234")
        assert run.returncode == 4
        assert f"has the ID {real}, and cluster_id is 1234" in run.stderr

    def test_is_better_than_a_host_of_two_inventories(
        self, version: str, make_cluster: MakeCluster, operator: Operator
    ) -> None:
        cluster = make_cluster(version)
        written = operator.directory / "hosts"
        written.write_text("[etcd_cluster]\nm0 ansible_host=192.0.2.1\n")
        live = operator.inventory(endpoints=cluster.endpoints)
        run = operator.run("ansible-inventory", "-i", written, "-i", live, "--list")
        assert run.returncode == 4
        assert "has m0 as well" in run.stderr


def test_what_members_say_is_no_template(version: str, make_cluster: MakeCluster, operator: Operator) -> None:
    """Their names are whatever their owners like."""
    cluster = make_cluster(version, names=["{{ 7 * 191 }}", "localhost", "leader"])
    with cluster.client() as client:
        ids = {one.name: one.id for one in client.member_list().members}
    live = operator.inventory(endpoints=cluster.endpoints)
    play = [
        {
            "hosts": "unreachable",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} is {{ NODE_NAME }}"}}],
        }
    ]
    book = operator.directory / "play.yml"
    book.write_text(yaml.safe_dump(play))
    run = operator.run("ansible-playbook", "-i", live, book)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1337" not in run.stdout
    for name, member_id in ids.items():
        assert f"member-{member_id} is {name}" in run.stdout


def test_certificates_are_options(version: str, make_cluster: MakeCluster, operator: Operator, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    files = {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    assert list(operator.list(endpoints=cluster.endpoints, **files).hosts) == ["m0"]
    assert operator.list(endpoints=cluster.endpoints).returncode == 4


class TestSrvRecords:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Any:
        server = NameServer(tmp_path)
        yield server
        server.stop()

    def test_name_the_hosts_where_nobody_is_asked(self, operator: Operator, server: NameServer) -> None:
        peers = [("_etcd-server-ssl-prod", "a", 2380), ("_etcd-server-ssl-prod", "b", 2380)]
        server.serve(peers, {"a": "192.0.2.1", "b": "192.0.2.2"})
        run = operator.list(
            discovery_srv=DOMAIN,
            discovery_srv_name="prod",
            ask=False,
            name_servers=[server.address],
            name_server_port=server.port,
        )
        assert run.hosts == {
            f"{name}.{DOMAIN}": {
                "ansible_host": f"{name}.{DOMAIN}",
                "etcd_inventory_is_live": True,
                "etcd_peer_urls": [f"https://{name}.{DOMAIN}:2380"],
            }
            for name in "ab"
        }

    def test_are_no_answer_where_there_is_none(self, operator: Operator, server: NameServer) -> None:
        server.serve([], {})
        options = {"discovery_srv": DOMAIN, "name_servers": [server.address], "name_server_port": server.port}
        for ask in (True, False):
            run = operator.list(ask=ask, **options)
            assert run.returncode == 4
            assert "has no SRV record" in run.stderr


@pytest.mark.parametrize("groups", [{}, {"etcd_cluster": "true"}], ids=["no group of ours", "a group of ours"])
@pytest.mark.parametrize("playbook", ["etcd", pytest.param("destroy", marks=pytest.mark.matrix)])
def test_our_playbooks_refuse_it(
    version: str, make_cluster: MakeCluster, operator: Operator, playbook: str, groups: dict[str, str]
) -> None:
    cluster = make_cluster(version)
    live = operator.inventory(endpoints=cluster.endpoints, groups=groups)
    run = operator.run("ansible-playbook", "-i", live, f"quorum.etcd.{playbook}")
    assert run.returncode == 2
    assert "was taken from the live cluster itself" in run.stdout + run.stderr
    assert "-i INVENTORY" in run.stdout + run.stderr


def test_a_playbook_of_ones_own_is_refused_the_role(
    version: str, make_cluster: MakeCluster, operator: Operator
) -> None:
    cluster = make_cluster(version)
    book = operator.directory / "play.yml"
    book.write_text(yaml.safe_dump([{"hosts": "unreachable", "gather_facts": False, "roles": ["quorum.etcd.etcd"]}]))
    run = operator.run(
        "ansible-playbook", "-i", operator.inventory(endpoints=cluster.endpoints), "-e", "etcd_group=unreachable", book
    )
    assert run.returncode == 2
    assert "was taken from the live cluster itself" in run.stdout + run.stderr
