# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""An action that renders on the controller what a member's host is to hold, and sends it in one call of a module."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import OBSERVED
from ansible_collections.quorum.etcd.plugins.plugin_utils._announcing import AnnouncingAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader


class RenderingAction(AnnouncingAction, abc.ABC):
    """A subclass says which module it stands for, what its options are, and what the module gets."""

    #: The module that is run on the host.
    module: ClassVar[str]
    #: The options beside C(announce) and C(observation).
    argument_spec: ClassVar[dict[str, dict[str, Any]]]

    @abc.abstractmethod
    def sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        """The module's options. Whatever it raises of C(EtcdError) is reported, and nothing is sent."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(AnnouncingAction, self).run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                **OBSERVED,
                **self.argument_spec,
            }
        )
        self.announce(arguments["announce"])
        try:
            sent = self.sent(Host.from_observation("", arguments["observation"]), arguments)
        except EtcdError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        result.update(self._execute_module(module_name=self.module, module_args=sent, task_vars=task_vars))
        return result

    def content(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        """The files of the member, see C(content_of); in check mode without certificates."""
        unvault = vault_reader(self._loader)
        return content_of(host, arguments["version"], arguments["pki"], unvault, self._task.check_mode)
