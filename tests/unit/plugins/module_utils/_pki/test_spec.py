# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, KeySpec, LeafSpec
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("profile", ["server", "peer"])
def test_a_member_is_always_reached_as_localhost_too(profile: str) -> None:
    spec = LeafSpec.for_names(profile, ["etcd-host0", "10.0.0.1"])
    assert spec.dns_names == ("etcd-host0", "localhost")
    assert spec.ip_addresses == ("10.0.0.1", "127.0.0.1", "::1")


def test_a_client_has_only_the_names_it_was_given() -> None:
    assert LeafSpec.for_names("client", common_name="root").dns_names == ()


@given(st.ip_addresses(v=6).filter(lambda address: not address.ipv4_mapped))
def test_every_spelling_of_an_ipv6_address_is_one_name(address: ipaddress.IPv6Address) -> None:
    spellings = [address.exploded.upper(), address.compressed, f"[{address.exploded}]", f" {address} "]
    assert LeafSpec.for_names("peer", spellings).ip_addresses[0] == str(address)
    assert len(LeafSpec.for_names("peer", spellings).ip_addresses) == len({str(address), "127.0.0.1", "::1"})


def test_an_ipv4_address_written_as_ipv6_is_the_ipv4_address() -> None:
    assert LeafSpec.for_names("peer", ["::ffff:10.0.0.1"]).ip_addresses[0] == "10.0.0.1"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ETCD-0.Example.ORG", "etcd-0.example.org"),
        ("etcd-0.example.org.", "etcd-0.example.org"),
        ("*.example.org", "*.example.org"),
        ("etcd_0", "etcd_0"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_dns_name_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert LeafSpec.for_names("peer", [written]).dns_names[0] == kept


@pytest.mark.parametrize(
    "name",
    ["10.0.0.256", "10.0.0.1:2379", "10.0.0.0/24", "https://etcd-0", "bücher.example", "a b", "", "-a", "a..b", "*.org",
     "*", "a.*.example.org", "a" * 64, "a." * 127 + "a", "fe80::1%eth0"],
)  # fmt: skip
def test_what_no_certificate_can_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        LeafSpec.for_names("server", [name])
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize("profile", ["server", "peer"])
def test_a_member_has_no_common_name(profile: str) -> None:
    with pytest.raises(BadInput, match="etcd would take the member for a user"):
        LeafSpec.for_names(profile, ["10.0.0.1"], common_name="etcd-host0")


def test_a_client_without_a_common_name_is_refused() -> None:
    with pytest.raises(BadInput, match="such as root"):
        LeafSpec.for_names("client")


def test_a_member_certificate_for_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="at least one address"):
        LeafSpec("server")


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="server, peer, client"):
        LeafSpec.for_names("node", ["10.0.0.1"])


@pytest.mark.parametrize("days", [0, -1])
def test_a_certificate_lasts_at_least_a_day(days: int) -> None:
    with pytest.raises(BadInput, match="1 or more"):
        LeafSpec.for_names("peer", ["10.0.0.1"], days=days)
    with pytest.raises(BadInput, match="1 or more"):
        AuthoritySpec("etcd CA", days=days)


@pytest.mark.parametrize("common_name", ["", "a" * 65])
def test_a_name_that_no_ca_can_have_is_refused(common_name: str) -> None:
    with pytest.raises(BadInput):
        AuthoritySpec(common_name)


def test_a_name_as_long_as_a_certificate_holds_is_fine() -> None:
    assert AuthoritySpec("a" * 64).common_name == "a" * 64
    with pytest.raises(BadInput, match="65 characters"):
        LeafSpec.for_names("client", common_name="root", organization="a" * 65)


@pytest.mark.parametrize(("asked", "size"), [(KeySpec(), 256), (KeySpec("rsa"), 3072), (KeySpec("ec", 384), 384)])
def test_a_key_has_the_size_asked_for_or_the_usual_one(asked: KeySpec, size: int) -> None:
    assert asked.size == size


@pytest.mark.parametrize(("type_", "size"), [("rsa", 256), ("rsa", 1024), ("ec", 3072), ("dsa", 0), ("ec", 1)])
def test_a_weak_or_impossible_key_is_refused(type_: str, size: int) -> None:
    with pytest.raises(BadInput, match="Use "):
        KeySpec(type_, size)
