# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whom a certificate names, read with the standard library alone: hosts have no other."""

from __future__ import annotations

import base64
import binascii
import re

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_VERSION, _BMP = 0xA0, 0x1E
# Of a certificate behind its version: serial number, algorithm, issuer, validity, subject (RFC 5280, 4.1).
_SUBJECT = 4


def common_name(pem: str) -> str:
    """Return the CN of the first certificate of a PEM text, as etcd reads it; empty without one.

    :raises BadInput: there is no certificate in it.
    """
    found = _PEM.search(pem)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
        signed = _parts(_parts(_parts(der)[0][1])[0][1])
        parts = signed[1:] if signed[0][0] == _VERSION else signed
        named = [
            _parts(attribute)
            for _tag, several in _parts(parts[_SUBJECT][1])
            for _sequence, attribute in _parts(several)
        ]
        # Of several the last counts (Go, crypto/x509/pkix, FillFromRDNSequence).
        names = [_text(*pair[1]) for pair in named if pair[0][1] == _COMMON_NAME]
    except (IndexError, ValueError, binascii.Error) as exc:
        raise BadInput("A file that should have a certificate in PEM form has none.") from exc
    return names[-1] if names else ""


def _text(tag: int, value: bytes) -> str:
    return value.decode("utf-16-be" if tag == _BMP else "utf-8")


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Return the elements that stand one behind the other in DER, each with its tag.

    :raises ValueError: one is cut short.
    """
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("an element is cut short")
        found.append((tag, data[at : at + length]))
        at += length
    return found
