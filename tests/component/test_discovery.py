# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_discovery, and members that find each other by it, against real etcd of each version."""

from __future__ import annotations

import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import discovery_registry, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV2, DiscoveryV3
from ansible_collections.quorum.etcd.plugins.module_utils._model.discovery_registry import Registry
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV, YAML
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._steps import destroy, service
from cluster import Cluster, Tls, switch_authentication_on
from discovering import Founders, proxy, public_service
from machine import Machine

MakeCluster = Callable[..., Cluster]
MakeFounders = Callable[..., Founders]
RunModule = Callable[..., Any]

PASSWORD = "S3cret \"and'$x`"


@pytest.fixture
def make_founders(tmp_path: Path) -> Iterator[MakeFounders]:
    made: list[Founders] = []

    def make(*arguments: Any, **options: Any) -> Founders:
        made.append(Founders(tmp_path / f"founders{len(made)}", *arguments, **options))
        return made[-1]

    yield make
    for founders in made:
        founders.end()


@pytest.fixture
def old_service(make_cluster: MakeCluster) -> str:
    """A service with the API of version 2: where tokens lie."""
    return f"{make_cluster('3.5.33', extra=['--enable-v2=true']).endpoints[0]}/v2/keys/discovery"


def names_of(endpoints: list[str]) -> set[str]:
    with Client(endpoints, timeout=10.0) as client:
        return {member.name for member in client.member_list().members}


# -- the module --------------------------------------------------------------------------------------------------------


def try_a_token(run_module: RunModule, size: int = 3, **where: Any) -> dict[str, Any]:
    """Make it, make it again, look, remove; what it was called."""
    foreseen = run_module("etcd_discovery", check_mode=True, size=size, **where).result
    assert not run_module("etcd_discovery", state="gathered", **where).result["exists"]
    made = run_module("etcd_discovery", size=size, **where).result
    assert (made["changed"], made["exists"], made["size"], made["members"]) == (True, True, size, [])
    assert (foreseen["changed"], foreseen["diff"]) == (True, made["diff"])
    assert made["diff"] == {"before": {}, "after": {"size": size, "members": []}}
    again = run_module("etcd_discovery", size=size, **where).result
    assert (again["changed"], again["size"]) == (False, size)
    other = run_module("etcd_discovery", size=size + 2, **where)
    assert other.failed and other.result["refusals"][0]["code"] == "discovery-size"
    looked = run_module("etcd_discovery", state="gathered", **where).result
    assert (looked["changed"], looked["size"], looked["token"]) == (False, size, made["token"])
    assert run_module("etcd_discovery", check_mode=True, state="absent", **where).result["changed"]
    assert run_module("etcd_discovery", state="gathered", **where).result["exists"]
    assert run_module("etcd_discovery", state="absent", **where).result["changed"]
    assert not run_module("etcd_discovery", state="absent", **where).result["changed"]
    return dict(made)


