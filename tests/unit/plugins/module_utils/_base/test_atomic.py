# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic


@pytest.mark.parametrize("path", ["ca.pem", "./ca.pem", "{here}/ca.pem"])
def test_a_file_is_replaced_wherever_its_path_begins(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    for content in (b"old", b"new"):
        atomic.replace(path.format(here=tmp_path), content, 0o640)
    assert [one.name for one in tmp_path.iterdir()] == ["ca.pem"]
    assert (tmp_path / "ca.pem").read_bytes() == b"new"
    assert (tmp_path / "ca.pem").stat().st_mode & 0o777 == 0o640
