# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_srv_info and srv_records against a real name server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.quorum.etcd.plugins.action.etcd_srv_info import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import Srv
from ansible_collections.quorum.etcd.plugins.plugin_utils import _records
from cluster import REPOSITORY, free_ports
from machine import Machine
from name_server import DOMAIN, NameServer
from name_server import Srv as SrvRecord

NAMES = ("a", "b", "c")
MEMBERS = {name: [f"https://{name}.{DOMAIN}:2380"] for name in NAMES}
ADDRESSES = {name: f"192.0.2.{at}" for at, name in enumerate(NAMES, 1)}
PEERS: list[SrvRecord] = [("_etcd-server-ssl", name, 2380) for name in NAMES]
CLIENTS: list[SrvRecord] = [("_etcd-client-ssl", name, 2379) for name in NAMES]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NameServer]:
    server = NameServer(tmp_path)
    yield server
    server.stop()


class Asker:
    """Runs the action as a task would. Its answer does not depend on the host of the task."""

    def __init__(self, server: NameServer) -> None:
        self._server = server

    def options(self, **others: Any) -> dict[str, Any]:
        own = {"domain": DOMAIN, "members": MEMBERS, "name_servers": [self._server.address], "port": self._server.port}
        return {**own, **others}

    def ask(self, **options: Any) -> dict[str, Any]:
        task = SimpleNamespace(args=self.options(**options), check_mode=True, async_val=0, action="etcd_srv_info")
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
        result: dict[str, Any] = ActionModule(task, connection, None, DataLoader(), None, None).run(None, {})
        return result

    def differences(self, **options: Any) -> list[tuple[str, str]]:
        result = self.ask(**options)
        assert not result.get("failed"), result["msg"]
        return [(one["kind"], one["member"]) for one in result["differences"]]

    def refusal(self, **options: Any) -> str:
        result = self.ask(**options)
        assert result["failed"]
        return str(result["msg"])


@pytest.fixture
def asker(server: NameServer) -> Asker:
    return Asker(server)


def test_a_task_asks_on_the_controller(machine: Machine, asker: Asker, server: NameServer) -> None:
    server.serve(PEERS, ADDRESSES)
    outcome = machine.do("etcd_srv_info", **asker.options())
    assert not outcome.failed, outcome.message
    assert outcome.result["differences"] == []


def test_right_records_are_told_and_differ_in_nothing(asker: Asker, server: NameServer) -> None:
    server.serve([*PEERS, *CLIENTS], ADDRESSES, ttl=60)
    result = asker.ask(addresses={name: [address] for name, address in ADDRESSES.items()})
    assert result["differences"] == []
    assert result["changed"] is False
    assert result["name_server"] == f"127.0.0.1 port {server.port}"
    assert result["peer_urls"] == [f"https://{name}.{DOMAIN}:2380" for name in NAMES]
    assert result["endpoints"] == [f"https://{name}.{DOMAIN}:2379" for name in NAMES]
    assert result["peers_tls"][1] == {
        "target": f"b.{DOMAIN}",
        "port": 2380,
        "priority": 0,
        "weight": 0,
        "ttl": 60,
        "addresses": ["192.0.2.2"],
    }
    assert result["peers"] == result["clients"] == []


def test_a_suffix_is_a_cluster_of_its_own(asker: Asker, server: NameServer) -> None:
    server.serve([(f"{name}-prod", target, port) for name, target, port in PEERS], ADDRESSES)
    assert asker.differences(suffix="prod") == []
    assert asker.differences() == [("missing", name) for name in NAMES]


@pytest.mark.parametrize(
    ("records", "addresses", "found"),
    [
        (PEERS[:2], ADDRESSES, [("missing", "c")]),
        ([*PEERS, ("_etcd-server-ssl", "d", 2380)], {**ADDRESSES, "d": "192.0.2.9"}, [("surplus", "")]),
        ([*PEERS[:2], ("_etcd-server-ssl", "c", 2381)], ADDRESSES, [("wrong-port", "c")]),
        ([*PEERS, ("_etcd-server-ssl", "c", 2381)], ADDRESSES, [("surplus", "c")]),
        ([*PEERS[:2], ("_etcd-server", "c", 2380)], ADDRESSES, [("wrong-scheme", "c")]),
        ([*PEERS, ("_etcd-server", "c", 2380)], ADDRESSES, [("surplus", "c")]),
        (PEERS, {**ADDRESSES, "c": "192.0.2.1"}, [("elsewhere", "c")]),
        (PEERS, {"a": "192.0.2.1", "b": "192.0.2.2"}, [("unresolved", "c")]),
    ],
    ids=["missing", "surplus", "port", "second port", "scheme", "both schemes", "another host", "no address"],
)
def test_what_is_wrong_is_told(
    asker: Asker, server: NameServer, records: list[SrvRecord], addresses: dict[str, str], found: list[tuple[str, str]]
) -> None:
    server.serve(records, addresses)
    known = {name: [address] for name, address in ADDRESSES.items()}
    assert asker.differences(addresses=known) == found


