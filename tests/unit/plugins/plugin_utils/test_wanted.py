# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Checksums
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Machine, Observation
from ansible_collections.quorum.etcd.plugins.plugin_utils import _program
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import trust_as_template
from ansible_collections.quorum.etcd.plugins.plugin_utils._wanted import NOWHERE, on_host, wanted_of
from inventory_of import LAYOUT


def inputs(layout=(), **changes):
    """The role's C(__etcd_inputs), with its defaults."""
    return {
        "cluster": "etcd_cluster",
        "version": None,
        "upgrade_stop_at": None,
        "settings": {},
        "tls": True,
        "auto_tls": False,
        "peer_auto_tls": False,
        "state": "present",
        "forget": [],
        "confirm": [],
        "allow_outage": False,
        "accept_mounts": [],
        "accept_machine": [],
        "restart": [],
        "known_variables": [],
        "checksums": {"given": {}, "url": releases.UPSTREAM, "from_mirror": False, "archive_dir": ""},
        "container": {"runtime": "", "image": "", "ids": {}},
        "snapshots": {
            "schedule": "daily",
            "directory": "/var/lib/etcd-snapshots",
            "keep": 3,
            "daily": 7,
            "weekly": 0,
            "max_hash_size": 1 << 20,
            "max_age": "26h",
            "after_command": [],
            "metrics_file": "",
        },
        "bootstrap": {
            "kind": "static",
            "endpoints": [],
            "token": "",
            "ca_file": "",
            "cert_file": "",
            "key_file": "",
            "user": "",
            "password": "",
            "url": "",
            "proxy": "",
        },
        "variables": {"NODE_NAME": "etcd-host0", "ansible_host": None, "etcd_name": None, "etcd_address": None},
        "layout": {**LAYOUT.to_dict(), **dict(layout)},
        **changes,
    }


def wanted(host="10.0.0.1", observed=NOWHERE, **changes):
    return wanted_of(host, inputs(**changes), observed)


def test_a_host_with_nothing_but_a_name_is_a_whole_member():
    found = wanted()
    assert (found.name, found.cluster, found.tls, found.version) == ("etcd-host0", "etcd_cluster", True, "")
    assert found.member.peer_urls == ("https://10.0.0.1:2380",)
    assert found.layout == LAYOUT


@pytest.mark.parametrize(
    "version, meant", [(None, ""), ("", ""), ("3.6.14", "3.6.14"), ("v3.6.14", "3.6.14"), (3.6, "3.6")]
)
def test_a_version_is_a_text_without_a_v(version, meant):
    assert wanted(version=version).version == meant


def test_certificates_that_etcd_makes_itself_are_said_port_by_port():
    assert wanted().auto_tls == (False, False)
    assert wanted(auto_tls=True, peer_auto_tls=True).auto_tls.variables == ["etcd_auto_tls", "etcd_peer_auto_tls"]
    with pytest.raises(BadInput, match="etcd_auto_tls is true and etcd_tls is false"):
        wanted(auto_tls=True, tls=False)
    with pytest.raises(BadInput, match="client-crl-file beside etcd_auto_tls"):
        wanted(auto_tls=True, settings={"client-crl-file": "/crl"})


@pytest.mark.parametrize("settings", [["a"], "quota", None, 7])
def test_settings_are_a_dictionary(settings):
    with pytest.raises(BadInput, match="etcd_settings is .* must be a dictionary"):
        wanted(settings=settings)


PATHS = {
    "data_dir": "etcd_data_dir",
    "conf_dir": "etcd_conf_dir",
    "install_dir": "etcd_install_dir",
    "bin_dir": "etcd_bin_dir",
    "wal_dir": "etcd_wal_dir",
    "log_file": "etcd_log_file",
}


@pytest.mark.parametrize("key, variable", PATHS.items())
@pytest.mark.parametrize(
    "path",
    ["etcd", "./a/b", "/etcd", "/", "//", "/a b/c", "/a/b'c", '/a/"b', "/a/$b", "/a/%b", "/a/b:c", "/a/b\n", "/a/../b"],
)
def test_a_path_that_would_do_harm_is_refused_by_the_name_of_its_variable(key, variable, path):
    with pytest.raises(BadInput, match=f"{variable} is .*absolute path at least two levels deep"):
        wanted(layout={key: path})


