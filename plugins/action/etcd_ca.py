# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes or loads the two CAs of a cluster, on the controller."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import CA_DAYS, AuthoritySpec, KeySpec
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import (
    KEY_OPTIONS,
    PKI_DIR_OPTIONS,
    PkiAction,
    vault_reader,
)


class ActionModule(PkiAction):
    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        **PKI_DIR_OPTIONS,
        **KEY_OPTIONS,
        "name": {"type": "str", "required": True},
        "days": {"type": "int", "default": CA_DAYS},
    }

    def act(self, arguments: dict[str, t.Any], now: datetime) -> dict[str, t.Any]:
        directory = arguments["pki_dir"]
        key = KeySpec(arguments["key_type"], arguments["key_size"] or 0)
        check = self._task.check_mode
        authorities = {}
        for which in store.AUTHORITIES:
            spec = AuthoritySpec(f"etcd {arguments['name']} {which} CA", key, arguments["days"])
            authority, created = store.ensure_authority(
                directory,
                which,
                spec,
                now,
                passphrase=arguments["passphrase"],
                unvault=vault_reader(self._loader),
                check=check,
            )
            for note in authority.notes:
                self._display.warning(note)
            authorities[which] = {
                **engine.describe(authority.cert_pem, now),
                "created": created,
                "path": str(store.certificate_path(directory, which)),
                "privatekey_path": str(store.key_path(directory, which)),
                "pem": authority.bundle_pem.decode(),
            }
            if created and check:
                authorities[which].update(dict.fromkeys(("serial_number", "fingerprint_sha256", "pem")))
        return {
            "changed": any(seen["created"] for seen in authorities.values()),
            "authorities": authorities,
            "diff": {
                "before": _overview(authorities, lambda seen: not seen["created"]),
                "after": _overview(authorities, lambda seen: True),
            },
        }


def _overview(
    authorities: dict[str, dict[str, t.Any]], there: t.Callable[[dict[str, t.Any]], bool]
) -> dict[str, dict[str, t.Any]]:
    shown = ("subject", "fingerprint_sha256", "not_after")
    return {seen["path"]: {key: seen[key] for key in shown} for seen in authorities.values() if there(seen)}
