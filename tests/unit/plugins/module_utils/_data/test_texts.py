# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes and text, both ways without loss."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from hypothesis import given
from hypothesis import strategies as some


@given(some.binary())
def test_any_bytes_come_back_from_base64(data: bytes) -> None:
    assert texts.to_bytes(texts.to_text(data, "base64", "it"), "base64", "value") == data


@given(some.binary())
def test_bytes_are_given_as_text_only_if_they_come_back(data: bytes) -> None:
    if texts.is_text(data):
        assert texts.to_bytes(texts.to_text(data, "text", "it"), "text", "value") == data
    else:
        with pytest.raises(Refused) as caught:
            texts.to_text(data, "text", "The value of k")
        assert caught.value.found.startswith("The value of k is no UTF-8 text (")
        assert caught.value.code == "not-text"
    assert isinstance(texts.for_people(data), str)


@pytest.mark.parametrize("text", ["a", "a===", "YQ==\n", "\u00e4", "Y Q="])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="value is no base64 text"):
        texts.to_bytes(text, "base64", "value")


@given(some.integers(1, (1 << 63) - 1))
def test_a_lease_is_read_as_it_is_written(lease: int) -> None:
    assert texts.lease_id(texts.lease_text(lease)) == lease


def test_no_lease_is_empty() -> None:
    assert (texts.lease_text(0), texts.lease_id("0")) == ("", 0)


@pytest.mark.parametrize("text", ["", "x", "-1", "8000000000000000", "1.5"])
def test_what_is_no_lease_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="lease"):
        texts.lease_id(text)
