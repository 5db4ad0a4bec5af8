# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import replace

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from inventory_of import LAYOUT, VERSION, bare, saying


def files(version=VERSION, **variables):
    return {file.path: file for file in render.files(bare(**variables).wanted, version, "x86_64", "/usr/bin/python3")}


def settings(text):
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line))


def test_a_member_is_its_files_and_what_saves_its_snapshots():
    found = files(tls=True)
    assert {path: (file.mode, file.owner, file.group) for path, file in found.items()} == {
        "/etc/etcd/etcd.conf": ("0640", "root", "etcd"),
        "/etc/systemd/system/etcd.service": ("0644", "root", "root"),
        "/usr/local/libexec/quorum.etcd/etcd/gate": ("0755", "root", "root"),
        "/usr/local/bin/etcdctl": ("0755", "root", "root"),
        "/etc/etcd/etcd-snapshot.json": ("0600", "root", "root"),
        "/etc/systemd/system/etcd-snapshot.service": ("0644", "root", "root"),
    }


def test_the_program_that_saves_snapshots_is_told_where_its_member_writes_and_when_it_is_started():
    found = json.loads(files()["/etc/etcd/etcd-snapshot.json"].content)
    assert found["member_dirs"] == ["/var/lib/etcd", "/var/lib/etcd/member/wal"]
    assert (found["schedule"], found["max_hash_size"]) == ("", 0)
    host = bare()
    snapshots = replace(host.wanted.snapshots, schedule="weekly", max_hash_size=7)
    wanted = replace(host.wanted, snapshots=snapshots)
    rendered = {file.path: file for file in render.files(wanted, VERSION, "x86_64", "/usr/bin/python3")}
    found = json.loads(rendered["/etc/etcd/etcd-snapshot.json"].content)
    assert (found["schedule"], found["max_hash_size"]) == ("weekly", 7)


def test_a_checksum_is_that_of_the_content():
    for file in files().values():
        assert file.sha256 == hashlib.sha256(file.content.encode()).hexdigest()


def test_the_settings_file_never_founds_a_cluster():
    """A member without data that starts with these alone joins an existing cluster or none."""
    found = settings(files(tls=True)[LAYOUT.conf_file].content)
    assert found["ETCD_INITIAL_CLUSTER_STATE"] == "existing"
    assert "ETCD_INITIAL_CLUSTER" not in found
    assert "ETCD_INITIAL_CLUSTER_TOKEN" not in found


@pytest.mark.parametrize("version, flag", [(VERSION, "memory-mlock"), ("3.5.33", "experimental-memory-mlock")])
def test_a_database_that_is_to_stay_in_memory_may_grow_there(version, flag):
    for value in (True, False):
        unit = files(version, etcd_settings={flag: value})[LAYOUT.unit_file].content
        assert ("LimitMEMLOCK=infinity\n" in unit) == value
    assert "LimitMEMLOCK" not in files()[LAYOUT.unit_file].content


def test_nothing_of_one_member_speaks_of_another():
    """Growing the cluster changes nobody else's files."""
    for file in files(tls=True).values():
        assert "10.0.0.2" not in file.content
        assert "etcd-host1" not in file.content


def test_rendering_twice_gives_the_same():
    assert files(tls=True) == files(tls=True)


def test_all_of_a_members_files_name_the_same_release():
    for version in ("3.5.33", "3.6.14"):
        found = files(version)
        release = LAYOUT.release_dir(version, "amd64")
        assert f"ExecStart={release}/etcd\n" in found[LAYOUT.unit_file].content
        assert f"exec {release}/etcdctl " in found[LAYOUT.link("etcdctl")].content
        assert render.links(bare().wanted, version, "x86_64")[LAYOUT.link("etcd")] == f"{release}/etcd"


@pytest.mark.parametrize("tls", [False, True])
def test_the_gate_records_everything_that_is_read_at_a_start(tls):
    gate = files(tls=tls)[LAYOUT.gate_file].content
    watched = {LAYOUT.conf_file, LAYOUT.unit_file, f"{LAYOUT.release_dir(VERSION, 'amd64')}/etcd"}
    if tls:
        watched |= {LAYOUT.certificate("ca"), LAYOUT.certificate("peer-ca")}
    line = next(line for line in gate.splitlines() if "sha256sum" in line)
    assert {word for word in shlex.split(line) if word.startswith("/") and "run_dir" not in word} == watched


def test_etcdctl_is_a_wrapper_and_the_others_are_links():
    found = render.links(bare(tls=False).wanted, VERSION, "x86_64")
    assert set(found) == {LAYOUT.link("etcd"), LAYOUT.link("etcdutl")}
    assert set(render.links(bare(tls=False).wanted, "3.4.23", "x86_64")) == {LAYOUT.link("etcd")}


@pytest.mark.parametrize("tls", [False, True])
def test_the_wrapper_speaks_tls_where_the_member_does(tls):
    text = files(tls=tls)[LAYOUT.link("etcdctl")].content
    assert (f"ETCDCTL_CERT={LAYOUT.certificate('admin')}" in text) is tls


