# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a certificate action as a task would."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

from ansible.parsing.dataloader import DataLoader
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import PkiAction


def run(action: type[PkiAction], check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
    """The result of a task with these arguments.

    :raises AnsibleActionFail: the arguments are not what the action takes.
    """
    task = SimpleNamespace(args=arguments, check_mode=check, async_val=0, action=action.__module__)
    # No connection is ever used; its shell is only asked whether it has a temporary directory.
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    loaded = action(task, connection, None, DataLoader(), None, None)
    loaded._load_name = task.action  # As Ansible's own loader does; before 2.19 a refusal of arguments names it.
    return loaded.run(None, {})
