# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""CRC-32C (Castagnoli, RFC 3720 appendix B.4), which the standard library lacks."""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import Sequence

_POLYNOMIAL = 0x82F63B78
# Bytes from which on folding is faster than going through them.
_LONG = 1 << 15


def update(crc: int, data: bytes) -> int:
    """The checksum of what C(crc) is the checksum of, followed by C(data)."""
    state = crc ^ 0xFFFFFFFF
    if len(data) >= _LONG:
        state, data = 0, _folded(state, data)
    return _through(state, data) ^ 0xFFFFFFFF


def _through(state: int, data: bytes) -> int:
    """Two bytes at a time: half the steps of the loop, which is what takes the time."""
    table, last = _table(16), _table(8)
    words = array("H", data[: len(data) & ~1])
    if sys.byteorder == "big":
        words.byteswap()
    for word in words:
        state = table[(state ^ word) & 0xFFFF] ^ state >> 16
    if len(data) & 1:
        state = last[(state ^ data[-1]) & 0xFF] ^ state >> 8
    return state


def _folded(state: int, data: bytes) -> bytes:
    """Fewer bytes that have, from the state 0 on, the same checksum.

    The data are one polynomial, the first bit its highest coefficient. Its first half is replaced by what is congruent
    to it and short enough to be added to the second. Long numbers are shifted and added, which is quicker than a loop.
    """
    length = len(data)
    number = int.from_bytes(data, "little") ^ state
    while length > 64:
        head = (length - 4) // 2
        length -= head
        product = _times(number & (1 << 8 * head) - 1, _power(length))
        number = number >> 8 * head ^ product << 8 * (length - head) - 31
    return number.to_bytes(length, "little")


def _times(number: int, factor: int) -> int:
    """The product of two polynomials, the second of degree 31 at most. Its highest coefficient is the lowest bit."""
    product = 0
    for bit in range(32):
        if factor >> bit & 1:
            product ^= number << bit
    return product


@functools.lru_cache(maxsize=256)
def _power(length: int) -> int:
    """The remainder of the polynomial that is 1 followed by so many bytes of zeros."""
    power, square = 1 << 31, 1 << 23
    while length:
        if length & 1:
            power = _remainder(_times(power, square))
        length >>= 1
        square = _remainder(_times(square, square))
    return power


def _remainder(product: int) -> int:
    """Of the product of two remainders."""
    whole = product << 1
    return _through(0, (whole & 0xFFFFFFFF).to_bytes(4, "little")) ^ whole >> 32


@functools.cache
def _table(bits: int) -> Sequence[int]:
    """What each remainder of so many bits becomes."""
    found = []
    for value in range(1 << bits):
        rest = value
        for _bit in range(bits):
            rest = rest >> 1 ^ _POLYNOMIAL if rest & 1 else rest >> 1
        found.append(rest)
    return found
