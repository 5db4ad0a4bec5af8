# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_member_info against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cluster import Cluster, Tls, free_ports

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


def test_it_lists_the_members_on_every_version(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version, size=3)
    result = run_module("etcd_member_info", endpoints=cluster.endpoints).result
    assert result["changed"] is False
    assert {one["name"]: (one["peer_urls"], one["client_urls"]) for one in result["members"]} == {
        member.name: ([member.peer_url], [member.client_url]) for member in cluster.members
    }
    assert [one["id"] for one in result["members"] if one["is_leader"]] == [result["leader"]]
    assert all(one["started"] and not one["is_learner"] for one in result["members"])
    assert int(result["cluster_id"], 16)


def test_a_member_that_has_not_started_has_no_name(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        client.member_add(["http://127.0.0.1:1"])
    added = [m for m in run_module("etcd_member_info", endpoints=cluster.endpoints).result["members"] if not m["name"]]
    assert [(m["started"], m["is_learner"], m["client_urls"], m["peer_urls"]) for m in added] == [
        (False, True, [], ["http://127.0.0.1:1"])
    ]


def test_check_mode_tells_the_same(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version)
    asked = [run_module("etcd_member_info", check_mode=mode, endpoints=cluster.endpoints) for mode in (False, True)]
    assert asked[0] == asked[1]
    assert not asked[0].failed


def test_certificates_are_options(version: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    options = {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    assert len(run_module("etcd_member_info", endpoints=cluster.endpoints, **options).result["members"]) == 1


def test_etcdctls_variables_stand_in_for_options(
    version: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = make_cluster(version, tls=tls)
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", cluster.endpoints[0])
    monkeypatch.setenv("ETCDCTL_CACERT", tls.authority.path)
    monkeypatch.setenv("ETCDCTL_CERT", tls.client.cert)
    monkeypatch.setenv("ETCDCTL_KEY", tls.client.key)
    assert len(run_module("etcd_member_info").result["members"]) == 1


def test_without_quorum_only_the_members_own_knowledge_is_told(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version, size=3)
    for member in cluster.members[1:]:
        cluster.end(member)
    options = {"endpoints": cluster.endpoints[:1], "timeout": 1}
    refused = run_module("etcd_member_info", **options)
    assert refused.failed
    assert refused.result["msg"].startswith(f"{cluster.endpoints[0]}: Cluster.MemberList: no answer within 1 s.")
    assert len(run_module("etcd_member_info", linearizable=False, **options).result["members"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["ftp://x:1"]}, "endpoints: 'ftp://x:1' has the scheme ftp"),
        ({"password": "x"}, "password is given without username"),
        ({"timeout": 0}, "timeout 0 is no time"),
        ({"client_key": "/x.pem"}, "client_key /x.pem is given without client_cert"),
        ({"endpoints": ["https://127.0.0.1:1"], "ca_path": "/x.pem"}, "ca_path /x.pem cannot be read"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(
    run_module: RunModule, options: dict[str, Any], message: str
) -> None:
    refused = run_module("etcd_member_info", **options)
    assert refused.failed
    assert refused.result["msg"].startswith(message)


def test_no_answer_is_a_failure_with_the_endpoint(run_module: RunModule) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    refused = run_module("etcd_member_info", endpoints=[endpoint])
    assert refused.failed
    assert refused.result["msg"].startswith(f"{endpoint}: connection refused")
