# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rendered wrapper, run by a shell, around an etcdctl that says what it was given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import etcdctl as _etcdctl

ENDPOINT = "https://10.0.0.1:2379"
FAKE = """#!{python}
import json, os, sys
given = {{name: value for name, value in os.environ.items() if name.startswith("ETCD")}}
print(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], given]))
"""


class Wrapper:
    def __init__(self, layout, directory, tls, version="3.6.14", verifies=True):
        release = directory / "release"
        release.mkdir()
        for tool in ("etcdctl", "etcdutl", "reader"):
            (release / tool).write_text(FAKE.format(python=sys.executable))
            (release / tool).chmod(0o755)
        self.path = directory / "etcdctl"
        rendered = _etcdctl.render(layout, version, str(release), ENDPOINT, tls, sys.executable, verifies)
        self.path.write_text(rendered.replace(layout.snapshot_program, str(release / "reader")))
        self.path.chmod(0o755)
        ssl = Path(layout.ssl_dir)
        ssl.mkdir(parents=True)
        self.cacert, self.cert, self.key = (str(ssl / name) for name in ("ca.pem", "admin.pem", "admin-key.pem"))
        for path in (self.cacert, self.cert, self.key):
            Path(path).touch()

    def type(self, *arguments, **variables):
        """Called with nothing but these variables, as C(sudo) does."""
        return subprocess.run(
            [str(self.path), *arguments],
            env={"PATH": "/usr/bin:/bin", **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def __call__(self, *arguments, **variables):
        """What etcdctl gets."""
        done = self.type(*arguments, **variables)
        self.said = done.stderr
        tool, given, environment = json.loads(done.stdout)
        assert (tool, given) == ("etcdctl", list(arguments)), "a command reaches etcdctl as it was typed"
        return environment

    def done_by(self, *arguments, **variables):
        """The tool that does it, and with which words."""
        tool, given, _environment = json.loads(self.type(*arguments, **variables).stdout)
        return tool, given

    def refused(self, *arguments, **variables):
        """What is said instead of doing it."""
        done = self.type(*arguments, **variables)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
        return done.stderr


@pytest.fixture
def etcdctl(layout, tmp_path):
    return Wrapper(layout, tmp_path, tls=True)


def test_a_command_without_flags_reaches_the_local_member_as_its_administrator(etcdctl):
    assert etcdctl("member", "list") == {
        "ETCDCTL_ENDPOINTS": ENDPOINT,
        "ETCDCTL_CACERT": etcdctl.cacert,
        "ETCDCTL_CERT": etcdctl.cert,
        "ETCDCTL_KEY": etcdctl.key,
    }
    assert etcdctl.said == ""


@pytest.mark.parametrize(
    "flag, replaced",
    [
        ("--endpoints", {"ETCDCTL_ENDPOINTS"}),
        ("--cacert", {"ETCDCTL_CACERT"}),
        ("--cert", {"ETCDCTL_CERT", "ETCDCTL_KEY"}),
        ("--key", {"ETCDCTL_CERT", "ETCDCTL_KEY"}),
        ("--insecure-skip-tls-verify", {"ETCDCTL_CACERT"}),
    ],
)
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_a_flag_stands_for_its_variable(etcdctl, flag, replaced, joined, before):
    """etcdctl ends with an error when a setting is given both ways."""
    words = [f"{flag}=x"] if joined else [flag, "x"]
    arguments = [*words, "get", "a"] if before else ["get", "a", *words]
    everything = set(etcdctl("get"))
    assert set(etcdctl(*arguments)) == everything - replaced


@pytest.mark.parametrize(
    "flag", ["--endpoint", "--cacerts", "--certificate", "--keys-only", "--key-file", "--prefix", "--from-key"]
)
def test_a_flag_with_a_similar_name_is_another(etcdctl, flag):
    assert set(etcdctl("get", flag, "a")) == set(etcdctl("get", "a"))


def test_the_guides_whole_command_line_is_left_as_it_is(etcdctl):
    given = ["--cacert=/a.pem", "--cert=/b.pem", "--key=/c.pem", "--endpoints=https://10.0.0.1:2379"]
    assert etcdctl(*given, "endpoint", "health") == {}


def test_the_variable_of_older_guides_brings_no_complaint_of_newer_etcdctls(etcdctl):
    assert "ETCDCTL_API" not in etcdctl("get", "a", ETCDCTL_API="3")


@pytest.mark.parametrize("name", ["ETCDCTL_ENDPOINTS", "ETCDCTL_CACERT"])
def test_a_variable_of_ones_own_wins(etcdctl, name):
    assert etcdctl("get", "a", **{name: "mine"})[name] == "mine"


@pytest.mark.parametrize("name", ["ETCDCTL_CERT", "ETCDCTL_KEY"])
def test_a_pair_of_ones_own_is_not_mixed_with_the_administrators(etcdctl, name):
    environment = etcdctl("get", "a", **{name: "mine"})
    assert {key for key in environment if key in ("ETCDCTL_CERT", "ETCDCTL_KEY")} == {name}


def test_other_variables_pass(etcdctl):
    assert etcdctl("get", "a", ETCDCTL_USER="me:secret")["ETCDCTL_USER"] == "me:secret"


def test_what_follows_two_dashes_is_no_flag(etcdctl):
    assert set(etcdctl("put", "a", "--", "--cert=x")) == set(etcdctl("put", "a"))


@pytest.mark.parametrize("value", ["two words", "$HOME `id`", "a'b\"c", "*", "", "line\nbreak", "\\"])
def test_values_are_not_interpreted(etcdctl, value):
    etcdctl("put", value, value)


def test_somebody_who_cannot_read_the_key_is_told_so(etcdctl):
    os.unlink(etcdctl.key)
    etcdctl("get", "a")
    assert "use sudo, or --cert and --key" in etcdctl.said
    etcdctl("get", "a", "--cert=x", "--key=y")
    assert etcdctl.said == ""


def test_without_tls_there_is_nothing_about_certificates(layout, tmp_path):
    etcdctl = Wrapper(layout, tmp_path, tls=False)
    assert set(etcdctl("get", "a")) == {"ETCDCTL_ENDPOINTS"}
    assert etcdctl.said == ""


@pytest.mark.parametrize("typed", [["cluster-health"], ["-w", "table", "cluster-health"]])
def test_the_health_of_the_cluster_by_its_old_name(etcdctl, typed):
    flags = typed[:-1]
    assert etcdctl.done_by(*typed) == ("etcdctl", ["endpoint", "health", "--cluster", *flags])


def test_a_snapshot_is_looked_at_by_who_compares_its_checksum(etcdctl):
    typed = ["--write-out=table", "snapshot", "status", "backup.db"]
    assert etcdctl.done_by(*typed) == ("reader", typed)


@pytest.mark.parametrize("version, tool", [("3.4.23", "etcdctl"), ("3.5.33", "etcdctl"), ("3.6.14", "etcdutl")])
def test_a_snapshot_is_restored_by_whoever_can(layout, tmp_path, version, tool):
    typed = ["snapshot", "restore", "backup.db", f"--data-dir={tmp_path}/restored"]
    assert Wrapper(layout, tmp_path, True, version).done_by(*typed) == (tool, typed)


@pytest.mark.parametrize("flag", ["--data-dir", "--wal-dir"])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("below", ["", "/", "/member/wal", "/../{name}"])
def test_no_snapshot_is_restored_into_the_members_own_directories(etcdctl, layout, flag, joined, below):
    place = layout.data_dir + below.format(name=os.path.basename(layout.data_dir))
    words = [f"{flag}={place}"] if joined else [flag, place]
    said = etcdctl.refused("snapshot", "restore", "backup.db", *words)
    assert f"{place} is this member's own directory" in said
    assert "ansible-playbook quorum.etcd.restore" in said


def test_a_key_may_be_called_like_a_word_that_is_gone(etcdctl):
    for word in ("set", "ls", "backup", "migrate", "cluster-health", "status"):
        etcdctl("put", word, word)
        etcdctl("get", "--prefix", word)


@pytest.mark.parametrize(
    "version, word, now",
    [
        ("3.4.23", "set", "etcdctl put KEY VALUE"),
        ("3.6.14", "ls", "etcdctl get --prefix --keys-only"),
        ("3.6.14", "backup", "etcdctl snapshot save FILE"),
        ("3.5.33", "migrate", "the etcdctl of etcd 3.4"),
    ],
)
def test_a_word_that_is_gone_ends_with_the_one_that_is_there_now(layout, tmp_path, version, word, now):
    assert now in Wrapper(layout, tmp_path, True, version).refused(word, "/foo", "bar")


def test_a_word_that_is_still_there_is_etcdctls_own(layout, tmp_path):
    etcdctl = Wrapper(layout, tmp_path, True, "3.4.23")
    etcdctl("migrate", "--data-dir", "/x")
    for word in ("set", "ls", "backup", "cluster-health", "snapshot"):
        etcdctl(word, ETCDCTL_API="2")


def test_version_2_is_said_to_be_gone(etcdctl):
    assert "ETCDCTL_API=2 is gone since etcd 3.6" in etcdctl.refused("get", "/foo", ETCDCTL_API="2")


class TestWhereMembersMakeTheirCertificatesThemselves:
    @pytest.fixture
    def etcdctl(self, layout, tmp_path):
        return Wrapper(layout, tmp_path, True, verifies=False)

    def test_none_is_shown_and_none_is_verified(self, etcdctl):
        given = etcdctl("get", "/foo")
        assert given["ETCDCTL_INSECURE_SKIP_TLS_VERIFY"] == "true"
        assert given["ETCDCTL_INSECURE_TRANSPORT"] == "false"
        assert not {"ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"} & set(given)

    @pytest.mark.parametrize("flag", ["--cacert=/x", "--insecure-skip-tls-verify"])
    def test_a_flag_of_ones_own_wins(self, etcdctl, flag):
        """etcdctl ends with an error where something is given twice."""
        assert "ETCDCTL_INSECURE_SKIP_TLS_VERIFY" not in etcdctl(flag, "get", "/foo")

    def test_so_does_one_that_is_not_about_certificates(self, etcdctl):
        assert "ETCDCTL_INSECURE_TRANSPORT" not in etcdctl("--insecure-transport=true", "get", "/foo")

    def test_so_does_a_variable(self, etcdctl):
        assert "ETCDCTL_INSECURE_SKIP_TLS_VERIFY" not in etcdctl("get", "/foo", ETCDCTL_CACERT="/x")
        assert (
            etcdctl("get", "/foo", ETCDCTL_INSECURE_SKIP_TLS_VERIFY="false")["ETCDCTL_INSECURE_SKIP_TLS_VERIFY"]
            == "false"
        )


@pytest.mark.parametrize(("tls", "verifies"), [(False, True), (True, True), (True, False)])
@pytest.mark.parametrize("version", ["3.4.23", "3.5.33", "3.6.14"])
def test_shellcheck_has_nothing_to_say(layout, tmp_path, tls, verifies, version):
    assert shutil.which("shellcheck"), "shellcheck is missing: `make deps` installs it"
    path = Wrapper(layout, tmp_path, tls, version, verifies).path
    done = subprocess.run(["shellcheck", "--shell=sh", str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
