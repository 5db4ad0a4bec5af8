# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proxy is to be, whom it may lead to, and when its process may stay."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import Running, Site

MEMBERS = ("https://10.0.0.3:2379", "https://10.0.0.1:2379", "https://10.0.0.2:2379")
SECURE = Site(MEMBERS, tls=True, address="10.0.0.9")
PLAIN = Site(tuple(url.replace("https", "http") for url in MEMBERS), tls=False)


def told(entries, site=SECURE):
    findings = Findings()
    found = model.read(entries, site, findings)
    findings.end()
    return found


def read(*entries, site=SECURE):
    return told(list(entries), site)[0]


def one(site=SECURE, **entry):
    return read({"name": "web", "kind": "grpc", **entry}, site=site)[0]


def refusal(*entries, site=SECURE):
    with pytest.raises((BadInput, Refused)) as caught:
        told(list(entries), site)
    return caught.value


class TestAnEntry:
    def test_takes_the_members_of_the_inventory_in_one_order(self):
        assert one().endpoints == tuple(sorted(MEMBERS))

    def test_listens_where_etcd_has_it(self):
        assert str(one().listen) == "https://127.0.0.1:23790"
        assert str(one(site=PLAIN).listen) == "http://127.0.0.1:23790"

    def test_names_members_as_the_guides_do(self):
        assert one(endpoints="infra0.example.com,infra1.example.com:2379").endpoints == (
            "https://infra0.example.com:2379",
            "https://infra1.example.com:2379",
        )
        assert one(endpoints=["[2001:db8::1]:2379"]).endpoints == ("https://[2001:db8::1]:2379",)

    def test_tells_clients_where_it_is_reached(self):
        assert str(one(listen="0.0.0.0:2379").advertised) == "https://10.0.0.9:2379"
        assert str(one(listen="10.0.0.8:2379").advertised) == "https://10.0.0.8:2379"
        assert str(one(advertise_client_url="proxy.example.com:2379").advertised) == "https://proxy.example.com:2379"

    def test_finds_members_by_records(self):
        found = one(discovery_srv="example.com", discovery_srv_name="prod")
        assert (found.domain, found.suffix, found.endpoints) == ("example.com", "prod", ())

    def test_needs_a_certificate_of_ours_unless_it_has_its_own(self):
        own = {"client_cert": "/a", "client_key": "/b", "client_ca": "/c"}
        assert one().needs_leaf
        assert not one(site=PLAIN).needs_leaf
        assert not one(tls=False, **own).needs_leaf
        assert one(**own).needs_leaf, "its clients use TLS"
        assert not read({"name": "web", "kind": "gateway"})[0].needs_leaf

    def test_of_one_that_goes_needs_no_more_than_its_name(self):
        assert told([{"name": "web", "state": "absent"}]) == ([], ["web"])


