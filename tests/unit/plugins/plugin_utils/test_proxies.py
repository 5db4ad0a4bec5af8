# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for the proxies of a host, from what the inventory says and what was seen."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import installed_releases
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, LeafSpec
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import Pki
from ansible_collections.quorum.etcd.plugins.plugin_utils._proxies import Host

NOW = datetime.now(timezone.utc)
NOTHING = {
    "unit": "",
    "version": "",
    "unit_exists": False,
    "enabled": "",
    "drop_ins": [],
    "effective": "",
    "command": [],
    "bundle": "",
    "certificate": "",
    "key": {"exists": False, "mode": "", "owner": "", "group": ""},
    "unpaired": "",
    "bundle_file": "",
    "problem": "",
}


class Site:
    """A host with proxies, its cluster's CA, and what was seen on it."""

    def __init__(self, directory, *entries, tls=True, version="", founded=True):
        place = directory / "pki"
        if founded:
            for which in store.AUTHORITIES:
                store.ensure_authority(
                    str(place),
                    which,
                    AuthoritySpec(which),
                    NOW,
                    passphrase=None,
                    unvault=lambda _path: b"",
                    check=False,
                )
        pki = {"directory": str(place), "key_type": "ec", "key_size": 0, "days": 30, "renew_before_days": 5}
        self.pki = Pki.from_inputs({**pki, "passphrase": "", "content": {}}, lambda _path: b"")
        scheme = "https" if tls else "http"
        self.inputs = {
            "proxies": list(entries),
            "hosts": {"p0": {"address": "10.0.0.9", "proxies": list(entries)}},
            "cluster": "etcd_cluster",
            "endpoints": [f"{scheme}://10.0.0.1:2379"],
            "tls": tls,
            "version": version,
            "account": {"user": "etcd", "group": "etcd"},
            "install_dir": "/opt/etcd",
            "start_timeout": 30,
        }
        self.seen = {
            "is_root": True,
            "has_systemd": True,
            "machine": "x86_64",
            "address": "10.0.0.9",
            "foreign_hosts": [],
            "listeners": [],
            "files": {},
            "proxies": {f"etcd-proxy-{entry['name']}": dict(NOTHING) for entry in entries},
            "others": [],
        }

    @property
    def host(self):
        return Host("p0", self.inputs, self.pki, "10.0.0.9")

    def plan(self):
        return self.host.plan(self.seen, NOW)

    def titles(self):
        return [step.title for step in self.plan().steps]

    def call(self, check=False):
        (step,) = self.plan().steps
        return self.host.call(step, self.seen, NOW, check)

    def carry_out(self):
        """What is seen once the plan was carried out."""
        given = self.call()
        own = self.seen["proxies"][given["layout"]["instance"]]
        unit = next(file["content"] for file in given["files"] if file["path"].endswith(".service"))
        bundle = next((file["content"] for file in given["files"] if file["path"].endswith("ca.pem")), "")
        own.update(
            unit=unit,
            version=installed_releases.named_in(unit),
            unit_exists=True,
            enabled="enabled",
            command=given["command"],
            bundle=given["bundle"],
            bundle_file=hashlib.sha256(bundle.encode()).hexdigest() if bundle else "",
        )
        if "certificates" in given:
            own.update(
                certificate=given["certificates"]["proxy"],
                key={"exists": True, "mode": "0600", "owner": "etcd", "group": "etcd"},
            )
        return self

    def own(self, **seen):
        next(iter(self.seen["proxies"].values())).update(seen)
        return self


GRPC = {"name": "web", "kind": "grpc"}
GATEWAY = {"name": "gw", "kind": "gateway"}


@pytest.mark.parametrize("entry", [GRPC, GATEWAY, {**GRPC, "tls": False}], ids=["grpc", "gateway", "plain clients"])
@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
def test_what_was_carried_out_is_not_planned_again(tmp_path, entry, tls):
    site = Site(tmp_path, entry, tls=tls)
    assert site.titles() == [f"{entry['name']}: start, etcd 3.6.14"]
    assert site.carry_out().titles() == []


def test_a_certificate_has_no_common_name_and_the_names_of_its_host(tmp_path):
    site = Site(tmp_path, {**GRPC, "listen": "0.0.0.0:2379", "certificate_sans": ["proxy.example.com"]})
    found = engine.describe(site.call()["certificates"]["proxy"].encode(), NOW)
    assert found["subject"] == ""
    assert {"p0", "proxy.example.com", "localhost"} == set(found["dns_names"])
    assert "10.0.0.9" in found["ip_addresses"]
    assert set(found["extended_key_usages"]) == {"clientAuth", "serverAuth"}


def test_a_gateway_gets_no_key(tmp_path):
    given = Site(tmp_path, GATEWAY).call()
    assert "private_keys" not in given
    assert given["links"] == {}


def test_nothing_is_issued_where_it_is_only_asked(tmp_path):
    assert "private_keys" not in Site(tmp_path, GRPC).call(check=True)


