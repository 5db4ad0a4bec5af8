# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What the certificate actions have in common. They run in Ansible's own process: no key goes to any host."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import decrypted
from ansible_collections.quorum.etcd.plugins.plugin_utils._controller_action import ControllerAction

if t.TYPE_CHECKING:
    from ansible.parsing.dataloader import DataLoader
    from ansible_collections.quorum.etcd.plugins.module_utils._pki.store import Unvault

PKI_DIR_OPTIONS: dict[str, dict[str, t.Any]] = {
    "pki_dir": {"type": "path", "required": True},
    "passphrase": {"type": "str", "no_log": True},
}

KEY_OPTIONS: dict[str, dict[str, t.Any]] = {
    "key_type": {"type": "str", "choices": ["ec", "rsa"], "default": "ec"},
    "key_size": {"type": "int", "choices": [256, 384, 521, 2048, 3072, 4096]},
}


class PkiAction(ControllerAction):
    """An action on certificates."""


def vault_reader(loader: DataLoader) -> Unvault:
    """Opens files encrypted with ansible-vault, with the passwords that this run of Ansible was given."""

    def read(path: str) -> bytes:
        try:
            return decrypted(loader, os.path.abspath(path))
        except AnsibleError as exc:
            raise BadInput(
                "It is encrypted with ansible-vault, and none of the vault passwords given opens it. "
                "Give the right one with --ask-vault-pass or --vault-id."
            ) from exc

    return read