class TestBadInput:
    @pytest.mark.parametrize(
        ("entry", "said"),
        [
            ("web", "Give a mapping with name and kind"),
            ({"kind": "grpc"}, "has the name ''"),
            ({"name": "Web", "kind": "grpc"}, "small letters"),
            ({"name": "web"}, "its kind is None. Give gateway or grpc."),
            ({"name": "web", "kind": "proxy"}, "its kind is 'proxy'"),
            ({"name": "web", "kind": "grpc", "state": "gone"}, "its state is 'gone'"),
            ({"name": "web", "kind": "grpc", "lisen": "127.0.0.1:1"}, "a gRPC proxy takes no lisen"),
            ({"name": "web", "kind": "gateway", "namespace": "a/"}, "a gateway takes no namespace"),
            ({"name": "web", "kind": "grpc", "retry_delay": "1s"}, "a gRPC proxy takes no retry_delay"),
            ({"name": "web", "kind": "gateway", "retry_delay": "123"}, "Give a number and its unit"),
            ({"name": "web", "kind": "grpc", "listen": "etcd.example.com:2379"}, "nothing can listen on the name"),
            ({"name": "web", "kind": "grpc", "listen": "127.0.0.1:99999"}, "is not a port"),
            ({"name": "web", "kind": "grpc", "endpoints": ["http://a:1", "https://b:1"]}, "have http:// and https://"),
            ({"name": "web", "kind": "grpc", "endpoints": ["a:1"], "discovery_srv": "a.b"}, "both given"),
            ({"name": "web", "kind": "grpc", "max_concurrent_streams": 0}, "Give a number from 1"),
            ({"name": "web", "kind": "grpc", "tls": "perhaps"}, "Give true or false"),
            ({"name": "web", "kind": "grpc", "client_cert": "/a"}, "give all of client_cert, client_key, client_ca"),
            ({"name": "web", "kind": "grpc", "namespace": "a\nb"}, "characters that cannot stand in a unit"),
        ],
    )
    def test_is_told(self, entry, said):
        assert said in str(refusal(entry))

    def test_is_told_at_once(self):
        texts = refusal({"name": "a", "kind": "x"}, {"name": "b", "kind": "y"}).texts
        assert len(texts) == 2

    def test_is_two_of_one_name(self):
        assert "two proxies of this host are called web" in str(
            refusal({"name": "web", "kind": "grpc"}, {"name": "web", "kind": "gateway", "listen": "127.0.0.1:1"})
        )

    def test_is_two_on_one_port(self):
        entries = [{"name": name, "kind": "gateway"} for name in ("a", "b")]
        assert "the second could not be bound" in str(refusal(*entries))

    def test_is_no_list(self):
        with pytest.raises(BadInput, match="must be a list"):
            told({"name": "web"})

    def test_is_a_cluster_that_nobody_names(self):
        assert "nothing says where the members are" in str(
            refusal({"name": "web", "kind": "grpc"}, site=Site((), tls=True))
        )


class TestAnOpenDoor:
    def test_is_refused(self):
        found = refusal({"name": "web", "kind": "grpc", "listen": "0.0.0.0:2379", "tls": False})
        assert found.code == "proxy-open"

    @pytest.mark.parametrize(
        "entry", [{"listen": "127.0.0.1:2379", "tls": False}, {"listen": "0.0.0.0:2379", "tls": True}]
    )
    def test_is_none_with_what_the_refusal_advises(self, entry):
        assert one(**entry)

    def test_is_opened_by_a_word(self):
        assert one(listen="0.0.0.0:2379", tls=False, allow_plain=True)

    def test_is_none_before_a_cluster_that_is_plain_itself(self):
        assert one(site=PLAIN, listen="0.0.0.0:2379")


def targets(entry, others, host="p0"):
    listed = [*others, (host, "10.0.0.9", [entry])]
    near = [found for name, address, own in listed for found in model.neighbours(name, [name, address], own)]
    (proxy,) = read(entry)
    model.check_targets(host, proxy, near)


class TestATarget:
    OTHER = ("p1", "10.0.0.8", [{"name": "far", "kind": "gateway", "listen": "0.0.0.0:2379"}])

    @pytest.mark.parametrize("endpoint", ["127.0.0.1:2379", "localhost:2379", "10.0.0.9:2379", "p0:2379"])
    def test_is_never_the_proxy_itself(self, endpoint):
        entry = {"name": "web", "kind": "gateway", "listen": "0.0.0.0:2379", "endpoints": [endpoint]}
        with pytest.raises(Refused, match="is itself") as caught:
            targets(entry, [])
        assert caught.value.code == "proxy-endpoint"

    @pytest.mark.parametrize("endpoint", ["10.0.0.8:2379", "https://p1:2379"])
    def test_is_never_another_proxy(self, endpoint):
        entry = {"name": "web", "kind": "grpc", "listen": "127.0.0.1:1", "endpoints": [endpoint]}
        with pytest.raises(Refused, match="is the proxy far of p1"):
            targets(entry, [self.OTHER])

    @pytest.mark.parametrize("endpoint", ["127.0.0.1:2379", "10.0.0.8:2378", "10.0.0.1:2379"])
    def test_is_whatever_else(self, endpoint):
        targets({"name": "web", "kind": "grpc", "listen": "127.0.0.1:1", "endpoints": [endpoint]}, [self.OTHER])

    def test_on_loopback_of_another_host_is_not_meant(self):
        other = ("p1", "10.0.0.8", [{"name": "far", "kind": "gateway", "listen": "127.0.0.1:2379"}])
        entry = {"name": "web", "kind": "grpc", "listen": "127.0.0.1:1", "endpoints": ["127.0.0.1:2379"]}
        targets(entry, [other])
        targets({**entry, "endpoints": ["10.0.0.8:2379"]}, [other])

    def test_of_one_that_goes_is_free(self):
        other = ("p1", "10.0.0.8", [{**self.OTHER[2][0], "state": "absent"}])
        targets({"name": "web", "kind": "grpc", "listen": "127.0.0.1:1", "endpoints": ["10.0.0.8:2379"]}, [other])