@pytest.mark.parametrize("key", ["data_dir", "wal_dir", "log_file"])
@pytest.mark.parametrize("path", ["/data/etcd/", "/data//etcd", "/data/./etcd", "/data/x/../etcd", "//data/etcd"])
def test_a_path_has_one_spelling(key, path):
    """Others compare it as a text: the gate with the kernel's mount points, systemd with its sandbox."""
    assert getattr(wanted(layout={key: path}).layout, key) == "/data/etcd"


@pytest.mark.parametrize(
    "layout, found, advised",
    [
        (
            {"wal_dir": "/srv/etcd/wal", "bin_dir": "/srv/etcd/bin"},
            "must own /srv/etcd, where etcd_bin_dir is, too",
            {"wal_dir": "/srv/etcd/etcd/wal"},
        ),
        (
            {"log_file": "/opt/etcd.log"},
            "must own /opt, where etcd_install_dir is",
            {"log_file": "/opt/etcd-member/etcd.log"},
        ),
        ({"wal_dir": "/etc/etcd/wal"}, "must own /etc/etcd, where etcd_conf_dir is", {"wal_dir": "/etc/etcd/etcd/wal"}),
    ],
)
def test_etcd_owns_nothing_in_which_root_runs_something_and_the_advice_is_accepted(layout, found, advised):
    with pytest.raises(BadInput, match=found) as refused:
        wanted(layout=layout)
    assert str(refused.value).endswith(next(iter(advised.values())))
    assert wanted(layout={**layout, **advised})


@pytest.mark.parametrize("key", ["data_dir", "conf_dir", "install_dir", "bin_dir"])
@pytest.mark.parametrize("path", [None, ""])
def test_a_path_that_is_needed_cannot_be_empty(key, path):
    with pytest.raises(BadInput, match=PATHS[key]):
        wanted(layout={key: path})


@pytest.mark.parametrize("path", [None, ""])
def test_the_log_may_be_where_etcd_puts_it(path):
    layout = wanted(layout={"wal_dir": path, "log_file": path}).layout
    assert (layout.wal_dir, layout.log_file) == ("", "")


def test_what_came_out_of_templates_is_plain_again():
    """From 2.19 on values of Ansible carry tags; what is registered and compared does not."""
    found = wanted(cluster=trust_as_template("etcd_cluster"), version=trust_as_template("3.6.14"))
    assert type(found.cluster) is str
    assert type(found.version) is str


def test_a_host_that_was_not_looked_at_yet_has_a_place_holder_and_no_error():
    assert wanted("machine").member.address == NOWHERE
    assert wanted("machine", observed="10.0.0.9").member.address == "10.0.0.9"


class TestSnapshots:
    def wanted(self, **changes):
        return wanted(snapshots={**inputs()["snapshots"], **changes}).snapshots

    def test_are_what_the_inventory_says(self):
        found = self.wanted(after_command=["/bin/cp", "a b"], metrics_file="/srv/etcd.prom", weekly="4")
        assert (found.schedule, found.keep, found.weekly, found.max_age) == ("daily", 3, 4, 26 * 3600)
        assert found.after_command == ("/bin/cp", "a b")
        assert found.metrics_file == "/srv/etcd.prom"

    def test_name_the_program_that_saves_them(self):
        assert self.wanted().program == _program.sha256()

    @pytest.mark.parametrize("empty", ["", None])
    def test_may_be_nobodys_business(self, empty):
        assert self.wanted(schedule=empty, max_age=empty, after_command=empty) == replace(
            self.wanted(), schedule="", max_age=0, after_command=()
        )

    @pytest.mark.parametrize(
        "name, value",
        [
            ("keep", 0),
            ("keep", "many"),
            ("daily", -1),
            ("max_age", "26"),
            ("max_age", "tomorrow"),
            ("after_command", "cp -a"),
            ("after_command", ["cp"]),
            ("after_command", [1]),
            ("schedule", "daily\nOnBootSec=0"),
            ("directory", "snapshots"),
            ("directory", "/"),
            ("metrics_file", "etcd.prom"),
        ],
    )
    def test_that_are_wrong_are_refused_by_their_variable(self, name, value):
        variable = "etcd_snapshot_dir" if name == "directory" else f"etcd_snapshot_{name}"
        with pytest.raises(BadInput, match=f"{variable} "):
            self.wanted(**{name: value})


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(BadInput) as caught:
        wanted(
            version="v3.6",
            settings={"quota-backend-byte": 1},
            state="gone",
            forget=7,
            layout={"data_dir": "etcd"},
            variables={"NODE_NAME": "two words", "etcd_address": "10.0.0.256", "etcd_peer_port": 0},
        )
    said = [
        "NODE_NAME of 10.0.0.1",
        "etcd_address of 10.0.0.1",
        "etcd_peer_port of 10.0.0.1",
        "etcd_data_dir is 'etcd'",
        "etcd_member_state of 10.0.0.1",
        "etcd_forget is 7",
        "etcd_version is '3.6'",
        "quota-backend-byte is no setting of etcd",
    ]
    assert len(caught.value.texts) == len(said)
    for text, begin in zip(caught.value.texts, said, strict=True):
        assert begin in text