def test_certificates_lie_behind_one_link():
    found = render.links(bare(tls=True).wanted, VERSION, "x86_64")
    leaves = {path: target for path, target in found.items() if path.startswith(LAYOUT.ssl_dir)}
    assert leaves == {
        f"{LAYOUT.ssl_dir}/{name}.pem": f"current/{name}.pem"
        for name in ("etcd", "etcd-key", "peer", "peer-key", "admin", "admin-key")
    }


def test_the_administrators_key_is_roots_alone():
    assert LAYOUT.owner_of_key("admin") == ("root", "root")
    assert LAYOUT.owner_of_key("etcd") == LAYOUT.owner_of_key("peer") == ("etcd", "etcd")


def test_what_is_written_is_what_is_observed():
    for tls in (False, True):
        host = bare(tls=tls)
        looked_at = render.observed_paths(LAYOUT)
        wanted = {*files(tls=tls), *render.links(host.wanted, VERSION, "x86_64")}
        wanted |= {LAYOUT.certificate(bundle) for bundle in render.BUNDLES} if tls else set()
        assert wanted <= set(looked_at["files"])


def test_the_text_of_a_key_is_never_observed():
    looked_at = render.observed_paths(LAYOUT)
    assert not [path for path in looked_at["certificates"] if "key" in path]


class TestWhatIsAskedOfAHost:
    def test_every_port_that_etcd_will_take(self):
        facts = render.facts(bare(tls=True).wanted)
        assert facts["ports"] == [2379, 2380, 2381]
        assert facts["addresses"] == ["10.0.0.1", "127.0.0.1"]

    def test_also_those_that_are_set(self):
        wanted = bare(
            etcd_client_port=4001, etcd_peer_port=7001, etcd_settings={"listen-metrics-urls": "http://127.0.0.1:9999"}
        ).wanted
        assert render.facts(wanted)["ports"] == [4001, 7001, 9999]

    def test_the_members_that_are_to_be_forgotten(self):
        assert render.facts(saying(bare(), forget=("ff",)).wanted)["forget"] == ["ff"]

    def test_a_wildcard_is_no_address_of_its_own(self):
        wanted = bare(etcd_listen_client_urls="http://0.0.0.0:2379").wanted
        assert "0.0.0.0" not in render.facts(wanted)["addresses"]

    def test_also_where_a_setting_is_wrong_so_that_the_plan_can_say_so(self):
        wanted = bare(etcd_settings={"no-such-setting": 1}).wanted
        assert {2379, 2380} <= set(render.facts(wanted)["ports"])
        with pytest.raises(BadInput, match="no-such-setting"):
            render.flags(wanted, VERSION)

    def test_the_layout_as_its_module_takes_it(self):
        wanted = bare(layout=replace(LAYOUT, data_dir="/data/etcd", wal_dir="/wal/etcd")).wanted
        facts = render.facts(wanted)
        assert (facts["instance"], facts["data_dir"], facts["wal_dir"]) == ("etcd", "/data/etcd", "/wal/etcd")


class TestInYaml:
    LAYOUT = replace(LAYOUT, config_format="yaml")

    def files(self, version=VERSION, **variables):
        wanted = bare(layout=self.LAYOUT, **variables).wanted
        return {file.path: file for file in render.files(wanted, version, "x86_64", "/usr/bin/python3")}

    def test_the_settings_file_is_another_and_says_the_same(self):
        text = self.files(tls=True)["/etc/etcd/etcd.conf.yml"].content
        assert env_file.read(text) == env_file.read(files(tls=True)["/etc/etcd/etcd.conf"].content)
        assert "/etc/etcd/etcd.conf" not in self.files()

    def test_the_settings_file_never_founds_a_cluster(self):
        found = yaml.safe_load(self.files()["/etc/etcd/etcd.conf.yml"].content)
        assert found["initial-cluster-state"] == "existing"
        assert not {"initial-cluster", "force-new-cluster"} & set(found)

    def test_what_etcd_would_ignore_is_refused_all_at_once(self):
        settings = {"client-crl-file": "/crl", "raft-read-timeout": "5s"}
        with pytest.raises(BadInput) as refused:
            self.files(etcd_settings=settings)
        lines = str(refused.value).splitlines()
        assert lines[0] == "etcd_config_format is yaml, for etcd 3.6.14:"
        assert [line.split()[1] for line in lines[1:]] == ["client-crl-file", "raft-read-timeout"]
        assert files(etcd_settings=settings), "variables can say it"

    def test_settings_have_the_names_of_the_release_that_reads_them(self):
        """An upgrade translates them as in the other form."""
        text = self.files("3.7.1", etcd_settings={"experimental-corrupt-check-time": "6h"})["/etc/etcd/etcd.conf.yml"]
        assert "\ncorrupt-check-time: 21600000000000  # 6h\n" in text.content

    def test_the_gate_is_written_before_the_unit_that_needs_it(self):
        paths = list(self.files())
        assert paths.index(self.LAYOUT.gate_file) < paths.index(self.LAYOUT.unit_file)