COMMAND = ["/opt/etcd", "grpc-proxy", "start", "--listen-addr=127.0.0.1:1", "--endpoints=http://a:1,http://b:1"]
SYNC = "--endpoints-auto-sync-interval=5m"


def changed(**flags):
    return [
        f"--{name}={flags[name]}" if (name := word.partition("=")[0].removeprefix("--")) in flags else word
        for word in COMMAND
    ]


class TestARestart:
    def test_is_not_needed_for_nothing(self):
        assert model.why_restart(Running(tuple(COMMAND), "x"), COMMAND, "x") == []

    def test_starts_what_does_not_run(self):
        assert model.why_restart(Running(), COMMAND, "") == ["it does not run"]

    def test_is_needed_for_another_release_flag_or_bundle(self):
        running = Running(tuple(COMMAND), "x")
        assert model.why_restart(running, ["/opt/new", *COMMAND[1:]], "x") == ["it runs /opt/etcd"]
        assert model.why_restart(running, [*COMMAND, "--namespace=a/"], "x") == ["--namespace changes"]
        assert model.why_restart(running, COMMAND, "y") == ["the CA bundle changes"]

    def test_is_needed_for_other_endpoints(self):
        assert model.why_restart(Running(tuple(COMMAND)), changed(endpoints="http://a:1"), "") == [
            "--endpoints changes"
        ]

    @pytest.mark.parametrize(
        ("endpoints", "needed"), [("http://a:1,http://c:1", []), ("http://c:1", ["--endpoints changes"])]
    )
    def test_is_not_needed_by_one_that_learns_of_them_from_a_member_that_stays(self, endpoints, needed):
        running = Running((*COMMAND, SYNC))
        assert model.why_restart(running, [*changed(endpoints=endpoints), SYNC], "") == needed

    def test_is_needed_where_it_learns_only_from_now_on(self):
        wanted = [*changed(endpoints="http://a:1"), SYNC]
        assert model.why_restart(Running(tuple(COMMAND)), wanted, "") == [
            "--endpoints changes",
            "--endpoints-auto-sync-interval changes",
        ]

    def test_would_not_help_where_a_drop_in_says_what_runs(self):
        assert model.is_overridden(["/etc/x.conf"], "a b", ["a", "b"])
        assert not model.is_overridden([], "a b", ["a", "b"])
        assert not model.is_overridden(["/etc/x.conf"], "a b", ["a"])


class TestAutoSync:
    @pytest.mark.parametrize(
        ("version", "entry", "interval"),
        [
            ("3.5.33", {}, ""),
            ("3.6.0", {}, "5m"),
            ("3.6.14", {"auto_sync": "0s"}, ""),
            ("3.5.33", {"auto_sync": "5s"}, "5s"),
            ("3.6.14", {"discovery_srv": "example.com"}, ""),
        ],
    )
    def test_is_on_where_every_release_of_the_minor_has_it(self, version, entry, interval):
        assert one(**entry).syncs(version) == interval


def test_a_gateway_answers_as_its_members_do():
    (gateway,) = read({"name": "web", "kind": "gateway", "listen": "0.0.0.0:2379"})
    assert gateway.url == Url("https", "127.0.0.1", 2379)
