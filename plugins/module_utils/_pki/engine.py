# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Certificates as etcd wants them: made, judged and described. PEM bytes in, PEM bytes out.

Nothing here reads a file or a clock: C(now) is an argument, always a datetime with a time zone.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.certificate_policy import BACKDATED
from ansible_collections.quorum.etcd.plugins.module_utils._pki.cryptography_dep import (
    InvalidSignature,
    ec,
    hashes,
    rsa,
    serialization,
    x509,
)
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import (
    PROFILES,
    RENEW_BEFORE_DAYS,
    AuthoritySpec,
    KeySpec,
    LeafSpec,
    check_renewal,
)

if t.TYPE_CHECKING:
    PrivateKey = t.Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]
    PublicKey = t.Union[ec.EllipticCurvePublicKey, rsa.RSAPublicKey]

_USAGE_OIDS = {"serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2"}


@dataclass(frozen=True)
class Authority:
    """A CA that can sign.

    :param cert_pem: the certificate that belongs to the key.
    :param key: its private key. It is never part of a result.
    :param bundle_pem: every CA certificate that is to be trusted, this one included.
    :param notes: what its owner should know, one sentence each.
    """

    cert_pem: bytes
    key: PrivateKey = field(repr=False)
    bundle_pem: bytes = b""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.bundle_pem:
            object.__setattr__(self, "bundle_pem", self.cert_pem)


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key, unencrypted PKCS#8."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


def new_key(spec: KeySpec) -> PrivateKey:
    """A new private key of the kind asked for."""
    if spec.type == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=spec.size)
    curves = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
    return ec.generate_private_key(curves[spec.size])


def load_key(key_pem: bytes, passphrase: str | None = None) -> PrivateKey:
    """The private key of a PEM file. A passphrase is ignored where the key is not encrypted.

    :raises BadInput: no passphrase or a wrong one, no key, or one of a kind that is not supported.
    """
    encrypted = is_encrypted(key_pem)
    if encrypted and not passphrase:
        raise BadInput("The private key is encrypted, and no passphrase was given.")
    try:
        key = serialization.load_pem_private_key(key_pem, _passphrase(passphrase) if encrypted else None)
    except (ValueError, TypeError, KeyError) as exc:
        if encrypted:
            raise BadInput("The passphrase does not open the private key. Give the one it was made with.") from exc
        raise BadInput("There is no private key in PEM form in it.") from exc
    if isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        return key
    raise BadInput(f"The private key is of a kind that is not supported ({type(key).__name__}). Use EC or RSA.")