@pytest.mark.parametrize("archive", ["etcd-v3.6.99-linux-amd64.tar.gz", "etcd-3.6.99-linux-amd64.tar.gz"])
@pytest.mark.parametrize("url, listed", [(releases.UPSTREAM, True), ("https://mirror.example.com", False)])
def test_an_archive_is_known_by_its_name_with_or_without_the_v(archive, url, listed):
    given = {"given": {archive: "0" * 64}, "url": url, "from_mirror": False, "archive_dir": ""}
    assert wanted(checksums=given).checksums == Checksums(("etcd-v3.6.99-linux-amd64.tar.gz",), listed)


def test_archives_on_the_controller_are_known_by_name_and_by_a_list_that_was_verified(tmp_path):
    """A list that was copied from a mirror beside its archives says nothing of them."""
    name = "etcd-v3.7.1-linux-amd64.tar.gz"
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    given = {"given": {}, "url": releases.UPSTREAM, "from_mirror": True, "archive_dir": str(tmp_path)}
    assert wanted(checksums=given).checksums == Checksums((), False, str(tmp_path), ("SHA256SUMS", name))
    pinned = next(iter(releases.PINNED))
    (tmp_path / "SHA256SUMS").write_text(f"{releases.VERIFIED}: ...\n{'0' * 64}  {name}\n{'0' * 64}  {pinned}\n")
    assert wanted(checksums=given).checksums.given == (name,), "what is pinned outranks the list"
    nowhere = {**given, "archive_dir": str(tmp_path / "nowhere")}
    assert wanted(checksums=nowhere).checksums == Checksums((), False, str(tmp_path / "nowhere"))


@pytest.mark.parametrize("given", [["a"], "sum", {"etcd-3.6.99-linux-amd64.tar.gz": "12"}])
def test_checksums_are_a_dictionary_of_sha256(given):
    with pytest.raises(BadInput, match="etcd_checksums"):
        wanted(checksums={"given": given, "url": releases.UPSTREAM, "from_mirror": False, "archive_dir": ""})


@pytest.mark.parametrize("given", ["yml", "", "YAML", "json"])
def test_a_form_of_the_settings_file_that_there_is_not_is_refused(given):
    with pytest.raises(BadInput, match=f"etcd_config_format is '{given}'.*Set etcd_config_format: env"):
        wanted(layout={"config_format": given})
    for known in ("env", "yaml"):
        assert wanted(layout={"config_format": known}).layout.config_format == known


class TestAMemberInAContainer:
    ID = "2f" * 32

    def wanted(self, runtimes, images=None, **changes):
        given = {"runtime": "", "image": "", "ids": {"3.6.14": self.ID}}
        found = wanted(container=given, layout={"install_method": "container"}, **changes)
        return on_host(found, Observation(host=Machine(runtimes=runtimes), images=images or {}))

    def test_runs_by_what_its_host_has(self):
        assert self.wanted(["podman"]).container == Container("podman", "", {"3.6.14": self.ID})

    @pytest.mark.parametrize("runtimes", [[], ["podman", "docker"]])
    def test_is_refused_where_nothing_or_nobody_decides(self, runtimes):
        with pytest.raises(BadInput):
            self.wanted(runtimes)

    @pytest.mark.parametrize("runtimes", [[], ["podman", "docker"]])
    def test_may_leave_without_a_runtime(self, runtimes):
        assert self.wanted(runtimes, state="absent").container.runtime == ""


def test_a_member_out_of_an_archive_does_not_ask_for_runtimes():
    found = wanted()
    assert on_host(found, Observation(host=Machine(runtimes=["podman", "docker"]))) == found
