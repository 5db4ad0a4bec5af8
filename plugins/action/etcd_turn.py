# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders what a member's host is to hold, and sends it in the one call that is the member's turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import TURN
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._rendering import RenderingAction


class ActionModule(RenderingAction):
    module = "quorum.etcd.etcd_apply"
    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        **TURN,
        "version": {"type": "str", "default": ""},
        "certificates": {"type": "str", "choices": ["issued", "only", "kept"], "default": "issued"},
        "pki": {"type": "dict", "default": {}, "no_log": True},
    }

    def sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted, marker = wanted_of(host), host.marker
        if marker is None:
            raise Refused(
                "This host has no marker.",
                "Nothing says that its member may start again once it is stopped.",
                "Run the playbook: it says what is safe.",
            )
        given = {name: arguments[name] for name in TURN}
        given.update(expected=marker.to_dict(), name=wanted.name)
        if arguments["state"] == "undone":
            return {**wanted.layout.to_dict(), **given, "files": []}
        environment = env_file.environment(render.flags(wanted, arguments["version"]))
        if arguments["certificates"] == "kept":
            host = replace(host, authorities=replace(host.authorities, renew={}))
        content = self.content(host, arguments)
        if arguments["certificates"] == "only":
            content.update(files=[], links={})
        return {**content, **given, "environment": environment}
