# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders a new member's files and issues its certificates on the controller, and lets its host join in one call."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import JOINING, PRESUMED
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._rendering import RenderingAction


class ActionModule(RenderingAction):
    module = "quorum.etcd.etcd_admit"
    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "version": {"type": "str", "required": True},
        **PRESUMED,
        **JOINING,
        "pki": {"type": "dict", "required": True, "no_log": True},
    }

    def sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_of(host)
        return {
            **self.content(host, arguments),
            "cluster": wanted.cluster,
            "name": wanted.name,
            "peer_urls": list(wanted.member.peer_urls),
            **{name: arguments[name] for name in (*PRESUMED, *JOINING)},
        }
