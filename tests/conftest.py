# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A machine that is busy with something else fails no test.
settings.register_profile("sample", deadline=None)
settings.register_profile("matrix", deadline=None, max_examples=3000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", action="store_true", help="everything, not the sample that CI runs")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("matrix" if config.getoption("matrix") else "sample")
    config.addinivalue_line("markers", "matrix: runs with --matrix only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--matrix"):
        return
    left_out = [item for item in items if item.get_closest_marker("matrix")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
