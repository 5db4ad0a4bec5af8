# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where to look for keys of version 2 is said where somebody would look first."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._model import v2_limits
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Key
from ansible_collections.quorum.etcd.plugins.modules import etcd_node_info

PAGE = (Path(__file__).resolve().parents[3] / "docs/api-version-2.md").read_text(encoding="utf-8")


def test_the_module_that_says_nothing_of_them_names_the_one_that_does() -> None:
    assert "Of keys of API version 2 it says nothing. M(quorum.etcd.etcd_v2_info)" in etcd_node_info.DOCUMENTATION
    assert "`etcd_node_info`, which every run asks, says nothing of version 2" in PAGE


def test_the_page_says_how_many_an_interrupted_run_may_bring_back() -> None:
    limits = v2_limits.Limits(1 << 20, 1 << 20, 1 << 30)
    (first, *_others) = limits.groups(V2Key(f"/{number}", "", number) for number in range(1000))
    assert f"{len(first)} keys at most" in PAGE
