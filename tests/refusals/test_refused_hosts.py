# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that cannot carry a member, or cannot be looked at. One of three is enough, and the others stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hosts import Hosts
from operator_site import Site

HOST = "etcd-host1"


@contextmanager
def on_host(hosts: Hosts, do: str, undo: str) -> Iterator[None]:
    """A host that is different for a while."""
    hosts.run(HOST, do)
    try:
        yield
    finally:
        hosts.run(HOST, undo)


@pytest.fixture
def interpreter(hosts: Hosts, site: Site) -> Iterator[Callable[[str, str], None]]:
    """Gives the host a Python that is started by a shell line, and runs another line first."""

    def give(shell: str, python: str = "") -> None:
        hosts.run(
            HOST,
            "mkdir /opt/python && cd /opt/python\n"
            f"cat >sitecustomize.py <<'END'\n{python}\nEND\n"
            f"printf '#!/bin/sh\\n%s\\n' '{shell}' >python3 && chmod +x python3",
        )
        site.host(1)["ansible_python_interpreter"] = "/opt/python/python3"

    yield give
    hosts.run(HOST, "rm -r /opt/python")


@pytest.mark.matrix
def test_an_architecture_without_archives_is_refused(site: Site, interpreter: Callable[[str], None]) -> None:
    interpreter('exec setarch linux32 /usr/bin/python3 "$@"')
    site.is_refused(f"{HOST} ({site.addresses[1]}) is a ", "for which etcd has no archive; there are amd64, arm64")


def test_a_python_that_is_too_old_is_refused(site: Site, interpreter: Callable[[str, str], None]) -> None:
    interpreter(
        'PYTHONPATH=/opt/python exec /usr/bin/python3 "$@"', "import sys; sys.version_info = (3, 6, 8, 'final', 0)"
    )
    outcome = site.is_refused(
        f"{HOST} ({site.addresses[1]}) could not be looked at: its Python (/opt/python/python3) is 3.6",
        "needs 3.9 or newer",
        "a host that was not asked may hold the data",
        "Install one there, or set ansible_python_interpreter",
    )
    assert "can be reached" not in outcome.said, "it was"


@pytest.mark.matrix
def test_clocks_that_are_apart_are_a_warning(site: Site, interpreter: Callable[[str, str], None]) -> None:
    interpreter(
        'PYTHONPATH=/opt/python exec /usr/bin/python3 "$@"',
        "import time; true = time.time; time.time = lambda: true() - 60",
    )
    site.is_planned(f"warning: {HOST} ({site.addresses[1]}): its clock is", "s or more away from the controller's")


def test_a_host_without_systemd_is_refused(site: Site, hosts: Hosts) -> None:
    with on_host(hosts, "mv /run/systemd/system /run/systemd/away", "mv /run/systemd/away /run/systemd/system"):
        site.is_refused(f"{HOST} ({site.addresses[1]}) does not run systemd", "Hosts need systemd")


def test_a_user_who_is_not_root_is_refused(site: Site, hosts: Hosts) -> None:
    make = (
        "useradd --create-home plain && install -d -o plain -m 0700 ~plain/.ssh"
        " && install -o plain -m 0600 /root/.ssh/authorized_keys ~plain/.ssh"
    )
    with on_host(hosts, make, "userdel --force --remove plain"):
        site.host(1)["ansible_ssh_user"] = "plain"
        site.is_refused("a user who is not root", "Set ansible_become: true")


def test_a_port_that_somebody_has_is_refused_with_who_it_is(site: Site, hosts: Hosts) -> None:
    listen = (
        "systemd-run --quiet --unit=squatter python3 -m http.server 2380\n"
        "until ss -Hltn | grep -q :2380; do sleep 0.1; done"
    )
    with on_host(hosts, listen, "systemctl stop squatter"):
        site.is_refused(
            f"Port 2380 on {HOST} ({site.addresses[1]}) is taken by", "python3", "squatter.service", "etcd_peer_port"
        )


@pytest.mark.matrix
def test_a_disk_without_room_for_the_data_is_refused(site: Site, hosts: Hosts) -> None:
    make = "mkdir /var/lib/etcd && mount -t tmpfs -o size=100m tmpfs /var/lib/etcd"
    with on_host(hosts, make, "umount /var/lib/etcd && rmdir /var/lib/etcd"):
        site.is_refused("MiB free for /var/lib/etcd, and a member needs at least 256 MiB", "Make room")


@pytest.mark.matrix
def test_a_disk_without_room_for_the_release_is_refused(site: Site, hosts: Hosts) -> None:
    make = "mkdir /opt/etcd && mount -t tmpfs -o size=100m tmpfs /opt/etcd"
    with on_host(hosts, make, "umount /opt/etcd && rmdir /opt/etcd"):
        site.is_refused("MiB free for /opt/etcd, and a release needs at least 160 MiB", "etcd_install_dir")


@pytest.mark.parametrize(
    "directory",
    [
        "/var/lib/etcd",
        pytest.param("/etc/etcd", marks=pytest.mark.matrix),
        pytest.param("/opt/etcd", marks=pytest.mark.matrix),
    ],
)
def test_a_file_system_that_is_read_only_is_refused(site: Site, hosts: Hosts, directory: str) -> None:
    make = f"mkdir {directory} && mount --bind {directory} {directory} && mount -o remount,bind,ro {directory}"
    with on_host(hosts, make, f"umount {directory} && rmdir {directory}"):
        site.is_refused(f"has {directory} on a file system that is mounted read-only", "Mount it for writing")


@pytest.mark.matrix
def test_a_parent_that_is_somebody_elses_is_refused(site: Site, hosts: Hosts) -> None:
    site.variables |= {"etcd_data_dir": "/srv/etcd/data", "etcd_wal_dir": "/srv/etcd/wal"}
    with on_host(hosts, "mkdir /srv/etcd", "rmdir /srv/etcd"):
        site.is_refused("etcd_wal_dir /srv/etcd/wal in /srv/etcd, which is root:root", "/srv/etcd/etcd/wal")


@pytest.mark.matrix
def test_a_home_that_etcd_cannot_go_through_is_refused(site: Site, hosts: Hosts) -> None:
    site.variables["etcd_data_dir"] = "/home/aspire/etcd/data"
    with on_host(hosts, "useradd --create-home aspire && chmod 0700 ~aspire", "userdel --force --remove aspire"):
        site.is_refused("has /home/aspire, which is aspire:aspire with the mode 0700", "chmod o+x /home/aspire")


def test_a_host_that_cannot_be_reached_is_refused(site: Site) -> None:
    site.host(1)["ansible_port"] = 1
    site.is_refused("could not be looked at", "a host that was not asked may hold the data", "can be looked at")


@pytest.mark.matrix  # It takes Observe's whole minute.
def test_a_host_that_hangs_is_refused(site: Site, hosts: Hosts) -> None:
    site.host(1)["ansible_python_interpreter"] = "/opt/hangs"
    with on_host(hosts, "printf '#!/bin/sh\\nsleep 100' >/opt/hangs && chmod +x /opt/hangs", "rm /opt/hangs"):
        site.is_refused("could not be looked at", "Timed out after")
