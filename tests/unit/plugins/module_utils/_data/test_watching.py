# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is waited for."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.watching import Expectation

HELD = Entry(b"k", b"v")


@pytest.mark.parametrize(
    "expected, found, met",
    [
        (Expectation(), HELD, True),
        (Expectation(), None, False),
        (Expectation(value=b"v"), HELD, True),
        (Expectation(value=b"w"), HELD, False),
        (Expectation(value=b""), HELD, False),
        (Expectation(value=b"v"), None, False),
        (Expectation(exists=False), HELD, False),
        (Expectation(exists=False), None, True),
    ],
)
def test_an_expectation_is_met(expected: Expectation, found: Entry | None, met: bool) -> None:
    assert expected.is_met(found) is met
