# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the members that one line names, before any host is connected to."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.plugin_utils import _groups, _one_line
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import PlaybookAction


class ActionModule(PlaybookAction):
    _playbook = ("playbooks", "tasks", "members.yml")

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {"members": {"type": "raw", "required": True}, "group": {"type": "raw", "default": ""}}
        )
        try:
            members = _one_line.parse(arguments["members"])
            group = _one_line.group_of(arguments["group"], _groups.USUAL)
            _one_line.check_inventory(members, group, task_vars["groups"], task_vars["hostvars"])
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure}
        hosts = [member._asdict() for member in members]
        return {**result, "changed": False, "group": group, "hosts": hosts, "directory": os.getcwd()}
