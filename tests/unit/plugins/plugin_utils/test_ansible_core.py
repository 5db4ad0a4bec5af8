# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be the same whichever ansible-core runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import decrypted, render, trust_as_template

ROLE = Path(__file__).resolve().parents[4] / "roles" / "etcd"
SECRETS = [("default", VaultSecret(b"open"))]


def trusted(node):
    """A file of the role as Ansible itself reads it."""
    if isinstance(node, dict):
        return {key: trusted(value) for key, value in node.items()}
    return trust_as_template(node) if isinstance(node, str) else node


def inputs(**given):
    """The role's C(__etcd_inputs) on a host with these variables."""
    files = (ROLE / "defaults" / "main.yml", ROLE / "vars" / "main.yml")
    variables = {name: value for file in files for name, value in trusted(yaml.safe_load(file.read_text())).items()}
    groups = {"etcd_cluster": ["10.0.0.1"]}
    variables.update(inventory_dir="/srv", inventory_hostname="10.0.0.1", groups=groups, group_names=list(groups))
    return render(DataLoader(), "{{ __etcd_inputs }}", {**variables, **given})


class TestTheRolesInputs:
    def test_say_of_what_is_not_given_that_it_is_not(self):
        found = inputs()["variables"]
        given = {"etcd_tls": True, "etcd_instance": "etcd", "etcd_certificate_sans": [], "etcd_discovery_srv": ""}
        assert {name: value for name, value in found.items() if value is not None} == given
        assert {"NODE_NAME", "ETCD_NODES", "ansible_host", "etcd_name", "etcd_address"} <= set(found)

    @pytest.mark.parametrize("value", ["", "etcd-host0", "[::1]", "['a']", "True", "0123", 7, None, ["::1"]])
    def test_hold_what_the_inventory_holds(self, value):
        found = inputs(NODE_NAME=value, etcd_address=value)["variables"]
        assert (found["NODE_NAME"], found["etcd_address"]) == (value, value)

    @pytest.mark.parametrize("text", ["", "plain", "['a']", "{'a': 1}", "[1, 2]", "True", "1e5", 'quo"te'])
    def test_leave_a_passphrase_as_it_is(self, text):
        found = inputs(etcd_pki_passphrase=text)["pki"]["passphrase"]
        assert (found, isinstance(found, str)) == (text, True)

    def test_leave_settings_as_they_are(self):
        settings = {"quota-backend-bytes": 2**33, "log-level": None, "pre-vote": False, "metrics": "[1]", "a": "'\"\\"}
        assert inputs(etcd_settings=settings)["settings"] == settings


def test_a_vaulted_file_is_opened_and_its_plain_content_is_in_no_other(tmp_path, monkeypatch):
    path = tmp_path / "client-ca-key.pem"
    path.write_bytes(VaultLib(SECRETS).encrypt(b"a key\n"))
    loader = DataLoader()
    loader.set_vault_secrets(SECRETS)
    assert decrypted(loader, str(path)) == b"a key\n"
    assert not loader._tempfiles
