# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the files of the member that goes on alone, and lets its host make the new cluster in one call."""

from __future__ import annotations

import posixpath
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import RESCUE
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._rendering import RenderingAction


class ActionModule(RenderingAction):
    module = "quorum.etcd.etcd_rescue"
    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "version": {"type": "str", "required": True},
        "left": {"type": "dict", "required": True},
        **RESCUE,
        "pki": {"type": "dict", "required": True, "no_log": True},
    }

    def sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted, left = wanted_of(host), arguments["left"]
        # One that has made the new cluster already goes on whatever its log says.
        log = left["log"] or {"term": 0, "index": 0}
        if not left["log"] and not left["founded"]:
            raise EtcdError("This host has no write-ahead log to go on with.")
        architecture = releases.architecture(host.seen["host"]["architecture"])
        return {
            **self.content(host, arguments),
            "name": wanted.name,
            "peer_urls": list(wanted.member.peer_urls),
            "binary": posixpath.join(wanted.layout.release_dir(arguments["version"], architecture), "etcd"),
            "term": log["term"],
            "index": log["index"],
            "timeout": arguments["timeout"],
        }
