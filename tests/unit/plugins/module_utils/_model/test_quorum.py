# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic of a majority."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import quorum


@pytest.mark.parametrize(
    ("size", "needed", "tolerance"), [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3)]
)
def test_a_quorum_is_more_than_half(size, needed, tolerance):
    assert quorum.quorum(size) == {"size": size, "needed": needed, "tolerance": tolerance}
