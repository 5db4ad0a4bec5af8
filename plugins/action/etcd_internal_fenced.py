# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says whose machines are off by the operator's word, before any host is observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, identity, topology
from ansible_collections.quorum.etcd.plugins.plugin_utils import _misspelt
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "members": {"type": "list", "elements": "str", "required": True},
                "given": {"type": "raw", "default": []},
            }
        )
        variables = {name: task_vars["hostvars"][name] for name in arguments["members"]}
        try:
            _check_names(variables, task_vars["hostvars"])
            hosts = [topology.identity_of(name, own) for name, own in variables.items()]
            found = fencing.by_inventory(identity.words_of(arguments["given"]), hosts)
        except EtcdError as exc:
            return {
                **result,
                "failed": True,
                "refusals": exc.refusals,
                "msg": f"{arguments['cluster']}: refused, nothing was touched.\n{explained(exc.problems)}",
            }
        return {**result, "changed": False, **found.to_dict()}


def _check_names(variables: Mapping[str, Mapping[str, Any]], hostvars: Any) -> None:
    """Is no variable of any host misspelt?

    :raises BadInput: some are; with a text for each.
    """
    findings = Findings()
    for host, own in variables.items():
        findings.run(_misspelt.check_host, host, own, own.get(_misspelt.EXEMPT), hostvars)
    findings.end()
