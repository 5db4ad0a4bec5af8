# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the groups of the inventory that a playbook is for, before any host is connected to."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.plugin_utils import _groups
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import PlaybookAction


class ActionModule(PlaybookAction):
    _playbook = ("playbooks", "_groups.yml")

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "confirmed": {"type": "list", "elements": "str", "default": []},
                "one_only": {"type": "bool", "default": False},
            }
        )
        try:
            found = _groups.find(task_vars["groups"], task_vars["hostvars"], **arguments)
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure}
        return {**result, "changed": False, "hosts": ",".join(found)}
