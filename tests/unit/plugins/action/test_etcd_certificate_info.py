# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.quorum.etcd.plugins.action.etcd_certificate_info import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec
from pki_task import run


@pytest.fixture(scope="module")
def bundle() -> bytes:
    now = datetime.now(timezone.utc)
    return b"".join(engine.new_authority(AuthoritySpec(name), now).cert_pem for name in ("old", "new"))


def test_every_certificate_of_a_file_is_described_in_its_order(tmp_path: Path, bundle: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(bundle)
    result = run(ActionModule, path=str(tmp_path / "ca.pem"))
    assert not result["changed"]
    assert [seen["subject"] for seen in result["certificates"]] == ["CN=old", "CN=new"]


def test_a_text_is_described_as_a_file_is(tmp_path: Path, bundle: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(bundle)
    assert run(ActionModule, content=bundle.decode()) == run(ActionModule, path=str(tmp_path / "ca.pem"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = run(ActionModule, path=str(tmp_path / "ca.pem"))
    assert result["failed"]
    assert result["msg"] == f"Cannot read {tmp_path}/ca.pem on the controller: No such file or directory."


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_a_text_without_a_certificate_is_a_clear_error(content: str) -> None:
    assert run(ActionModule, content=content)["msg"].startswith("content: There is no certificate")


@pytest.mark.parametrize("arguments", [{}, {"path": "ca.pem", "content": "x"}])
def test_exactly_one_source_is_asked_for(arguments: dict[str, str]) -> None:
    with pytest.raises(AnsibleActionFail):
        run(ActionModule, **arguments)
