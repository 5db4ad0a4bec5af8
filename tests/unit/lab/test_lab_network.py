# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network

import pytest

from lab.commands import LabError
from lab.network import MOST_HOSTS, Subnet, free_subnet, narrow


def test_the_first_lab_gets_the_first_subnet() -> None:
    assert free_subnet([]).ipv4 == "10.213.0.0/24"


def test_a_subnet_in_use_is_left_alone() -> None:
    taken = [IPv4Network("10.213.0.0/24"), IPv4Network("10.213.1.128/25"), IPv4Network("192.0.2.0/24")]
    assert free_subnet(taken) == Subnet(2)


def test_a_machine_full_of_labs_is_a_clear_error() -> None:
    with pytest.raises(LabError, match=r"All of 10\.213\.0\.0/16 is taken: end a lab"):
        free_subnet([IPv4Network("10.213.0.0/16")])


def test_a_route_to_a_wide_network_does_not_keep_labs_away() -> None:
    assert narrow(["default", "10.0.0.0/8", "10.213.4.0/24", "10.213.5.7"]) == [
        IPv4Network("10.213.4.0/24"),
        IPv4Network("10.213.5.7/32"),
    ]


def test_every_host_has_addresses_of_its_own() -> None:
    subnet = Subnet(7)
    for made in (
        {subnet.address(number) for number in range(MOST_HOSTS)},
        {subnet.address(number, 6) for number in range(MOST_HOSTS)},
        {subnet.mac(number) for number in range(MOST_HOSTS)},
    ):
        assert len(made) == MOST_HOSTS
    assert subnet.gateway not in {subnet.address(number) for number in range(MOST_HOSTS)}


def test_a_host_keeps_its_addresses() -> None:
    assert Subnet(3).address(1) == "10.213.3.11"
    assert Subnet(3).address(1, 6) == "fd00:213:3::11"
    assert Subnet(3).mac(1) == "02:00:0a:d5:03:0b"


@pytest.mark.parametrize("third", [0, 1, 255])
def test_an_address_is_written_as_etcd_writes_it(third: int) -> None:
    address, network = Subnet(third).address(2, 6), Subnet(third).ipv6
    assert (address, network) == (str(IPv6Address(address)), str(IPv6Network(network)))


def test_labs_share_no_hardware_address() -> None:
    assert Subnet(1).mac(0) != Subnet(2).mac(0)


def test_a_host_beyond_the_subnet_is_refused() -> None:
    with pytest.raises(LabError, match="room for 200 hosts"):
        Subnet(0).address(MOST_HOSTS)
