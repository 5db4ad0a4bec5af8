# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's directories inside a temporary one. What lies beside this file can be imported by every test below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from layout_below import LayoutBelow, layout_below
from service_manager import ServiceManager


@pytest.fixture
def layout(tmp_path: Path) -> LayoutBelow:
    """An instance that this very user runs, all of it below the test's own directory."""
    return layout_below(tmp_path)


@pytest.fixture
def service_manager() -> Iterator[ServiceManager]:
    manager = ServiceManager()
    yield manager
    manager.end()
