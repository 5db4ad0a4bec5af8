# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reference of variables is what the role says of itself."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_is_written_from_the_argument_specs():
    page = runpy.run_path(str(DOCS / "variables.py"))["page"]()
    assert page == (DOCS / "variables.md").read_text(encoding="utf-8"), "run: make docs"