def judged(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a run makes of them that is to found a cluster."""
    # A run asks where every name server is.
    monkeypatch.setattr(_records, "PORT", server.port)
    monkeypatch.setattr(_records, "_SECONDS", 1.0)
    told = ",".join(f"{name}={url}" for name, urls in MEMBERS.items() for url in urls)
    return _records.compare(acts.CompareRecords(told), Srv(domain=DOMAIN, name_servers=(server.address,)))


def test_right_records_found_a_cluster(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.serve(PEERS, ADDRESSES)
    assert judged(server, monkeypatch) == {"changed": False}


@pytest.mark.parametrize(
    ("records", "addresses", "code"),
    [
        (PEERS[:2], ADDRESSES, "srv-incomplete"),
        ([*PEERS, ("_etcd-server-ssl", "d", 2380)], {**ADDRESSES, "d": "192.0.2.9"}, "srv-surplus"),
        (PEERS, {"a": "192.0.2.1", "b": "192.0.2.2"}, "srv-incomplete"),
    ],
    ids=["missing", "surplus", "no address"],
)
def test_wrong_records_found_none(
    server: NameServer,
    monkeypatch: pytest.MonkeyPatch,
    records: list[SrvRecord],
    addresses: dict[str, str],
    code: str,
) -> None:
    server.serve(records, addresses)
    with pytest.raises(Refused) as refused:
        judged(server, monkeypatch)
    assert refused.value.code == code


def test_records_that_nobody_tells_found_none(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused) as refused:
        judged(server, monkeypatch)
    assert refused.value.code == "srv-unanswered"
    assert "etcd_bootstrap: static" in str(refused.value)


def test_a_server_that_is_gone_is_an_error(asker: Asker, server: NameServer) -> None:
    text = asker.refusal(timeout=1)
    assert "no name server tells of _etcd-server-ssl._tcp.example.com" in text
    assert f"127.0.0.1 port {server.port}" in text


def test_one_that_is_gone_leaves_time_for_the_next(asker: Asker, server: NameServer) -> None:
    server.serve(PEERS, ADDRESSES)
    assert asker.differences(name_servers=["127.0.0.9", "127.0.0.1"], timeout=20) == []


def test_a_domain_of_somebody_else_is_an_error(asker: Asker, server: NameServer) -> None:
    server.serve(PEERS, ADDRESSES)
    assert "REFUSED" in asker.refusal(domain="example.org")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"domain": "a b"}, "no DNS domain"),
        ({"suffix": "a.b"}, "cannot be part of a DNS name"),
        ({"name_servers": ["ns.example.com"]}, "is no IP address"),
        ({"timeout": 0}, "is no time"),
        ({"members": {"a": "https://a"}}, "give a list of texts"),
    ],
)
def test_what_is_no_question_is_refused(asker: Asker, options: dict[str, Any], text: str) -> None:
    assert text in asker.refusal(**options)


def test_the_lines_of_the_filter_make_the_zone_right(asker: Asker, server: NameServer, tmp_path: Path) -> None:
    """They are given to a real name server, and then to the comparison, with the addresses that the inventory has."""
    records, addresses = [], {}
    for line in zone_lines(tmp_path):
        name, ttl, _in, kind, *rest = line.split()
        assert ttl == "300"
        if kind == "SRV":
            records.append((name.partition("._tcp.")[0], rest[3].partition(".")[0], int(rest[2])))
        else:
            addresses[name.partition(".")[0]] = rest[0]
    server.serve(records, addresses)
    wanted = {name: [f"https://{name}.{DOMAIN}:2380"] for name in ("h0", "h1")}
    assert asker.differences(members=wanted, addresses={"h0": ["192.0.2.1"], "h1": ["192.0.2.2"]}) == []
    by_address = {"h0": ["https://192.0.2.1:2380"], "h1": ["https://192.0.2.2:2380"]}
    assert asker.differences(members=by_address) == [("other-name", "h0"), ("other-name", "h1")]


def zone_lines(directory: Path) -> list[str]:
    (directory / "hosts").write_text(
        "[etcd_cluster]\nh0 ansible_host=192.0.2.1\nh1 ansible_host=192.0.2.2\n"
        f"[etcd_cluster:vars]\netcd_discovery_srv={DOMAIN}\n"
    )
    out = directory / "lines.json"
    copy = {"content": "{{ groups.etcd_cluster | quorum.etcd.srv_records | to_json }}", "dest": str(out)}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.copy": copy}]}
    (directory / "lines.yml").write_text(json.dumps([play]))
    subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", directory / "hosts", directory / "lines.yml"],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
            "ANSIBLE_HOME": str(directory / "ansible"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    found: list[str] = json.loads(out.read_text())
    return found


def test_a_name_server_of_nobody_is_not_waited_for_beyond_the_time(asker: Asker) -> None:
    """One that swallows questions."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", free_ports(1)[0]))
        assert "no answer within 1 s in all" in asker.refusal(port=mute.getsockname()[1], timeout=1)
