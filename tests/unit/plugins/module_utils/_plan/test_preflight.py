# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a host from carrying a member, one statement each, and where the line is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._plan import preflight
from inventory_of import LAYOUT, VERSION, bare, seeing, silent, three

MIB = 1 << 20

HOME = {"path": "/home/a", "owner": "a", "group": "b", "mode": "0700"}


def complaint(host, version=VERSION):
    with pytest.raises(BadInput) as caught:
        preflight.check([host], version)
    return str(caught.value)


def test_a_host_that_has_everything_is_fit():
    preflight.check(three(), VERSION)


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_every_architecture_with_an_archive_will_do(architecture):
    preflight.check([seeing(bare(), host={"architecture": architecture})], VERSION)


@pytest.mark.parametrize(
    "change, said",
    [
        (
            {"host": {"systemd": False}},
            "etcd-host0 does not run systemd, which starts and guards etcd. Hosts need systemd.",
        ),
        (
            {"host": {"architecture": "armv7l"}},
            "etcd-host0 is a armv7l, for which etcd has no archive; there are amd64, arm64, ppc64le, s390x.",
        ),
        (
            {"host": {"not_here": ["10.9.9.9"]}},
            "etcd-host0 is to listen on 10.9.9.9, which is on none of its interfaces. Put its address right",
        ),
        (
            {"read_only": ["/var/lib"]},
            "etcd-host0 has /var/lib on a file system that is mounted read-only. Mount it for writing.",
        ),
        (
            {"unsuitable": {"closed": [{**HOME, "setting": "etcd_data_dir"}], "unwritable": []}},
            "etcd-host0 has /home/a, which is a:b with the mode 0700: etcd cannot go through it, and etcd_data_dir is "
            "there. If others may go through it: chmod o+x /home/a. Else set etcd_data_dir to another place, or run "
            "etcd as its owner: etcd_system_user: a and etcd_system_group: b.",
        ),
        (
            {"unsuitable": {"closed": [{**HOME, "setting": "etcd_data_dir", "owner": "root"}], "unwritable": []}},
            "chmod o+x /home/a. Else set etcd_data_dir to another place.",
        ),
        (
            {"data": {"foreign": ["lost+found", "pgdata"]}},
            f"etcd-host0 has other things in {LAYOUT.data_dir} (lost+found, pgdata)",
        ),
        (
            {"data": {"foreign": ["pgdata"]}},
            f"Set etcd_data_dir to a directory of its own, such as {LAYOUT.data_dir}/etcd.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(change, said):
    assert said in complaint(seeing(bare(), **change))


def test_a_parent_in_which_etcd_cannot_write_is_said_with_what_to_do():
    parent = {"setting": "etcd_wal_dir", "path": "/srv/etcd", "owner": "root", "group": "root", "mode": "0755"}
    host = bare(layout=replace(LAYOUT, wal_dir="/srv/etcd/wal"))
    assert complaint(seeing(host, unsuitable={"unwritable": [parent]})) == (
        "etcd-host0 has etcd_wal_dir /srv/etcd/wal in /srv/etcd, which is root:root with the mode 0755. It must be "
        "etcd's own, for etcd makes that directory itself. Set etcd_wal_dir: /srv/etcd/etcd/wal, whose directory is "
        "then made for it."
    )


def test_a_log_directory_that_is_a_mount_point_would_make_etcd_panic():
    layout = replace(LAYOUT, wal_dir="/wal")
    text = complaint(seeing(bare(layout=layout), data={"wal_dir_is_mount": True}))
    assert text.startswith("etcd-host0 has etcd_wal_dir /wal, which is a mount point")
    assert text.endswith("Set etcd_wal_dir: /wal/wal.")


@pytest.mark.parametrize(
    "free, said",
    [
        ({"data": 256 * MIB}, ""),
        (
            {"data": 256 * MIB - 1},
            f"etcd-host0 has 255 MiB free for {LAYOUT.data_dir}, and a member needs at least 256 MiB.",
        ),
        ({"install": 160 * MIB}, ""),
        (
            {"install": 160 * MIB - 1},
            f"etcd-host0 has 159 MiB free for {LAYOUT.install_dir}, and a release needs at least 160 MiB.",
        ),
    ],
)
def test_there_must_be_room_to_the_byte(free, said):
    host = seeing(bare(), free=free)
    if said:
        assert said in complaint(host)
    else:
        preflight.check([host], VERSION)


def test_a_release_that_is_there_already_needs_no_room():
    full = seeing(bare(), free={"install": 0}, releases=[VERSION])
    preflight.check([full], VERSION)
    assert "0 MiB free" in complaint(full, version="3.5.33")


def test_everything_that_is_wrong_is_said_at_once_one_problem_a_line():
    hosts = [seeing(host, host={"systemd": False, "not_here": ["10.9.9.9", "10.9.9.8"]}) for host in three()]
    with pytest.raises(BadInput) as caught:
        preflight.check([*hosts, silent(bare(3))], VERSION)
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        f"etcd-host{at}" for at in (0, 1, 2) for _ in "abc"
    ]
