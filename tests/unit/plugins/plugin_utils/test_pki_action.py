# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.quorum.etcd.plugins.doc_fragments.pki import ModuleDocFragment
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader

COLLECTION = "ansible_collections.quorum.etcd.plugins"


@pytest.fixture
def vaulted(tmp_path: Path) -> str:
    path = tmp_path / "client-ca-key.pem"
    path.write_bytes(VaultLib([("default", VaultSecret(b"open"))]).encrypt(b"a key"))
    return str(path)


def loader(*passwords: bytes) -> DataLoader:
    one = DataLoader()
    one.set_vault_secrets([("default", VaultSecret(password)) for password in passwords])
    return one


def test_a_vaulted_file_opens_with_any_password_given(vaulted: str) -> None:
    assert vault_reader(loader(b"another", b"open"))(vaulted) == b"a key"


@pytest.mark.parametrize("passwords", [[], [b"wrong"]])
def test_a_vaulted_file_without_its_password_says_how_to_give_it(vaulted: str, passwords: list[bytes]) -> None:
    with pytest.raises(BadInput, match="--ask-vault-pass or --vault-id"):
        vault_reader(loader(*passwords))(vaulted)


@pytest.mark.parametrize("name", ["etcd_ca", "etcd_certificate", "etcd_certificate_info"])
def test_an_action_takes_exactly_the_options_that_are_documented(name: str) -> None:
    documentation = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{name}").DOCUMENTATION)
    documented: dict[str, t.Any] = dict(documentation.get("options", {}))
    for fragment in documentation["extends_documentation_fragment"]:
        if not fragment.startswith("quorum.etcd.pki"):
            continue
        section = fragment.removeprefix("quorum.etcd.pki").removeprefix(".").upper() or "DOCUMENTATION"
        documented.update(yaml.safe_load(getattr(ModuleDocFragment, section)).get("options", {}))
    action = importlib.import_module(f"{COLLECTION}.action.{name}").ActionModule
    keys = ("type", "elements", "required", "default", "choices")
    assert {option: {key: said[key] for key in keys if key in said} for option, said in documented.items()} == {
        option: {key: taken[key] for key in keys if key in taken} for option, taken in action.argument_spec.items()
    }