def dump_key(key: PrivateKey, passphrase: str | None = None) -> bytes:
    """The key as PKCS#8 PEM, encrypted if a passphrase is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(_passphrase(passphrase))
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def is_encrypted(key_pem: bytes) -> bool:
    """Whether a PEM key needs a passphrase (PKCS#8, or the older form with a Proc-Type header)."""
    return b"ENCRYPTED PRIVATE KEY" in key_pem or b"4,ENCRYPTED" in key_pem


def new_authority(spec: AuthoritySpec, now: datetime, key: PrivateKey | None = None) -> Authority:
    """A new self-signed CA that signs leaves only (path length 0).

    :param key: the key to make it for, instead of a new one. Made again for the same key and name, a CA verifies what
        the first one signed.
    """
    key = key or new_key(spec.key)
    subject = _subject(spec.common_name)
    public_key = key.public_key()
    certificate = (
        _builder(public_key, now)
        .subject_name(subject)
        .issuer_name(subject)
        .not_valid_after(_seconds(now) + timedelta(days=spec.days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(_pem(certificate), key)


def issue(authority: Authority, spec: LeafSpec, now: datetime, key_pem: bytes | None = None) -> Issued:
    """A new certificate, with a new key unless one is given.

    :param key_pem: an unencrypted key to go on with. One of another kind than the specification asks for is replaced.
    :raises BadInput: key_pem is no key.
    :raises Refused: the CA has expired or is not valid yet.
    """
    key = load_key(key_pem) if key_pem else None
    if key is None or _kind(key.public_key()) != str(spec.key):
        key = new_key(spec.key)
    return Issued(_sign(authority, spec, key.public_key(), now), dump_key(key))


def renew(authority: Authority, spec: LeafSpec, now: datetime, cert_pem: bytes) -> bytes:
    """A new certificate for the key of a present one, which need not be here: only its public half is used.

    :param cert_pem: the present certificate, as its host has it.
    :raises BadInput: it is no certificate, or its key is of another kind than the specification asks for.
    :raises Refused: the CA has expired or is not valid yet.
    """
    public_key = _certificate(cert_pem).public_key()
    if not isinstance(public_key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)) or _kind(public_key) != str(spec.key):
        raise BadInput(f"The certificate's key is {_kind(public_key)}, wanted is {spec.key}: this needs a new key.")
    return _sign(authority, spec, public_key, now)


def why_renew(
    cert_pem: bytes,
    spec: LeafSpec,
    authority_bundle_pem: bytes,
    now: datetime,
    renew_before_days: int = RENEW_BEFORE_DAYS,
) -> list[str]:
    """Why a certificate is not, or soon will not be, what is wanted: one clause each, such as
    C(it does not name 10.0.0.4). None at all means that it stays.

    A name that the certificate has beyond those wanted is no reason: addresses that move between hosts would renew
    certificates for ever. Nor is an expiry that a new one would share, because the CA expires then as well.

    :param authority_bundle_pem: certificates of which one must have signed it.
    :param renew_before_days: how long before it expires it is renewed.
    :raises BadInput: the bundle holds no certificate, or the certificate would be renewed as soon as it is made.
    """
    check_renewal(spec, renew_before_days)
    try:
        certificate = _certificate(cert_pem)
        seen = describe(cert_pem, now)
    except BadInput as exc:
        return [f"it cannot be read: {exc}"]
    reasons = []

    signers = [ca for ca in _certificates(authority_bundle_pem) if _is_signed_by(certificate, ca)]
    if not signers:
        reasons.append(f"it was not signed by the CA in use, but by {seen['issuer'] or 'one without a name'}")
    ends = certificate.not_valid_after_utc
    lasts_as_long_as_its_ca = any(ends >= ca.not_valid_after_utc for ca in signers)
    if ends <= now:
        reasons.append(f"it expired on {seen['not_after']}")
    elif ends - timedelta(days=renew_before_days) <= now and not lasts_as_long_as_its_ca:
        reasons.append(f"it expires on {seen['not_after']}, within {renew_before_days} days")
    if certificate.not_valid_before_utc > now:
        reasons.append(f"it is not valid before {seen['not_before']}")

    for name in (*spec.dns_names, *spec.ip_addresses):
        if name not in seen["dns_names"] and name not in seen["ip_addresses"]:
            reasons.append(f"it does not name {name}")
    usages = PROFILES[spec.profile].usages
    if set(seen["extended_key_usages"]) != set(usages) or seen["is_ca"]:
        found = "that of a CA" if seen["is_ca"] else ", ".join(seen["extended_key_usages"]) or "none"
        reasons.append(f"its usage is {found}, a {spec.profile} certificate has {', '.join(usages)}")
    subject = _subject(spec.common_name, spec.organization).rfc4514_string()
    if seen["subject"] != subject:
        reasons.append(f"its subject is {seen['subject'] or 'empty'}, wanted is {subject or 'an empty one'}")
    kind = f"{seen['key_type']} {seen['key_size']}"
    if kind != str(spec.key):
        reasons.append(f"its key is {kind}, wanted is {spec.key}")
    return reasons


def describe(cert_pem: bytes, now: datetime) -> dict[str, t.Any]:
    """A certificate in plain values; of a bundle, its first. The keys are those that C(etcd_certificate_info) returns.

    Numbers of the fingerprint and the serial are lower-case hexadecimal without colons, times are RFC 3339 in UTC,
    names of the subject are RFC 4514 strings. C(days_left) is rounded down and negative once the certificate expired.

    :raises BadInput: it is no certificate, or one with a part that cannot be read.
    """
    certificate = _certificate(cert_pem)
    try:
        extensions = certificate.extensions
        public_key = certificate.public_key()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as exc:
        raise BadInput(f"The certificate has a part that cannot be read: {exc}") from exc
    sans = _extension(extensions, x509.SubjectAlternativeName)
    usages = _extension(extensions, x509.ExtendedKeyUsage)
    constraints = _extension(extensions, x509.BasicConstraints)
    key_type, _space, key_size = _kind(public_key).partition(" ")
    names = {oid: name for name, oid in _USAGE_OIDS.items()}
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial_number": f"{certificate.serial_number:x}",
        "fingerprint_sha256": _fingerprint(certificate),
        "not_before": _rfc3339(certificate.not_valid_before_utc),
        "not_after": _rfc3339(certificate.not_valid_after_utc),
        "days_left": (certificate.not_valid_after_utc - now) // timedelta(days=1),
        "dns_names": [name.lower() for name in sans.get_values_for_type(x509.DNSName)] if sans else [],
        "ip_addresses": [str(address) for address in sans.get_values_for_type(x509.IPAddress)] if sans else [],
        "extended_key_usages": [names.get(oid.dotted_string, oid.dotted_string) for oid in usages or ()],
        "is_ca": bool(constraints and constraints.ca),
        "key_type": key_type,
        "key_size": int(key_size),
    }


def certificates(bundle_pem: bytes) -> list[bytes]:
    """The certificates of a bundle, each as PEM of its own, in their order. Other PEM objects are passed over.

    :raises BadInput: there is none, or one that cannot be read.
    """
    return [_pem(certificate) for certificate in _certificates(bundle_pem)]


def fingerprints(bundle_pem: bytes) -> set[str]:
    """SHA-256 fingerprints of a bundle's certificates, as :func:`describe` writes them: bundles are equal as sets.

    :raises BadInput: the bundle holds no certificate.
    """
    return {_fingerprint(certificate) for certificate in _certificates(bundle_pem)}


def is_key_of(key: PrivateKey, cert_pem: bytes) -> bool:
    """Whether a certificate is for this key.

    :raises BadInput: it is no certificate.
    """
    return bool(_certificate(cert_pem).public_key() == key.public_key())


def pair_matches(cert_pem: bytes, key_pem: bytes) -> bool:
    """Whether a certificate and an unencrypted private key belong together.

    :raises BadInput: one of the two is not what it should be.
    """
    return is_key_of(load_key(key_pem), cert_pem)


def _sign(authority: Authority, spec: LeafSpec, public_key: PublicKey, now: datetime) -> bytes:
    ca = _certificate(authority.cert_pem)
    if not ca.not_valid_before_utc <= now < ca.not_valid_after_utc:
        raise Refused(
            f"The CA {ca.subject.rfc4514_string()} (fingerprint {_fingerprint(ca)}) is valid from "
            f"{_rfc3339(ca.not_valid_before_utc)} to {_rfc3339(ca.not_valid_after_utc)}, and it is {_rfc3339(now)}.",
            "No host would accept what it signs.",
            "If the controller's clock is right, replace this CA by a new one.",
            code="ca-expired",
        )
    # A leaf that outlives its CA only looks valid for longer than it is.
    ends = min(_seconds(now) + timedelta(days=spec.days), ca.not_valid_after_utc)
    subject = _subject(spec.common_name, spec.organization)
    usages = [x509.ObjectIdentifier(_USAGE_OIDS[name]) for name in PROFILES[spec.profile].usages]
    is_rsa = isinstance(public_key, rsa.RSAPublicKey)
    builder = (
        _builder(public_key, now)
        .subject_name(subject)
        .issuer_name(ca.subject)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, key_encipherment=is_rsa), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(_authority_key_identifier(ca), critical=False)
    )
    sans: list[x509.GeneralName] = [x509.DNSName(name) for name in spec.dns_names]
    sans += [x509.IPAddress(ipaddress.ip_address(address)) for address in spec.ip_addresses]
    if sans:
        # RFC 5280, 4.2.1.6: critical where the subject is empty.
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=not subject.rdns)
    return _pem(builder.sign(authority.key, hashes.SHA256()))


