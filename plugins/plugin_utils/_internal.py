# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""An action of the role that refuses to run anywhere else."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.plugin_utils import _live_inventory

ROLE = "quorum.etcd.etcd"
PROXY_ROLE = "quorum.etcd.etcd_proxy"

_REFUSED = (
    "{action} is internal to the role {role}, and this task is not in that role. Nothing was touched. The role's plan "
    "checks what the module itself does not, such as the quorum of the cluster. Run the playbook that does what you "
    "want: ansible-playbook quorum.etcd.etcd -i INVENTORY. The modules for tasks of your own are in the table of "
    "README.md."
)


class InternalAction(ActionBase):  # type: ignore[misc]
    #: The role that it is internal to.
    _home: str = ROLE

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the beginning of a result.

        :raises AnsibleActionFail: the task is not in the role, or its host was taken from a live cluster.
        """
        if not self._is_at_home:
            raise AnsibleActionFail(_REFUSED.format(action=self._task.action, role=self._home))
        try:
            _live_inventory.check_own(task_vars or {})
        except Refused as exc:
            raise AnsibleActionFail(str(exc), result=exc.failure) from exc
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    @property
    def _is_at_home(self) -> bool:
        return role_of(self._task) == self._home


class PlaybookAction(InternalAction):
    """An action of the playbooks, before any role is known: it decides on which hosts that runs."""

    _supports_check_mode = True
    _requires_connection = False
    #: The end of the path of the file that has its task.
    _playbook: tuple[str, ...] = ()

    @property
    def _is_at_home(self) -> bool:
        path, _colon, _line = self._task.get_path().rpartition(":")
        return PurePath(path).parts[-len(self._playbook) :] == self._playbook


class ModuleAction(InternalAction):
    """An action that runs the module of its own name as it was called."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        return {**result, **self._execute_module(task_vars=task_vars)}


def is_of_role(task: Any) -> bool:
    """Is a task in a role of this collection?"""
    return role_of(task) in (ROLE, PROXY_ROLE)


def role_of(task: Any) -> str:
    """Return the full name of the role that has a task; empty where it is in none."""
    return "" if task._role is None else str(task._role.get_name())
