# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and versions of the distribution's packages."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import packages

# As Debian 12 prints it.
MADISON = """\
etcd-server | 3.4.23-4+b4 | http://deb.debian.org/debian bookworm/main amd64 Packages
etcd-client | 3.4.23-4+b4 | http://deb.debian.org/debian bookworm/main amd64 Packages
"""


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("3.4.23-4+b4", "3.4.23"),
        ("3.5.16-4", "3.5.16"),
        ("3.4.30-1ubuntu0.24.04.2", "3.4.30"),
        ("3.2.26+dfsg-3", "3.2.26"),
        ("3.6.0~rc1-1", ""),
        ("3.4.23", ""),
        ("N: Unable", ""),
    ],
)
def test_a_package_names_the_release_that_it_is_of(version, upstream):
    assert packages.upstream(version) == upstream


def test_what_apt_offers_is_what_both_packages_have():
    assert packages.offered(MADISON) == ["3.4.23-4+b4"]
    assert packages.offered(MADISON.splitlines()[0]) == []
    newer = MADISON.replace("3.4.23-4+b4", "3.5.16-4")
    assert packages.offered(f"{newer}{MADISON}{MADISON}") == ["3.5.16-4", "3.4.23-4+b4"]
    assert packages.offered("") == packages.offered("N: Unable to locate package etcd-server") == []


def test_files_count_where_both_packages_are_there_for_the_machine():
    both = ["etcd-server_3.4.23-4+b4_amd64.deb", "etcd-client_3.4.23-4+b4_amd64.deb"]
    assert packages.in_files(both, "x86_64") == ["3.4.23-4+b4"]
    assert packages.in_files(both, "aarch64") == packages.in_files(both[:1], "x86_64") == []
    ppc = [packages.file_name(one, "3.5.16-4", "ppc64le") for one in packages.PACKAGES]
    assert ppc[0] == "etcd-server_3.5.16-4_ppc64el.deb"
    assert packages.in_files([*ppc, *both, "SHA256SUMS"], "ppc64le") == ["3.5.16-4"]


def test_apt_is_asked_unless_a_member_runs_out_of_a_package_what_it_is_to_run():
    runs = "/opt/etcd/etcd-v3.4.23-linux-amd64-package/etcd"
    assert packages.is_settled("", ["3.4.23"], runs)
    assert packages.is_settled("3.4.23", ["3.4.23"], runs)
    assert not packages.is_settled("3.5.16", ["3.4.23"], runs)
    assert not packages.is_settled("", [], runs)
    assert not packages.is_settled("3.4.23", ["3.4.23"], "")
    assert not packages.is_settled("3.4.23", ["3.4.23"], "/opt/etcd/etcd-v3.4.23-linux-amd64/etcd")
