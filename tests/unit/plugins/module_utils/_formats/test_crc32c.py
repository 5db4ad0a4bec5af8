# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checksum of the write-ahead log."""

from __future__ import annotations

from random import Random

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._formats import crc32c
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "data, checksum",
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, appendix B.4.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_it_is_that_of_the_standard(data, checksum):
    assert crc32c.update(0, data) == checksum


@given(st.integers(0, 4096), st.integers(0, 2**32 - 1), st.integers(0, 2**32))
def test_of_long_data_it_is_that_of_their_pieces(more, before, seed):
    data = Random(seed).randbytes((1 << 15) + more)
    found = before
    for at in range(0, len(data), 1000):
        found = crc32c.update(found, data[at : at + 1000])
    assert crc32c.update(before, data) == found


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_it_goes_on_from_what_came_before(first, second):
    assert crc32c.update(crc32c.update(0, first), second) == crc32c.update(0, first + second)
