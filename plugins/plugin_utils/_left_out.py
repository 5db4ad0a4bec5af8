# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The role's inputs of a host that a run leaves out (C(--limit), C(serial)), as that host itself would have them.

Role defaults and role variables are not in C(hostvars), not even a host's own, so the role's expressions are templated
anew with that host's variables. Variables of the play itself do not reach it: what its running process says outranks
what is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import render

if TYPE_CHECKING:
    from ansible.parsing.dataloader import DataLoader


def inputs_of(host: str, loader: DataLoader, task: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
    """C(__etcd_inputs) of another host.

    :param task: the action's task, inside the role.
    """
    role = task._role
    variables = {
        **role.get_default_vars(),
        **task_vars["hostvars"].raw_get(host),
        **role.get_vars(include_params=False),
        "inventory_hostname": host,
    }
    for name in ("groups", "hostvars", "inventory_dir", "inventory_file", "playbook_dir"):
        variables.setdefault(name, task_vars.get(name))
    found: dict[str, Any] = render(loader, "{{ __etcd_inputs }}", variables)
    return found
