# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from lab.links import firewall, partition


def test_a_partition_drops_what_crosses_it_and_nothing_else() -> None:
    rules = [line.strip() for line in partition("quorum-demo", ["10.213.0.10", "10.213.0.11"], []).splitlines()]
    inside = "{ 10.213.0.10, 10.213.0.11 }"
    assert f"ip saddr {inside} ip daddr != {inside} drop" in rules
    assert f"ip daddr {inside} ip saddr != {inside} drop" in rules


def test_a_partition_holds_for_ipv6_too() -> None:
    assert "ip6 saddr { fd00:213::10 } ip6 daddr != { fd00:213::10 } drop" in partition("t", ["a"], ["fd00:213::10"])


def test_a_partition_replaces_the_one_before() -> None:
    first, second, third, *_ = partition("quorum-demo", ["a"], ["b"]).splitlines()
    assert (first, second) == ("table bridge quorum-demo", "delete table bridge quorum-demo")
    assert third.startswith("table bridge quorum-demo {")


def test_a_partition_sees_only_what_goes_from_host_to_host() -> None:
    assert "type filter hook forward" in partition("t", ["a"], ["b"])


def rules(commands: str) -> list[str]:
    return [line.strip() for line in commands.splitlines() if line.endswith(" drop")]


def test_a_block_drops_only_what_opens_a_connection_in_its_direction() -> None:
    ipv4, ipv6 = rules(firewall("t", [["10.213.0.10"], ["10.213.0.11", "10.213.0.12"]], [["fd00::10"], ["fd00::11"]]))
    assert ipv4 == (
        "ip saddr { 10.213.0.10 } ip daddr { 10.213.0.11, 10.213.0.12 } tcp flags & (syn | ack) == syn drop"
    )
    assert ipv6 == "ip6 saddr { fd00::10 } ip6 daddr { fd00::11 } tcp flags & (syn | ack) == syn drop"


def test_a_block_of_one_port_leaves_the_others_open() -> None:
    for rule in rules(firewall("t", [["a"], ["b"]], [["c"], ["d"]], port=2390)):
        assert " daddr { b } tcp dport 2390 tcp flags " in rule or " daddr { d } tcp dport 2390 tcp flags " in rule


def test_a_block_leaves_those_before_it() -> None:
    commands = firewall("quorum-demo-blocks", [["a"], ["b"]], [["c"], ["d"]])
    assert commands.startswith("table bridge quorum-demo-blocks {")
    assert "delete" not in commands
    assert "type filter hook forward" in commands
