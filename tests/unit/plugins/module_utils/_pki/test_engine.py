# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import ipaddress
import ssl
import string
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, KeySpec, LeafSpec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)
SERVER = LeafSpec.for_names("server", ["etcd-host0", "10.0.0.1", "fd00::1"])
PEER = LeafSpec.for_names("peer", ["10.0.0.1"])
ADMIN = LeafSpec.for_names("client", common_name="root")
RSA = KeySpec("rsa", 2048)


@pytest.fixture(scope="module")
def authority() -> engine.Authority:
    return engine.new_authority(AuthoritySpec("etcd test client CA"), NOW)


@pytest.fixture(scope="module")
def other_authority() -> engine.Authority:
    """Of the same name, so that only the signature tells them apart."""
    return engine.new_authority(AuthoritySpec("etcd test client CA"), NOW)


def certificate(cert_pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(cert_pem)


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout


# What is made


@pytest.mark.parametrize("ca_key", [KeySpec(), KeySpec("ec", 384), RSA], ids=str)
@pytest.mark.parametrize("key", [KeySpec(), KeySpec("ec", 521), RSA], ids=str)
@pytest.mark.parametrize(("profile", "common_name"), [("server", None), ("peer", None), ("client", "root")])
def test_openssl_accepts_what_is_issued(
    tmp_path: Path, ca_key: KeySpec, key: KeySpec, profile: str, common_name: str | None
) -> None:
    now = datetime.now(timezone.utc)
    ca = engine.new_authority(AuthoritySpec("etcd test CA", key=ca_key), now)
    issued = engine.issue(ca, LeafSpec.for_names(profile, common_name=common_name, key=key), now)
    (tmp_path / "ca.pem").write_bytes(ca.bundle_pem)
    (tmp_path / "leaf.pem").write_bytes(issued.cert_pem)
    (tmp_path / "key.pem").write_bytes(issued.key_pem)
    for purpose in ["sslclient"] if profile == "client" else ["sslclient", "sslserver"]:
        openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", f"{tmp_path}/ca.pem", f"{tmp_path}/leaf.pem")
    assert openssl("pkey", "-in", f"{tmp_path}/key.pem", "-pubout") == openssl(
        "x509", "-in", f"{tmp_path}/leaf.pem", "-noout", "-pubkey"
    )
    assert engine.pair_matches(issued.cert_pem, issued.key_pem)


def test_openssl_refuses_a_client_certificate_on_a_server(tmp_path: Path, authority: engine.Authority) -> None:
    issued = engine.issue(authority, ADMIN, NOW)
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem)
    (tmp_path / "leaf.pem").write_bytes(issued.cert_pem)
    at = str(int((NOW + timedelta(days=1)).timestamp()))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        openssl(
            "verify", "-attime", at, "-purpose", "sslserver", "-CAfile", f"{tmp_path}/ca.pem", f"{tmp_path}/leaf.pem"
        )
    assert "unsuitable certificate purpose" in refused.value.stderr


def test_a_ca_signs_leaves_and_nothing_else(authority: engine.Authority) -> None:
    ca = certificate(authority.cert_pem)
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    assert ca.not_valid_after_utc == NOW + timedelta(days=3650)


@pytest.mark.parametrize(("key", "enciphers"), [(KeySpec(), False), (RSA, True)], ids=str)
def test_a_leaf_signs_and_only_an_rsa_key_also_enciphers(
    authority: engine.Authority, key: KeySpec, enciphers: bool
) -> None:
    leaf = certificate(engine.issue(authority, LeafSpec.for_names("peer", key=key), NOW).cert_pem)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_encipherment) == (True, enciphers)
    assert not usage.value.key_cert_sign


def test_a_leaf_names_the_key_that_signed_it(authority: engine.Authority) -> None:
    leaf = certificate(engine.issue(authority, PEER, NOW).cert_pem)
    ca = certificate(authority.cert_pem)
    signer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert signer == ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)


def test_the_names_of_a_member_are_critical_because_it_has_no_subject(authority: engine.Authority) -> None:
    server, admin = (
        engine.issue(authority, SERVER, NOW),
        engine.issue(authority, LeafSpec.for_names("client", ["localhost"], common_name="root"), NOW),
    )
    kind = x509.SubjectAlternativeName
    assert not certificate(server.cert_pem).subject.rdns
    assert certificate(server.cert_pem).extensions.get_extension_for_class(kind).critical
    assert not certificate(admin.cert_pem).extensions.get_extension_for_class(kind).critical


