# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads users and roles before anything is touched, and sends their passwords apart from what is shown of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access import wanted
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction


class ActionModule(InternalAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        arguments = dict(self._task.args)
        try:
            users, passwords = _split(arguments.get("users"), str(task_vars.get("inventory_dir") or os.getcwd()))
            wanted.access(arguments.get("roles"), users, passwords)
            _check_purge(arguments)
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure}
        if arguments.get("state") == "checked":
            return {**result, "changed": False}
        sent = {**arguments, "users": users, "passwords": passwords}
        try:
            return {**result, **self._execute_module(module_args=sent, task_vars=task_vars)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)


def _split(given: Any, directory: str) -> tuple[Any, dict[str, str]]:
    """Return the users without their passwords, and these by name.

    :param directory: that of the inventory, which paths are relative to.
    :raises EtcdError: a password is empty or no text, or its file can be read by others.
    """
    if not isinstance(given, list):
        return given, {}
    users: list[Any] = []
    passwords: dict[str, str] = {}
    for one in given:
        if not isinstance(one, Mapping):
            users.append("")
            continue
        users.append({name: value for name, value in one.items() if name not in ("password", "password_file")})
        name, password, path = str(one.get("name")), one.get("password"), one.get("password_file")
        if one.get("state") == wanted.ABSENT or not {"password", "password_file"} & set(one):
            continue
        if "password" in one and "password_file" in one:
            raise BadInput(f"etcd_users: {name} has password and password_file; give one of them.")
        if "password_file" in one:
            passwords[name] = wanted.password_of_file(os.path.join(directory, os.path.expanduser(str(path))), name)
        elif password is not None and not isinstance(password, str):
            raise BadInput(f"etcd_users: the password of {name} is no text; write it in quotation marks.")
        else:
            # Passed on as plain text: a vaulted one is an object of Ansible's.
            passwords[name] = wanted.check_password(str(password or ""), name)
    return users, passwords


def _check_purge(arguments: Mapping[str, Any]) -> None:
    purge, cluster = arguments.get("purge") or "", arguments.get("cluster")
    if purge and purge != cluster:
        raise BadInput(f"etcd_access_purge is {purge!r}, and this cluster is {cluster}. Write its name: {cluster}")
    if purge and not (arguments.get("roles") and arguments.get("users")):
        raise BadInput(
            "etcd_access_purge is set, and etcd_roles or etcd_users is empty: all of them would go. Write both lists."
        )
