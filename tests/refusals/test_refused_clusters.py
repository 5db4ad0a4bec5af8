# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a new cluster is wanted, and something of another one is there: it is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hosts import Hosts
from operator_site import Site

HOST = "etcd-host1"

# A cluster of one on this host, made by hand.
_MEMBER = (
    "/opt/legacy/etcd --name old --data-dir {data} "
    "--listen-client-urls http://127.0.0.1:{port} --advertise-client-urls http://127.0.0.1:{port} "
    "--listen-peer-urls http://127.0.0.1:{peer} --initial-advertise-peer-urls http://127.0.0.1:{peer} "
    "--initial-cluster old=http://127.0.0.1:{peer}"
)


@pytest.fixture
def unpacked(hosts: Hosts, site: Site) -> Iterator[None]:
    """etcd's programs on a host, put there by somebody else."""
    url = f"{site.variables['etcd_download_url']}/v3.6.14/etcd-v3.6.14-linux-amd64.tar.gz"
    hosts.run(HOST, f"mkdir /opt/legacy && curl -sf {url} | tar -xz -C /opt/legacy --strip-components=1")
    yield
    hosts.run(HOST, "rm -rf /opt/legacy /var/lib/etcd")


@pytest.fixture
def legacy(hosts: Hosts, unpacked: None) -> Iterator[Callable[..., None]]:
    """Runs a member of an old cluster as a unit, with its data where the new one would have them or elsewhere."""
    units = []

    def run(unit: str, data: str, port: int, peer: int) -> None:
        units.append(unit)
        command = _MEMBER.format(data=data, port=port, peer=peer)
        hosts.run(
            HOST,
            f"printf '[Service]\\nType=notify\\nExecStart={command}\\n' >/etc/systemd/system/{unit}.service\n"
            f"systemctl daemon-reload && systemctl start {unit}",
        )

    yield run
    for unit in units:
        hosts.run(
            HOST, f"systemctl stop {unit} || true; rm -f /etc/systemd/system/{unit}.service; systemctl daemon-reload"
        )


def test_a_member_that_somebody_else_runs_is_refused(site: Site, legacy: Callable[..., None]) -> None:
    legacy("legacy", "/opt/legacy/data", 2379, 12380)
    site.is_refused(
        f"{HOST} ({site.addresses[1]}) runs an etcd that this collection did not start",
        "of legacy.service, /opt/legacy/etcd --name old",
        "It uses ",
        "a cluster that is not ours is left alone",
        "If it is not needed, stop it",
    )


@pytest.mark.matrix
def test_one_that_is_in_nobodys_way_is_a_warning(site: Site, legacy: Callable[..., None]) -> None:
    legacy("legacy", "/opt/legacy/data", 12379, 12380)
    site.is_planned(
        f"warning: {HOST} ({site.addresses[1]}) runs another etcd, process ",
        "of legacy.service, /opt/legacy/etcd --name old",
        "It uses none of the ports and directories of this one and is left alone.",
    )


@pytest.mark.matrix
def test_a_write_ahead_log_is_refused_with_whose_it_is(site: Site, hosts: Hosts, legacy: Callable[..., None]) -> None:
    legacy("legacy", "/var/lib/etcd", 12379, 12380)
    hosts.run(HOST, "systemctl stop legacy && rm /etc/systemd/system/legacy.service && systemctl daemon-reload")
    site.is_refused(
        f"{HOST} ({site.addresses[1]}) has a write-ahead log in /var/lib/etcd/member/wal of member ",
        "If its data are not needed",
        "move its data directory aside",
    )


def test_a_unit_of_the_same_name_is_refused(site: Site, hosts: Hosts) -> None:
    unit = "/etc/systemd/system/etcd.service"
    hosts.run(HOST, f"printf '[Service]\\nExecStart=/bin/true\\n' >{unit} && systemctl daemon-reload")
    try:
        site.is_refused(f"has a unit etcd.service that this collection did not write ({unit})", "systemctl disable")
    finally:
        hosts.run(HOST, f"rm {unit} && systemctl daemon-reload")


def test_a_live_cluster_that_is_not_ours_is_refused_with_what_it_is(
    site: Site, hosts: Hosts, legacy: Callable[..., None]
) -> None:
    legacy("etcd", "/var/lib/etcd", 2379, 2380)
    site.is_refused(
        f"{HOST} ({site.addresses[1]}) has a write-ahead log in /var/lib/etcd/member/wal of member ",
        "its marker (none) does not say that it is ours",
        "It runs as etcd.service (/etc/systemd/system/etcd.service): /opt/legacy/etcd --name old",
        "Its cluster's members: old at http://127.0.0.1:2380",
        "a cluster that is not ours is left alone",
    )
    assert hosts.run(HOST, "systemctl is-active etcd").strip() == "active"
