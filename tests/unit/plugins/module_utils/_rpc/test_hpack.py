# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hpack
import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import WireError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.hpack import MAX_HEADER_LIST, TABLE_SIZE, Decoder, encode
from hypothesis import given
from hypothesis import strategies as st

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
values = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))
header_lists = st.lists(st.tuples(names, values), max_size=12)

GET = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")]
NO_CACHE = [*GET, ("cache-control", "no-cache")]
CUSTOM = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
]
FOUND = [
    (":status", "302"),
    ("cache-control", "private"),
    ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
    ("location", "https://www.example.com"),
]
LATER = [(":status", "307"), *FOUND[1:]]
COOKIE = [
    (":status", "200"),
    ("cache-control", "private"),
    ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
    ("location", "https://www.example.com"),
    ("content-encoding", "gzip"),
    ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
]

# RFC 7541, appendix C: blocks in the order in which one decoder sees them, with the limit of its table.
VECTORS = {
    "C.2.1": (4096, [("400a637573746f6d2d6b65790d637573746f6d2d686561646572", [("custom-key", "custom-header")])]),
    "C.2.2": (4096, [("040c2f73616d706c652f70617468", [(":path", "/sample/path")])]),
    "C.2.3": (4096, [("100870617373776f726406736563726574", [("password", "secret")])]),
    "C.2.4": (4096, [("82", [(":method", "GET")])]),
    "C.3": (
        4096,
        [
            ("828684410f7777772e6578616d706c652e636f6d", GET),
            ("828684be58086e6f2d6361636865", NO_CACHE),
            ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", CUSTOM),
        ],
    ),
    "C.4": (
        4096,
        [
            ("828684418cf1e3c2e5f23a6ba0ab90f4ff", GET),
            ("828684be5886a8eb10649cbf", NO_CACHE),
            ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", CUSTOM),
        ],
    ),
    "C.5": (
        256,
        [
            (
                "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                FOUND,
            ),
            ("4803333037c1c0bf", LATER),
            (
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d"
                "4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273"
                "696f6e3d31",
                COOKIE,
            ),
        ],
    ),
    "C.6": (
        256,
        [
            (
                "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97"
                "c8e9ae82ae43d3",
                FOUND,
            ),
            ("4883640effc1c0bf", LATER),
            (
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd"
                "5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                COOKIE,
            ),
        ],
    ),
}


@pytest.mark.parametrize("section", VECTORS)
def test_the_published_vectors(section: str) -> None:
    limit, blocks = VECTORS[section]
    decoder = Decoder(limit)
    for block, headers in blocks:
        assert decoder.decode(bytes.fromhex(block)) == headers


# The dynamic table after the last block of a section, the newest entry first, as the appendix prints it.
TABLES = {
    "C.2.1": [("custom-key", "custom-header")],
    "C.2.2": [],
    "C.2.3": [],
    "C.2.4": [],
    "C.3": [("custom-key", "custom-value"), ("cache-control", "no-cache"), (":authority", "www.example.com")],
    "C.4": [("custom-key", "custom-value"), ("cache-control", "no-cache"), (":authority", "www.example.com")],
    "C.5": [COOKIE[5], COOKIE[4], COOKIE[2]],
    "C.6": [COOKIE[5], COOKIE[4], COOKIE[2]],
}


@pytest.mark.parametrize("section", VECTORS)
def test_the_published_tables(section: str) -> None:
    limit, blocks = VECTORS[section]
    decoder = Decoder(limit)
    for block, _headers in blocks:
        decoder.decode(bytes.fromhex(block))
    size = len(TABLES[section])
    assert decoder.decode(bytes(range(0xBE, 0xBE + size))) == TABLES[section]
    with pytest.raises(WireError, match="outside of the tables"):
        decoder.decode(bytes((0xBE + size,)))


@pytest.mark.parametrize(("section", "block", "number"), [("C.1.1", "2a", 10), ("C.1.2", "3f9a0a", 1337)])
def test_the_published_integers(section: str, block: str, number: int) -> None:
    """As new table sizes, whose prefix has the five bits of both examples; one byte less would be too few for them."""
    assert Decoder(number).decode(bytes.fromhex(block)) == []
    with pytest.raises(WireError, match=f"a table of {number} bytes where {number - 1} are allowed"):
        Decoder(number - 1).decode(bytes.fromhex(block))


