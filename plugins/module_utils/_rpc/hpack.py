# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""HPACK, the header compression of HTTP/2 (RFC 7541): a full decoder, and an encoder that only writes literals.

The decoder is bounded: no input makes it keep more than its table size, or return more than C(MAX_HEADER_LIST) bytes.
"""

from __future__ import annotations

import typing as t
from collections import deque

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import WireError

Header = tuple[str, str]

MAX_HEADER_LIST = 65536
TABLE_SIZE = 4096
ENTRY_OVERHEAD = 32

# RFC 7541, appendix A: the names, with the values that follow a name more than once.
_STATIC: tuple[Header, ...] = (
    (":authority", ""),
    *((":method", value) for value in ("GET", "POST")),
    *((":path", value) for value in ("/", "/index.html")),
    *((":scheme", value) for value in ("http", "https")),
    *((":status", value) for value in ("200", "204", "206", "304", "400", "404", "500")),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    *(
        (name, "")
        for name in [
            "accept-language",
            "accept-ranges",
            "accept",
            "access-control-allow-origin",
            "age",
            "allow",
            "authorization",
            "cache-control",
            "content-disposition",
            "content-encoding",
            "content-language",
            "content-length",
            "content-location",
            "content-range",
            "content-type",
            "cookie",
            "date",
            "etag",
            "expect",
            "expires",
            "from",
            "host",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "last-modified",
            "link",
            "location",
            "max-forwards",
            "proxy-authenticate",
            "proxy-authorization",
            "range",
            "referer",
            "refresh",
            "retry-after",
            "server",
            "set-cookie",
            "strict-transport-security",
            "transfer-encoding",
            "user-agent",
            "vary",
            "via",
            "www-authenticate",
        ]
    ),
)

# RFC 7541, appendix B. The code is canonical: codes of one length are consecutive, in the order of their symbols, so
# the symbols of each length are all there is to know. The one symbol left out, EOS, is a code of 30 ones.
_HUFFMAN_SYMBOLS: tuple[tuple[int, bytes], ...] = (
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b'!"()?'),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, b"\\\xc3\xd0"),
    (20, bytes.fromhex("808283a2b8c2e0e2")),
    (21, bytes.fromhex("99a1a7acb0b1b3d1d8d9e3e5e6")),
    (22, bytes.fromhex("8184858688929a9ca0a3a4a9aaadb2b5b9babbbdbec4c6e4e8e9")),
    (23, bytes.fromhex("0187898a8b8c8d8f93959697989b9d9ea5a6a8aeafb4b6b7bcbfc5e7ef")),
    (24, bytes.fromhex("098e9091949fabced7e1eced")),
    (25, bytes.fromhex("c7cfeaeb")),
    (26, bytes.fromhex("c0c1c8c9cacdd2d5dadbeef0f2f3ff")),
    (27, bytes.fromhex("cbccd3d4d6dddedff1f4f5f6f7f8fafbfcfdfe")),
    (28, bytes.fromhex("020304050607080b0c0e0f1011121314151718191a1b1c1d1e1f7fdcf9")),
    (30, b"\n\r\x16"),
)


def _huffman_codes() -> dict[tuple[int, int], int]:
    codes = {}
    code, length = 0, 0
    for bits, symbols in _HUFFMAN_SYMBOLS:
        code <<= bits - length
        length = bits
        for symbol in symbols:
            codes[bits, code] = symbol
            code += 1
    return codes


_HUFFMAN = _huffman_codes()
_LONGEST_CODE = 30


def _huffman_decode(data: bytes) -> bytes:
    decoded = bytearray()
    code, length = 0, 0
    for byte in data:
        for shift in range(7, -1, -1):
            code = code << 1 | byte >> shift & 1
            length += 1
            symbol = _HUFFMAN.get((length, code))
            if symbol is not None:
                decoded.append(symbol)
                code, length = 0, 0
            elif length == _LONGEST_CODE:
                raise WireError("HPACK: a string holds the Huffman code of the end of strings")
    # A string is filled up to a whole byte with ones (RFC 7541, section 5.2).
    if length > 7 or code != (1 << length) - 1:
        raise WireError("HPACK: a Huffman string ends in the middle of a code")
    return bytes(decoded)


class _Reader:
    """The bytes of one header block, read from the front."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._block)

    def peek(self) -> int:
        return self._block[self._at]

    def integer(self, prefix: int) -> int:
        """An integer whose first byte gives it C(prefix) bits (section 5.1). Nothing here needs more than 32 bits."""
        mask = (1 << prefix) - 1
        value = self._byte() & mask
        if value < mask:
            return value
        for shift in range(0, 35, 7):
            byte = self._byte()
            value += (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise WireError("HPACK: an integer is too large")

    def string(self) -> str:
        """A string literal (section 5.2). Latin-1 keeps every byte: gRPC's own text is percent-encoded ASCII."""
        is_huffman = bool(self) and self.peek() & 0x80
        length = self.integer(7)
        raw = self._block[self._at : self._at + length]
        if len(raw) < length:
            raise WireError("HPACK: a string is cut off")
        self._at += length
        return (_huffman_decode(raw) if is_huffman else raw).decode("latin-1")

    def _byte(self) -> int:
        if not self:
            raise WireError("HPACK: a header block is cut off")
        self._at += 1
        return self._block[self._at - 1]


class Decoder:
    """The receiving end of one connection: its dynamic table lives as long as the connection.

    :param limit: the largest table this side has allowed the peer, in bytes as RFC 7541 section 4.1 counts them.
    """

    def __init__(self, limit: int = TABLE_SIZE) -> None:
        self._limit = limit
        self._capacity = limit
        self._entries: deque[Header] = deque()
        self._size = 0

    def decode(self, block: bytes) -> list[Header]:
        """All headers of one block, in order.

        :raises WireError: the block is malformed, or its headers are longer than C(MAX_HEADER_LIST).
        """
        reader = _Reader(block)
        headers: list[Header] = []
        total = 0
        while reader:
            first = reader.peek()
            if first & 0xE0 == 0x20:
                if headers:
                    raise WireError("HPACK: the table size changes in the middle of a block")
                self._resize(reader.integer(5))
                continue
            header = self._header(reader, first)
            total += _size(header)
            if total > MAX_HEADER_LIST:
                raise WireError(f"HPACK: more than {MAX_HEADER_LIST} bytes of headers")
            headers.append(header)
        return headers

    def _header(self, reader: _Reader, first: int) -> Header:
        if first & 0x80:
            return self._entry(reader.integer(7))
        keep = first & 0xC0 == 0x40
        index = reader.integer(6 if keep else 4)
        header = (self._entry(index)[0] if index else reader.string(), reader.string())
        if keep:
            self._add(header)
        return header

    def _entry(self, index: int) -> Header:
        if 1 <= index <= len(_STATIC):
            return _STATIC[index - 1]
        index -= len(_STATIC) + 1
        if not 0 <= index < len(self._entries):
            raise WireError("HPACK: an index points outside of the tables")
        return self._entries[index]

    def _add(self, header: Header) -> None:
        self._entries.appendleft(header)
        self._size += _size(header)
        self._evict()

    def _resize(self, capacity: int) -> None:
        if capacity > self._limit:
            raise WireError(f"HPACK: a table of {capacity} bytes where {self._limit} are allowed")
        self._capacity = capacity
        self._evict()

    def _evict(self) -> None:
        while self._size > self._capacity:
            self._size -= _size(self._entries.pop())


def encode(headers: t.Iterable[Header]) -> bytes:
    """A header block of literals that no table remembers: it is right whatever the peer's settings are."""
    block = bytearray()
    for header in headers:
        block.append(0)
        for text in header:
            raw = text.encode("latin-1")
            block += _integer(len(raw), 7)
            block += raw
    return bytes(block)


def _integer(value: int, prefix: int) -> bytes:
    mask = (1 << prefix) - 1
    if value < mask:
        return bytes((value,))
    encoded = bytearray((mask,))
    value -= mask
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _size(header: Header) -> int:
    return len(header[0]) + len(header[1]) + ENTRY_OVERHEAD