def test_the_release_that_runs_is_kept_where_nobody_asks_for_another(tmp_path):
    site = Site(tmp_path, GRPC, version="v3.5.33").carry_out()
    site.inputs["version"] = ""
    assert site.titles() == []
    site.inputs["version"] = "3.6.14"
    assert site.titles() == [
        "web: restart, because it runs /opt/etcd/etcd-v3.5.33-linux-amd64/etcd, --endpoints-auto-sync-interval changes"
    ]


def test_a_certificate_that_ends_is_renewed_without_a_restart(tmp_path):
    site = Site(tmp_path, GRPC).carry_out()
    authority = site.pki.load(NOW)["client"]
    old = engine.issue(authority, LeafSpec.for_names("server", ["elsewhere"], days=30), NOW)
    site.own(certificate=old.cert_pem.decode())
    (title,) = site.titles()
    assert title.startswith("web: issue its certificate, because it does not name")


def test_other_members_are_written_and_learnt(tmp_path):
    site = Site(tmp_path, GRPC).carry_out()
    site.inputs["endpoints"].append("https://10.0.0.2:2379")
    assert site.titles() == ["web: write its files, no restart"]
    assert site.carry_out().titles() == []


def test_one_that_does_not_serve_is_told_and_not_restarted(tmp_path):
    site = Site(tmp_path, GRPC).carry_out().own(problem="no answer")
    assert site.titles() == []
    assert site.plan().ill == ("etcd-proxy-web.service does not serve: no answer",)


def test_a_drop_in_is_named_and_no_reason_to_restart(tmp_path):
    site = Site(tmp_path, GRPC).carry_out().own(command=["a", "b"], effective="a b", drop_ins=["/etc/x.conf"])
    plan = site.plan()
    assert plan.steps == ()
    assert plan.notes == ("etcd-proxy-web.service runs what /etc/x.conf says.",)


def test_one_that_goes_is_removed_once(tmp_path):
    site = Site(tmp_path, {"name": "web", "state": "absent"}).own(
        unit="# Managed by quorum.etcd: x\nExecStart=/opt/etcd grpc-proxy \\\n"
    )
    assert site.titles() == ["web: remove"]
    assert site.call()["state"] == "absent"
    assert site.own(unit="").titles() == []


def test_one_that_nobody_names_is_left_alone(tmp_path):
    site = Site(tmp_path, GATEWAY).carry_out()
    site.seen["others"] = ["etcd-proxy-old"]
    (note,) = site.plan().notes
    assert "left alone" in note
    assert "{name: old, state: absent}" in note


class TestARefusal:
    def refused(self, site):
        with pytest.raises((BadInput, Refused)) as caught:
            site.plan()
        return caught.value

    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
    def test_names_who_has_the_port(self, tmp_path, address):
        site = Site(tmp_path, GRPC)
        taken = {"port": 23790, "address": address, "pid": 7, "process": "nc", "unit": "nc.service"}
        site.seen["listeners"] = [taken]
        found = self.refused(site)
        assert found.code == "port-taken"
        assert "nc (nc.service, PID 7) listens on" in str(found)

    def test_is_none_for_its_own_process_or_another_address(self, tmp_path):
        site = Site(tmp_path, GRPC)
        own = {"port": 23790, "address": "127.0.0.1", "pid": 7, "process": "etcd", "unit": "etcd-proxy-web.service"}
        site.seen["listeners"] = [own, {**own, "address": "10.0.0.9", "unit": "x"}]
        assert site.titles()

    def test_is_for_a_common_name(self, tmp_path):
        files = {"client_cert": "/c.pem", "client_key": "/k.pem", "client_ca": "/ca.pem"}
        site = Site(tmp_path, {**GRPC, **files})
        authority = site.pki.load(NOW)["client"]
        named = engine.issue(authority, LeafSpec.for_names("client", common_name="app", days=30), NOW)
        site.seen["files"] = dict.fromkeys(files.values(), named.cert_pem.decode())
        assert self.refused(site).code == "proxy-common-name"
        site.seen["files"]["/k.pem"] = ""
        assert "/k.pem, of the proxy web, is missing or empty" in str(self.refused(site))

    def test_is_for_a_unit_of_somebody_else(self, tmp_path):
        site = Site(tmp_path, GRPC).own(unit="[Service]\nExecStart=/bin/true\n", unit_exists=True)
        assert self.refused(site).code == "proxy-unit"

    def test_is_for_a_cluster_without_a_ca(self, tmp_path):
        assert "Found the cluster first" in str(self.refused(Site(tmp_path, GRPC, founded=False)))

    def test_has_all_problems(self, tmp_path):
        site = Site(tmp_path, {**GRPC, "listen": "10.0.0.77:1"})
        site.seen.update(is_root=False, has_systemd=True, foreign_hosts=["10.0.0.77"])
        assert len(self.refused(site).texts) == 2