def _builder(public_key: PublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_seconds(now) - BACKDATED)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority_key_identifier(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    # A CA from elsewhere may have derived its identifier in another way; the one it carries is the one that counts.
    identifier = _extension(ca.extensions, x509.SubjectKeyIdentifier)
    if identifier is not None:
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    public_key = ca.public_key()
    if not isinstance(public_key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise BadInput("The CA's key is neither EC nor RSA. Use a CA of one of these types.")
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key)


def _key_usage(**used: bool) -> x509.KeyUsage:
    unused = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**unused, **used})


def _subject(common_name: str | None, organization: str | None = None) -> x509.Name:
    attributes = []
    if organization:
        attributes.append(x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization))
    if common_name:
        attributes.append(x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def _certificates(bundle_pem: bytes) -> list[x509.Certificate]:
    try:
        return list(x509.load_pem_x509_certificates(bundle_pem))
    except ValueError as exc:
        raise BadInput("There is no certificate in PEM form in it, or a damaged one.") from exc


def _certificate(cert_pem: bytes) -> x509.Certificate:
    return _certificates(cert_pem)[0]


def _is_signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


_Extension = t.TypeVar("_Extension", bound="x509.ExtensionType")


def _extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _kind(public_key: object) -> str:
    """Type and size of a key as :class:`KeySpec` prints them."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"rsa {public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return f"ec {public_key.curve.key_size}"
    return f"{type(public_key).__name__} 0"


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _passphrase(passphrase: str | None) -> bytes:
    if not passphrase:
        raise BadInput("The passphrase is empty. Give one, or leave the option out for a key without a passphrase.")
    return passphrase.encode()


def _seconds(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def _rfc3339(moment: datetime) -> str:
    return _seconds(moment).isoformat().replace("+00:00", "Z")