def test_a_token_of_version_3(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    endpoints = make_cluster(every_version).endpoints
    made = try_a_token(run_module, endpoints=endpoints, token="t1")
    assert (made["token"], made["url"]) == ("t1", "")


def test_a_token_of_version_3_takes_no_other_with_it(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    where = {"endpoints": make_cluster(version).endpoints}
    for token in ("t1", "t12"):
        run_module("etcd_discovery", token=token, size=3, **where)
    run_module("etcd_discovery", token="t1", state="absent", **where)
    assert run_module("etcd_discovery", token="t12", state="gathered", **where).result["exists"]


@pytest.mark.parametrize("service_version", ["3.4.23", "3.5.33"])
def test_a_token_of_version_2(service_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    endpoint = make_cluster(service_version, extra=["--enable-v2=true"]).endpoints[0]
    place = f"{endpoint}/v2/keys/discovery"
    assert try_a_token(run_module, url=f"{place}/t1")["url"] == f"{place}/t1"
    assert try_a_token(run_module, url=place, token="t2")["token"] == f"{place}/t2"


def test_a_token_is_reached_through_a_proxy(old_service: str, run_module: RunModule) -> None:
    with proxy() as (url, asked):
        try_a_token(run_module, url=f"{old_service}/t1", proxy=url)
    assert "PUT /v2/keys/discovery/t1/_config/size" in asked


def test_a_token_is_drawn_by_a_public_service(old_service: str, run_module: RunModule) -> None:
    with public_service(old_service.partition("/v2")[0]) as url:
        drawn = [run_module("etcd_discovery", url=f"{url}/new?size=3", size=3).result for _time in range(2)]
        assert all(one["changed"] and one["size"] == 3 for one in drawn)
        assert drawn[0]["url"] != drawn[1]["url"]
        foreseen = run_module("etcd_discovery", check_mode=True, url=f"{url}/new", size=3).result
        assert (foreseen["changed"], foreseen["url"]) == (True, f"{url}/new")
        assert run_module("etcd_discovery", url=drawn[0]["url"], state="gathered").result["size"] == 3
        for check in (True, False):
            outcome = run_module("etcd_discovery", check_mode=check, url=f"{url}/new", state="absent")
            assert outcome.failed and "draws tokens" in outcome.result["msg"]


@pytest.mark.parametrize("check", [True, False])
def test_what_is_no_token_is_not_removed(check: bool, old_service: str, run_module: RunModule) -> None:
    """etcd_discovery_url is often that of the directory of all tokens."""
    run_module("etcd_discovery", url=f"{old_service}/t1", size=3)
    for url in (old_service, f"{old_service}/"):
        outcome = run_module("etcd_discovery", check_mode=check, url=url, state="absent")
        assert outcome.failed and outcome.result["refusals"][0]["code"] == "discovery-no-token"
        assert run_module("etcd_discovery", url=f"{old_service}/t1", state="gathered").result["exists"]


@pytest.mark.parametrize(
    "where", [{"endpoints": ["http://127.0.0.1:1"], "token": "t"}, {"url": "http://127.0.0.1:1/t"}]
)
def test_a_service_that_is_not_there_is_an_error(where: dict[str, Any], run_module: RunModule) -> None:
    for state in ("gathered", "absent", "present"):
        outcome = run_module("etcd_discovery", state=state, size=3, timeout=2, **where)
        assert outcome.failed and "127.0.0.1:1" in outcome.result["msg"]


def test_a_member_without_version_2_is_no_service_of_it(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    url = f"{make_cluster(version).endpoints[0]}/v2/keys/discovery/t1"
    outcome = run_module("etcd_discovery", url=url, state="gathered")
    assert outcome.failed and "does not speak etcd's keys API v2" in outcome.result["msg"]


def test_it_runs_on_the_oldest_python(machine: Machine, version: str, make_cluster: MakeCluster) -> None:
    endpoints = make_cluster(version).endpoints
    made = machine.task("etcd_discovery", endpoints=endpoints, token="t1", size=3)
    assert (made.failed, made.changed) == (False, True), made.message


# -- members that find each other --------------------------------------------------------------------------------------


def registered(run_module: RunModule, **where: Any) -> Registry:
    return Registry.from_result(run_module("etcd_discovery", state="gathered", **where).result)


def check_forgotten(founders: Founders, secret: str) -> None:
    """Nothing of the first start is left, and without its data no member starts by it again."""
    for host in founders.hosts:
        left = [path for place in (host.layout.state_dir, host.layout.run_dir) for path in Path(place).rglob("*")]
        texts = [path.read_text(errors="replace") for path in left if path.is_file()]
        started = Path(host.layout.started_file)
        if started.exists():
            texts.append(started.read_text())
            assert stat.S_IMODE(started.stat().st_mode) == 0o640
        words = ("ETCD_DISCOVERY", "discovery:", "discovery-", *([secret] if secret else []))
        assert not [(word, text) for text in texts for word in words if word in text]
        assert not Path(host.layout.bootstrap_file).exists()
    host = founders.hosts[0]
    host.end(signal.SIGTERM)
    Path(host.layout.data_dir).rename(f"{host.layout.data_dir}.lost")
    Path(host.layout.data_dir).mkdir()
    with pytest.raises((Refused, HostError)):
        service.start(host.systemd, host.layout, check=False)
        service.await_ready(host.systemd, host.layout, 3.0)
    assert not list(Path(host.layout.data_dir).iterdir())


@pytest.mark.parametrize("form", [ENV, YAML])
@pytest.mark.parametrize("member_version", ["3.6.14", "3.7.1"])
def test_members_find_each_other_by_version_3(
    member_version: str,
    form: str,
    tls: Tls,
    make_cluster: MakeCluster,
    make_founders: MakeFounders,
    run_module: RunModule,
) -> None:
    """With TLS on both sides; and where etcd reads a file, with a user and a password."""
    secret = PASSWORD if form == YAML else ""
    there = make_cluster("3.7.1", tls=tls)
    files = {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    where: dict[str, Any] = {"endpoints": there.endpoints, "token": "t1", **files}
    if secret:
        with there.client() as client:
            switch_authentication_on(client, "root", secret)
        there.login = ("root", secret)
        where |= {"username": "root", "password": secret}
    run_module("etcd_discovery", size=3, **where)
    source = DiscoveryV3(
        endpoints=tuple(there.endpoints),
        token="t1",
        ca_file=tls.authority.path,
        cert_file=tls.client.cert,
        key_file=str(tls.client.key),
        user="root" if secret else "",
        has_password=bool(secret),
    )
    founders = make_founders(member_version, source, "t1", form=form).found(secret)
    assert names_of(founders.endpoints) == set(founders.wanted)
    registry = registered(run_module, **where)
    assert {one.name: list(one.peer_urls) for one in registry.members} == founders.wanted
    with pytest.raises(Refused) as refused:
        discovery_registry.check(registry, "t1", founders.wanted, [], False)
    assert refused.value.code == "discovery-used"
    if secret:
        logs = [Path(host.layout.root, "journal").read_text(errors="replace") for host in founders.hosts]
        assert all(secret not in log and "S3cret" not in log for log in logs)
    check_forgotten(founders, secret)


@pytest.mark.parametrize("member_version", ["3.4.23", "3.5.33", "3.6.14"])
def test_members_find_each_other_by_version_2(
    member_version: str, old_service: str, make_founders: MakeFounders, run_module: RunModule
) -> None:
    """Through a proxy. One of them ends while it waits, which etcd itself lets never go on with this token."""
    token = f"{old_service}/t1"
    run_module("etcd_discovery", url=token, size=3)
    with proxy() as (url, asked):
        founders = make_founders(member_version, DiscoveryV2(url=token, proxy=url), token)
        first = founders.hosts[0]
        for host in founders.hosts:
            founders.configure(host)
        founders.start(first)
        while not registered(run_module, url=token).has(first.name):
            assert first.unit["ActiveState"] == "activating"
        first.end()
        assert first.marker is not None and first.marker.state == markers.NEVER_STARTED
        founders.start(first)
        first.end_all()
        # As the step of the plan does that has found its registration.
        founders.configure(first, learns=False)
        for host in founders.hosts:
            founders.start(host)
        for host in founders.hosts:
            founders.await_ready(host)
    assert any(one.startswith("PUT /v2/keys/discovery/t1/") for one in asked)
    assert names_of(founders.endpoints) == set(founders.wanted)
    assert len({host.marker.cluster_id for host in founders.hosts if host.marker is not None}) == 1
    check_forgotten(founders, "")


@pytest.mark.parametrize("member_version", ["3.4.23", "3.5.33", "3.6.14"])
def test_a_member_without_a_place_ends(
    member_version: str, old_service: str, make_founders: MakeFounders, run_module: RunModule
) -> None:
    """By default it would run as a proxy, and say that it is ready."""
    token = f"{old_service}/t1"
    run_module("etcd_discovery", url=token, size=1)
    make_founders(member_version, DiscoveryV2(url=token), token, size=1).found()
    (surplus,) = (late := make_founders(member_version, DiscoveryV2(url=token), token, size=1)).hosts
    late.configure(surplus)
    late.start(surplus)
    with pytest.raises(HostError, match="cluster is full"):
        service.await_ready(surplus.systemd, surplus.layout, 20.0)


def test_a_member_that_waits_by_version_3_goes_on_after_its_end(
    version: str, make_cluster: MakeCluster, make_founders: MakeFounders, run_module: RunModule
) -> None:
    where = {"endpoints": make_cluster(version).endpoints, "token": "t1"}
    run_module("etcd_discovery", size=2, **where)
    founders = make_founders(version, DiscoveryV3(endpoints=tuple(where["endpoints"]), token="t1"), "t1", size=2)
    first, second = founders.hosts
    for host in founders.hosts:
        founders.configure(host)
    founders.start(first)
    while not registered(run_module, **where).has(first.name):
        assert first.unit["ActiveState"] == "activating"
    first.end()
    for host in founders.hosts:
        founders.start(host)
    for host in (second, first):
        founders.await_ready(host)
    assert names_of(founders.endpoints) == set(founders.wanted)


def test_members_that_wait_in_vain_are_taken_away(
    version: str, make_cluster: MakeCluster, make_founders: MakeFounders, run_module: RunModule
) -> None:
    """The third was lost before it registered: what the others have is archived, and their hosts are as new."""
    where = {"endpoints": make_cluster(version).endpoints, "token": "t1"}
    run_module("etcd_discovery", size=3, **where)
    founders = make_founders(version, DiscoveryV3(endpoints=tuple(where["endpoints"]), token="t1"), "t1")
    waiting = founders.hosts[:2]
    for host in waiting:
        founders.configure(host)
        founders.start(host)
    while not all(registered(run_module, **where).has(host.name) for host in waiting):
        assert all(host.unit["ActiveState"] == "activating" for host in waiting)
    for host in waiting:
        assert destroy.stop(host.systemd, host.layout, "prod", check=False)
    for host in waiting:
        assert destroy.archive_data(host.systemd, host.layout, check=False)
        assert destroy.forget(host.layout, "prod", check=False)
        assert host.marker is None and not Path(host.layout.bootstrap_file).exists()
