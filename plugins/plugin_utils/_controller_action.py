# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What actions have in common that run in Ansible's own process, whatever host their task is for."""

from __future__ import annotations

import abc
from datetime import datetime, timezone
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError


class ControllerAction(ActionBase, abc.ABC):  # type: ignore[misc]
    """An action on the controller: a subclass says what its options are and what it does with them."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    argument_spec: ClassVar[dict[str, dict[str, Any]]]
    constraints: ClassVar[dict[str, Any]] = {}

    @abc.abstractmethod
    def act(self, arguments: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Do it, and return the result. Whatever it raises of :class:`EtcdError` is reported."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(self.argument_spec, **self.constraints)
        try:
            result.update(self.act(arguments, datetime.now(timezone.utc)))
        except EtcdError as exc:
            result.update(failed=True, **exc.failure)
        return result
