# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes certificates of a file on the controller, or given as text."""

from __future__ import annotations

import typing as t
from datetime import datetime
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import PkiAction


class ActionModule(PkiAction):
    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "path": {"type": "path"},
        "content": {"type": "str"},
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {
        "mutually_exclusive": [["path", "content"]],
        "required_one_of": [["path", "content"]],
    }

    def act(self, arguments: dict[str, t.Any], now: datetime) -> dict[str, t.Any]:
        path = arguments["path"]
        try:
            bundle_pem = Path(path).read_bytes() if path else arguments["content"].encode()
            seen = [engine.describe(cert_pem, now) for cert_pem in engine.certificates(bundle_pem)]
        except OSError as exc:
            raise HostError(f"Cannot read {path} on the controller: {exc.strerror}.") from exc
        except BadInput as exc:
            raise BadInput(f"{path or 'content'}: {exc}") from exc
        return {"changed": False, "certificates": seen}
