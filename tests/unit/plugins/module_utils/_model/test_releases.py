# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases

NAME = "etcd-v3.6.14-linux-amd64.tar.gz"
GIVEN = "ab" * 32


@pytest.mark.parametrize("version", ["3.4.0", "3.4.23", "3.5.33", "3.6.14", "3.7.1", "3.10.0"])
def test_every_version_from_3_4_can_be_installed(version):
    releases.check_version(version)


@pytest.mark.parametrize(
    "version", ["", "3.6", "v3.6.14", "3.3.27", "4.0.0", "3.6.14-rc.0", "3.6.14\n", "latest", "3.06.1", "../3.6.1"]
)
def test_anything_else_is_refused(version):
    with pytest.raises(BadInput, match=r"full version of 3\.4 or newer"):
        releases.check_version(version)


@pytest.mark.parametrize("version, is_old", [("3.3.10", True), ("2.3.8", True), ("3.0.1", True), ("3.6", False)])
def test_one_that_is_too_old_is_told_so(version, is_old):
    with pytest.raises(BadInput) as refused:
        releases.check_version(version)
    assert ("It is too old" in str(refused.value)) is is_old


@pytest.mark.parametrize(
    "machine, architecture", [("x86_64", "amd64"), ("aarch64", "arm64"), ("ppc64le", "ppc64le"), ("s390x", "s390x")]
)
def test_an_archive_is_named_as_upstream_names_it(machine, architecture):
    assert releases.archive("3.6.14", machine) == f"etcd-v3.6.14-linux-{architecture}.tar.gz"


@pytest.mark.parametrize("machine", ["i686", "armv7l", "amd64", ""])
def test_a_machine_without_archives_is_told_which_there_are(machine):
    with pytest.raises(BadInput, match="amd64, arm64, ppc64le, s390x"):
        releases.archive("3.6.14", machine)


@pytest.mark.parametrize("machine, architecture", [("x86_64", "amd64"), ("arm64", "arm64")])
def test_an_archive_for_darwin_is_a_zip(machine, architecture):
    name = releases.archive("3.6.14", machine, "Darwin")
    assert name == f"etcd-v3.6.14-darwin-{architecture}.zip"
    assert releases.directory(name) == f"etcd-v3.6.14-darwin-{architecture}"


def test_a_system_without_archives_is_told_which_there_are():
    with pytest.raises(BadInput, match="no archive for SunOS here; there are those for Linux and Darwin"):
        releases.archive("3.6.14", "x86_64", "SunOS")
    with pytest.raises(BadInput, match="no archive for ppc64le; there are amd64, arm64"):
        releases.archive("3.6.14", "ppc64le", "Darwin")


def test_etcdutl_came_with_3_5():
    assert "etcdutl" not in releases.tools("3.4.23")
    assert all(releases.tools(version) == ("etcd", "etcdctl", "etcdutl") for version in ("3.5.0", "3.6.14", "3.40.1"))


class TestTheChecksumOfAnArchive:
    def test_that_was_given_outranks_the_pinned_one(self):
        assert releases.known_checksum(NAME, {NAME: GIVEN.upper()}) == GIVEN

    def test_is_pinned_for_what_a_new_cluster_gets(self):
        for architecture in ("amd64", "arm64"):
            name = f"etcd-v{releases.DEFAULT_VERSION}-linux-{architecture}.tar.gz"
            assert re.fullmatch("[0-9a-f]{64}", releases.known_checksum(name, {}))

    def test_is_never_that_of_another(self):
        assert releases.known_checksum("etcd-v3.6.13-linux-amd64.tar.gz", {NAME: GIVEN}) == ""

    @pytest.mark.parametrize("given", ["abc", GIVEN + "0", "g" * 64, "sha256:" + GIVEN])
    def test_that_is_none_is_refused(self, given):
        with pytest.raises(BadInput, match="64 hexadecimal digits"):
            releases.known_checksum(NAME, {NAME: given})


class TestAReleasesOwnList:
    def test_is_believed_from_upstream_over_https(self):
        assert releases.checksums_url(releases.UPSTREAM + "/", "3.6.13", False) == (
            f"{releases.UPSTREAM}/v3.6.13/SHA256SUMS"
        )
        assert releases.UPSTREAM.startswith("https://")

    @pytest.mark.parametrize(
        "url",
        [
            "https://mirror.example.com/etcd",
            "https://mirror.example.com/X",
            releases.UPSTREAM + "X",
            releases.UPSTREAM.replace("https:", "http:"),
        ],
    )
    def test_is_believed_from_elsewhere_only_on_request(self, url):
        assert releases.checksums_url(url, "3.6.13", False) == ""
        assert releases.checksums_url(url, "3.6.13", True) == f"{url}/v3.6.13/SHA256SUMS"

    @pytest.mark.parametrize("line", [f"{GIVEN}  {NAME}", f"{GIVEN.upper()} *{NAME}", f"{GIVEN} {NAME}\r"])
    def test_holds_the_checksum(self, line):
        assert releases.checksum_in(f"{'0' * 64}  another.tar.gz\n{line}\n", NAME) == GIVEN

    @pytest.mark.parametrize("line", ["", NAME, f"{GIVEN[:-1]}  {NAME}", f"{GIVEN}  X{NAME}", f"{GIVEN}  {NAME}.sig"])
    def test_without_the_archive_holds_none(self, line):
        assert releases.checksum_in(line, NAME) == ""


@pytest.mark.parametrize("version", ["3.4.27", "3.4.45", "3.5.10", "3.5.33", "3.6.0", "3.7.1", "3.10.0"])
def test_the_tool_of_these_raises_the_revision(version):
    assert releases.can_raise_revision(version)


@pytest.mark.parametrize("version", ["3.4.0", "3.4.26", "3.5.0", "3.5.9"])
def test_the_tool_of_older_patches_ends_at_an_unknown_flag(version):
    assert not releases.can_raise_revision(version)


def test_versions_are_compared_by_their_numbers():
    assert releases.order("3.10.0") > releases.order("3.9.9")