def test_a_host_whose_clock_is_five_minutes_behind_accepts_a_new_certificate(authority: engine.Authority) -> None:
    for cert_pem in (authority.cert_pem, engine.issue(authority, PEER, NOW).cert_pem):
        assert certificate(cert_pem).not_valid_before_utc == NOW - timedelta(minutes=5)


def test_a_certificate_never_outlives_its_ca(authority: engine.Authority) -> None:
    late = NOW + timedelta(days=3650 - 10)
    issued = engine.issue(authority, PEER, late)
    assert certificate(issued.cert_pem).not_valid_after_utc == certificate(authority.cert_pem).not_valid_after_utc


@pytest.mark.parametrize("now", [NOW + timedelta(days=3650), NOW - timedelta(minutes=6)])
def test_a_ca_signs_nothing_outside_its_own_validity(authority: engine.Authority, now: datetime) -> None:
    with pytest.raises(Refused, match=next(iter(engine.fingerprints(authority.cert_pem)))):
        engine.issue(authority, PEER, now)


def test_serial_numbers_differ(authority: engine.Authority) -> None:
    issued = [engine.describe(engine.issue(authority, PEER, NOW).cert_pem, NOW) for _ in range(20)]
    assert len({seen["serial_number"] for seen in issued}) == 20


def test_no_key_shows_in_what_is_printed_of_an_object(authority: engine.Authority) -> None:
    issued = engine.issue(authority, PEER, NOW)
    assert "PRIVATE" not in repr(issued)
    assert "rivateKey" not in repr(authority)


def test_a_ca_made_again_for_its_key_verifies_what_the_first_one_signed(authority: engine.Authority) -> None:
    again = engine.new_authority(AuthoritySpec("etcd test client CA"), NOW + timedelta(days=9), authority.key)
    assert again.cert_pem != authority.cert_pem
    assert engine.why_renew(engine.issue(authority, PEER, NOW).cert_pem, PEER, again.cert_pem, NOW) == []


# Keys


def test_an_issued_key_goes_on_with_the_next_certificate(authority: engine.Authority) -> None:
    first = engine.issue(authority, PEER, NOW)
    second = engine.issue(authority, PEER, NOW, first.key_pem)
    assert second.key_pem == first.key_pem
    assert second.cert_pem != first.cert_pem


def test_a_key_of_another_kind_than_wanted_is_replaced(authority: engine.Authority) -> None:
    first = engine.issue(authority, PEER, NOW)
    wanted = LeafSpec.for_names("peer", ["10.0.0.1"], key=RSA)
    second = engine.issue(authority, wanted, NOW, first.key_pem)
    assert engine.describe(second.cert_pem, NOW)["key_type"] == "rsa"
    assert engine.pair_matches(second.cert_pem, second.key_pem)


def test_a_certificate_is_renewed_for_a_key_that_is_not_here(authority: engine.Authority) -> None:
    first = engine.issue(authority, SERVER, NOW)
    later = NOW + timedelta(days=1080)
    renewed = engine.renew(authority, SERVER, later, first.cert_pem)
    assert engine.pair_matches(renewed, first.key_pem)
    assert engine.why_renew(renewed, SERVER, authority.cert_pem, later) == []


def test_a_certificate_with_a_key_of_another_kind_cannot_be_renewed(authority: engine.Authority) -> None:
    first = engine.issue(authority, PEER, NOW)
    with pytest.raises(BadInput, match="ec 256, wanted is rsa 2048"):
        engine.renew(authority, LeafSpec.for_names("peer", ["10.0.0.1"], key=RSA), NOW, first.cert_pem)


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_a_key_opens_with_its_passphrase_only(passphrase: str) -> None:
    key = engine.new_key(KeySpec())
    key_pem = engine.dump_key(key, passphrase)
    assert engine.is_encrypted(key_pem)
    assert engine.load_key(key_pem, passphrase).private_numbers() == key.private_numbers()
    with pytest.raises(BadInput, match="no passphrase was given"):
        engine.load_key(key_pem)
    with pytest.raises(BadInput, match="does not open"):
        engine.load_key(key_pem, passphrase + "x")