# What a server may say once: its headers, whether it uses the Huffman code, and the size its table has from now on.
said_once = st.tuples(
    st.lists(
        st.tuples(
            st.one_of(names, st.sampled_from(["grpc-status", ":status", "content-type", "cookie"])),
            st.one_of(values, st.sampled_from(["", "0", "200", "application/grpc"])),
            # Sensitive headers are written so that no table ever remembers them.
            st.booleans(),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.none() | st.sampled_from([0, 32, 33, 100, 1000, TABLE_SIZE]) | st.integers(0, TABLE_SIZE),
)


@given(st.lists(said_once, max_size=12))
def test_what_another_encoder_writes_is_read(
    conversation: list[tuple[list[tuple[str, str, bool]], bool, int | None]],
) -> None:
    encoder, decoder = hpack.Encoder(), Decoder()
    for headers, huffman, table_size in conversation:
        if table_size is not None:
            encoder.header_table_size = table_size
        raw = [hpack.HeaderTuple(name.encode(), value.encode("latin-1")) for name, value, _sensitive in headers]
        for at, (_name, _value, sensitive) in enumerate(headers):
            if sensitive:
                raw[at] = hpack.NeverIndexedHeaderTuple(*raw[at])
        assert decoder.decode(encoder.encode(raw, huffman=huffman)) == [header[:2] for header in headers]


@given(
    st.lists(st.binary(max_size=80) | st.builds(bytes.__add__, st.binary(max_size=6), st.just(b"\x82\xbe")), max_size=6)
)
def test_whatever_both_can_read_another_decoder_reads_the_same(blocks: list[bytes]) -> None:
    ours, theirs = Decoder(), hpack.Decoder()
    for block in blocks:
        try:
            headers = ours.decode(block)
            other = theirs.decode(block, raw=True)
        except (WireError, hpack.HPACKError):
            return
        assert headers == [(name.decode("latin-1"), value.decode("latin-1")) for name, value in other]


@given(header_lists)
def test_another_decoder_reads_what_is_written(headers: list[tuple[str, str]]) -> None:
    raw = hpack.Decoder().decode(encode(headers), raw=True)
    assert [(name.decode(), value.decode("latin-1")) for name, value in raw] == headers


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_do_worse_than_a_clear_error(blocks: list[bytes]) -> None:
    decoder = Decoder()
    for block in blocks:
        try:
            headers = decoder.decode(block)
        except WireError:
            continue
        assert sum(len(name) + len(value) for name, value in headers) <= MAX_HEADER_LIST


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("80", "an index points outside"),
        ("ff80808080808080", "an integer is too large"),
        ("be", "an index points outside"),
        ("0001", "a string is cut off"),
        ("00", "a header block is cut off"),
        ("007f", "a header block is cut off"),
        ("3fe21f", "a table of 4097 bytes where 4096 are allowed"),
        ("8220", "the table size changes in the middle of a block"),
        ("0084ffffffff00", "the end of strings"),
        ("0081ff00", "ends in the middle of a code"),
        ("0081e000", "ends in the middle of a code"),
    ],
)
def test_a_malformed_block_is_a_clear_error(block: str, complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        Decoder().decode(bytes.fromhex(block))


def test_a_small_block_cannot_unfold_into_endless_headers() -> None:
    decoder = Decoder()
    decoder.decode(bytes.fromhex("4001617fa11e") + b"v" * 4000)
    with pytest.raises(WireError, match="more than 65536 bytes of headers"):
        decoder.decode(b"\xbe" * 1000)


def test_a_full_table_forgets_its_oldest_entry() -> None:
    decoder = Decoder(limit=70)
    one, two = bytes.fromhex("4001610162"), bytes.fromhex("4001630164")
    assert decoder.decode(one + two + b"\xbe\xbf") == [("a", "b"), ("c", "d"), ("c", "d"), ("a", "b")]
    decoder.decode(one)
    assert decoder.decode(b"\xbe\xbf") == [("a", "b"), ("c", "d")]
    with pytest.raises(WireError, match="outside of the tables"):
        decoder.decode(b"\xc0")


def test_a_table_of_no_size_forgets_everything() -> None:
    decoder = Decoder()
    decoder.decode(bytes.fromhex("4001610162"))
    decoder.decode(b"\xbe")
    with pytest.raises(WireError, match="outside of the tables"):
        decoder.decode(b"\x20\xbe")
