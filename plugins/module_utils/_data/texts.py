# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Keys and values are bytes, and tasks are text: both ways between them, without loss."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused

TEXT, BASE64 = "text", "base64"
ENCODINGS = [TEXT, BASE64]


def to_bytes(text: str, encoding: str, option: str) -> bytes:
    """Return what an option means.

    :raises BadInput: it is no base64, although it should be.
    """
    if encoding == TEXT:
        return text.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as exc:
        raise BadInput(f"{option} is no base64 text ({exc}); encode it with the filter b64encode.") from exc


def to_text(data: bytes, encoding: str, what: str) -> str:
    """Return bytes as a result has them.

    :param what: for the message, such as ``The value of /app/logo``.
    :raises Refused: they are no text, and text was asked for.
    """
    if encoding == BASE64:
        return base64.b64encode(data).decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise Refused(
            f"{what} is no UTF-8 text ({len(data)} bytes, the first wrong one at {exc.start}).",
            "As text it could not be given back as it is.",
            "Ask for it in base64 (encoding: base64), and decode it where it is used.",
            code="not-text",
        ) from exc


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def for_people(data: bytes) -> str:
    """Return bytes for a message or a difference: text where they are text."""
    return data.decode("utf-8", "backslashreplace")


def lease_id(text: str) -> int:
    """Read the id of a lease, hexadecimal as ``etcdctl`` prints it.

    :raises BadInput: it is none.
    """
    try:
        number = int(text, 16)
    except ValueError as exc:
        raise BadInput(
            f"lease {text!r} is no lease id; give it as etcdctl prints it, such as 694d8a9e4f5c1a02."
        ) from exc
    if not 0 <= number < 1 << 63:
        raise BadInput(f"lease {text!r} is out of range; a lease id has at most 63 bits.")
    return number


def lease_text(lease: int) -> str:
    """Return the id of a lease as ``etcdctl`` prints it; empty for none."""
    return f"{lease:x}" if lease else ""