def test_an_empty_passphrase_is_not_taken_for_none() -> None:
    with pytest.raises(BadInput, match="empty"):
        engine.dump_key(engine.new_key(KeySpec()), "")


def test_a_key_in_openssls_older_encrypted_form_opens_too(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(engine.dump_key(engine.new_key(KeySpec())))
    older = openssl("ec", "-aes256", "-passout", "pass:sesame", "-in", f"{tmp_path}/key.pem")
    assert "Proc-Type" in older
    assert engine.load_key(older.encode(), "sesame")


def test_a_key_that_is_neither_ec_nor_rsa_is_refused_by_kind() -> None:
    key_pem = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadInput, match="Ed25519"):
        engine.load_key(key_pem)


@given(st.binary(max_size=200))
def test_rubbish_is_neither_a_key_nor_a_certificate(rubbish: bytes) -> None:
    with pytest.raises(BadInput):
        engine.load_key(rubbish)
    with pytest.raises(BadInput):
        engine.certificates(rubbish)


# When a certificate is renewed


@pytest.mark.parametrize("spec", [SERVER, PEER, ADMIN], ids=lambda spec: spec.profile)
def test_a_fresh_certificate_stays(authority: engine.Authority, spec: LeafSpec) -> None:
    assert engine.why_renew(engine.issue(authority, spec, NOW).cert_pem, spec, authority.cert_pem, NOW) == []


def test_a_certificate_is_renewed_thirty_days_before_it_expires_and_not_a_second_earlier(
    authority: engine.Authority,
) -> None:
    cert_pem = engine.issue(authority, PEER, NOW).cert_pem
    limit = NOW + timedelta(days=1095 - 30)
    assert engine.why_renew(cert_pem, PEER, authority.cert_pem, limit - timedelta(seconds=1)) == []
    assert engine.why_renew(cert_pem, PEER, authority.cert_pem, limit) == [
        "it expires on 2029-02-28T12:00:00Z, within 30 days"
    ]


@given(st.integers(0, 1094))
def test_the_limit_of_renewal_is_where_it_was_asked_to_be(renew_before_days: int) -> None:
    ca = engine.new_authority(AuthoritySpec("CA"), NOW)
    cert_pem = engine.issue(ca, PEER, NOW).cert_pem
    limit = NOW + timedelta(days=1095 - renew_before_days)
    assert engine.why_renew(cert_pem, PEER, ca.cert_pem, limit - timedelta(seconds=1), renew_before_days) == []
    assert len(engine.why_renew(cert_pem, PEER, ca.cert_pem, limit, renew_before_days)) == 1


def test_an_expired_certificate_is_said_to_have_expired(authority: engine.Authority) -> None:
    cert_pem = engine.issue(authority, PEER, NOW).cert_pem
    assert engine.why_renew(cert_pem, PEER, authority.cert_pem, NOW + timedelta(days=1095)) == [
        "it expired on 2029-02-28T12:00:00Z"
    ]


def test_a_certificate_that_would_expire_with_its_ca_anyway_is_not_renewed_in_every_run(
    authority: engine.Authority,
) -> None:
    late = NOW + timedelta(days=3650 - 10)
    cert_pem = engine.issue(authority, PEER, late).cert_pem
    assert engine.why_renew(cert_pem, PEER, authority.cert_pem, late) == []


def test_a_certificate_that_would_be_renewed_as_soon_as_it_is_made_is_refused(authority: engine.Authority) -> None:
    short = LeafSpec.for_names("peer", ["10.0.0.1"], days=30)
    cert_pem = engine.issue(authority, short, NOW).cert_pem
    assert engine.why_renew(cert_pem, short, authority.cert_pem, NOW, 29) == []
    with pytest.raises(BadInput, match="in every run"):
        engine.why_renew(cert_pem, short, authority.cert_pem, NOW, 30)


def test_a_certificate_from_the_future_is_renewed(authority: engine.Authority) -> None:
    cert_pem = engine.issue(authority, PEER, NOW).cert_pem
    assert engine.why_renew(cert_pem, PEER, authority.cert_pem, NOW - timedelta(minutes=6)) == [
        "it is not valid before 2026-03-01T11:55:00Z"
    ]


