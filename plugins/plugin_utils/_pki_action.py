# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What the certificate actions have in common. They run in Ansible's own process: no key goes to any host."""

from __future__ import annotations

import abc
import os
import typing as t
from datetime import datetime, timezone

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import decrypted

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


class PkiAction(ActionBase, abc.ABC):  # type: ignore[misc]
    """An action on certificates: a subclass says what its options are and what it does with them."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]]
    constraints: t.ClassVar[dict[str, t.Any]] = {}

    @abc.abstractmethod
    def act(self, arguments: dict[str, t.Any], now: datetime) -> dict[str, t.Any]:
        """Does it, and returns the result. Whatever it raises of :class:`EtcdError` is reported."""

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(self.argument_spec, **self.constraints)
        try:
            result.update(self.act(arguments, datetime.now(timezone.utc)))
        except EtcdError as exc:
            result.update(failed=True, **exc.failure)
        return result


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