def test_a_new_name_is_a_reason_and_a_name_too_many_is_none(authority: engine.Authority) -> None:
    fewer = LeafSpec.for_names("peer", ["10.0.0.1"])
    more = LeafSpec.for_names("peer", ["10.0.0.1", "10.0.0.4", "etcd-host3"])
    assert engine.why_renew(engine.issue(authority, fewer, NOW).cert_pem, more, authority.cert_pem, NOW) == [
        "it does not name etcd-host3",
        "it does not name 10.0.0.4",
    ]
    assert engine.why_renew(engine.issue(authority, more, NOW).cert_pem, fewer, authority.cert_pem, NOW) == []


def test_another_ca_of_the_same_name_is_another_ca(
    authority: engine.Authority, other_authority: engine.Authority
) -> None:
    cert_pem = engine.issue(authority, PEER, NOW).cert_pem
    assert engine.why_renew(cert_pem, PEER, other_authority.cert_pem, NOW) == [
        "it was not signed by the CA in use, but by CN=etcd test client CA"
    ]
    both = other_authority.cert_pem + authority.cert_pem
    assert engine.why_renew(cert_pem, PEER, both, NOW) == []


def test_another_profile_is_a_reason(authority: engine.Authority) -> None:
    client = LeafSpec.for_names("client", ["10.0.0.1"], common_name="root")
    reasons = engine.why_renew(engine.issue(authority, client, NOW).cert_pem, SERVER, authority.cert_pem, NOW)
    assert "its usage is clientAuth, a server certificate has serverAuth, clientAuth" in reasons
    assert "its subject is CN=root, wanted is an empty one" in reasons


def test_a_ca_in_place_of_a_leaf_is_a_reason(authority: engine.Authority) -> None:
    reasons = engine.why_renew(authority.cert_pem, PEER, authority.cert_pem, NOW)
    assert "its usage is that of a CA, a peer certificate has serverAuth, clientAuth" in reasons


def test_another_user_is_a_reason(authority: engine.Authority) -> None:
    cert_pem = engine.issue(authority, ADMIN, NOW).cert_pem
    wanted = LeafSpec.for_names("client", common_name="billing", organization="ACME")
    assert engine.why_renew(cert_pem, wanted, authority.cert_pem, NOW) == [
        "its subject is CN=root, wanted is CN=billing,O=ACME"
    ]


def test_another_kind_of_key_is_a_reason(authority: engine.Authority) -> None:
    wanted = LeafSpec.for_names("peer", ["10.0.0.1"], key=KeySpec("ec", 384))
    assert engine.why_renew(engine.issue(authority, PEER, NOW).cert_pem, wanted, authority.cert_pem, NOW) == [
        "its key is ec 256, wanted is ec 384"
    ]


def test_a_damaged_certificate_is_renewed(authority: engine.Authority) -> None:
    damaged = engine.issue(authority, PEER, NOW).cert_pem[:200]
    (reason,) = engine.why_renew(damaged, PEER, authority.cert_pem, NOW)
    assert reason.startswith("it cannot be read")


@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.text(string.ascii_letters + string.digits, min_size=1, max_size=20).map(lambda text: f"a{text}.example"),
        ),
        max_size=8,
    )
)
def test_what_was_issued_for_any_names_is_kept_for_them(names: list[str]) -> None:
    ca = engine.new_authority(AuthoritySpec("CA"), NOW)
    spec = LeafSpec.for_names("server", names)
    issued = engine.issue(ca, spec, NOW)
    seen = engine.describe(issued.cert_pem, NOW)
    assert engine.why_renew(issued.cert_pem, LeafSpec.for_names("server", reversed(names)), ca.cert_pem, NOW) == []
    assert seen["dns_names"] == list(spec.dns_names)
    assert [ipaddress.ip_address(address) for address in seen["ip_addresses"]] == [
        ipaddress.ip_address(address) for address in spec.ip_addresses
    ]


# What is said about a certificate


def test_a_certificate_is_described_in_plain_values(authority: engine.Authority) -> None:
    cert_pem = engine.issue(authority, SERVER, NOW).cert_pem
    seen = engine.describe(cert_pem, NOW + timedelta(days=1))
    assert seen == {
        "subject": "",
        "issuer": "CN=etcd test client CA",
        "serial_number": f"{certificate(cert_pem).serial_number:x}",
        "fingerprint_sha256": hashlib.sha256(ssl.PEM_cert_to_DER_cert(cert_pem.decode())).hexdigest(),
        "not_before": "2026-03-01T11:55:00Z",
        "not_after": "2029-02-28T12:00:00Z",
        "days_left": 1094,
        "dns_names": ["etcd-host0", "localhost"],
        "ip_addresses": ["10.0.0.1", "fd00::1", "127.0.0.1", "::1"],
        "extended_key_usages": ["serverAuth", "clientAuth"],
        "is_ca": False,
        "key_type": "ec",
        "key_size": 256,
    }


def test_days_left_are_whole_days_and_negative_after_the_end(authority: engine.Authority) -> None:
    cert_pem = engine.issue(authority, PEER, NOW).cert_pem
    end = NOW + timedelta(days=1095)
    for moment, days in ((end - timedelta(seconds=1), 0), (end, 0), (end + timedelta(seconds=1), -1)):
        assert engine.describe(cert_pem, moment)["days_left"] == days


def test_openssl_reads_the_same(tmp_path: Path, authority: engine.Authority) -> None:
    issued = engine.issue(authority, SERVER, NOW)
    seen = engine.describe(issued.cert_pem, NOW)
    (tmp_path / "leaf.pem").write_bytes(issued.cert_pem)
    text = openssl("x509", "-in", f"{tmp_path}/leaf.pem", "-noout", "-fingerprint", "-sha256", "-serial", "-dates")
    fields = dict(line.split("=", 1) for line in text.splitlines())
    assert (
        next(fields[key] for key in fields if "ingerprint" in key).replace(":", "").lower()
        == (seen["fingerprint_sha256"])
    )
    assert int(fields["serial"], 16) == int(seen["serial_number"], 16)
    assert fields["notAfter"] == "Feb 28 12:00:00 2029 GMT"


def test_a_bundle_is_its_certificates_whatever_their_order_and_comments(
    authority: engine.Authority, other_authority: engine.Authority
) -> None:
    bundle = b"# old\n" + authority.cert_pem + b"\n# new\n" + other_authority.cert_pem
    assert engine.certificates(bundle) == [authority.cert_pem, other_authority.cert_pem]
    assert engine.fingerprints(bundle) == engine.fingerprints(other_authority.cert_pem + authority.cert_pem)


def test_a_key_beside_a_certificate_is_passed_over(authority: engine.Authority) -> None:
    issued = engine.issue(authority, PEER, NOW)
    assert engine.certificates(issued.key_pem + issued.cert_pem) == [issued.cert_pem]


# A handshake, with the strict rules that Python 3.13 made its default


def handshake(server: engine.Issued, client: engine.Issued, trusted: bytes, name: str, tmp_path: Path) -> bytes | None:
    """Connects in memory; returns the client's certificate as the server sees it."""
    contexts = []
    for role, pair in ((ssl.PROTOCOL_TLS_SERVER, server), (ssl.PROTOCOL_TLS_CLIENT, client)):
        context = ssl.SSLContext(role)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=trusted.decode())
        (tmp_path / "cert.pem").write_bytes(pair.cert_pem)
        (tmp_path / "key.pem").write_bytes(pair.key_pem)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        contexts.append(context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[1].wrap_bio(to_client, to_server, server_hostname=name),
        contexts[0].wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[1].getpeercert(binary_form=True)


@pytest.mark.parametrize("name", ["etcd-host0", "10.0.0.1", "fd00::1", "localhost", "127.0.0.1", "::1"])
def test_a_member_is_reached_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    now = datetime.now(timezone.utc)
    ca = engine.new_authority(AuthoritySpec("CA"), now)
    server, admin = engine.issue(ca, SERVER, now), engine.issue(ca, ADMIN, now)
    seen = handshake(server, admin, ca.bundle_pem, name, tmp_path)
    assert seen == ssl.PEM_cert_to_DER_cert(admin.cert_pem.decode())
    assert handshake(server, server, ca.bundle_pem, name, tmp_path)


def test_a_member_is_not_reached_by_the_name_of_another(tmp_path: Path) -> None:
    now = datetime.now(timezone.utc)
    ca = engine.new_authority(AuthoritySpec("CA"), now)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"10\.0\.0\.2"):
        handshake(engine.issue(ca, SERVER, now), engine.issue(ca, ADMIN, now), ca.bundle_pem, "10.0.0.2", tmp_path)
