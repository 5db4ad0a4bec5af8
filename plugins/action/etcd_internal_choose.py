# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses, from what every host of a cluster has registered, the one that acts for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._plan import chosen_host
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction

_LOOKED = "__etcd_looked"


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "purpose": {"type": "str", "choices": list(_CHOICES), "required": True},
                "cluster": {"type": "str", "required": True},
                "group": {"type": "str", "default": ""},
                "members": {"type": "list", "elements": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
                "snapshot": {"type": "str", "default": ""},
                "directory": {"type": "str", "default": ""},
                "instance": {"type": "str", "default": ""},
            }
        )
        told = {name: task_vars["hostvars"][name].get(_LOOKED) or {} for name in arguments["hosts"]}
        try:
            chosen = _CHOICES[arguments["purpose"]](told, arguments)
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure, "msg": f"{arguments['cluster']}: {exc}"}
        return {**result, "changed": False, **chosen}


def _save(told: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    found = chosen_host.savers(told)
    others = chosen_host.passed_over(arguments["members"], told)
    if not found:
        raise Refused("no host can save a snapshot.", " ".join(others), "", code="no-host-to-save")
    return {"host": found[0], "passed_over": others}


def _drill(told: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    saving = advice.save(arguments["group"])
    if arguments["snapshot"]:
        named = [host for host, one in told.items() if one.get("named")]
        if not named:
            raise Refused(
                f"no host of this run has {arguments['snapshot']}.",
                "Nothing was proven.",
                "Name another one by its path on a host, or none for the newest.",
                code="snapshot-not-found",
            )
        return {"host": named[-1]}
    host = _newest(told)
    if not host:
        raise Refused(
            f"no host of this run has a snapshot in {arguments['directory']}.",
            "Nothing was proven.",
            f"Save one now: {saving}. Or name one by its path on a host: -e etcd_snapshot=PATH",
            code="snapshot-not-found",
        )
    return {"host": host}


def _fetch(told: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    host = _newest({name: {"newest": one.get("manifest")} for name, one in told.items()})
    if not host:
        raise Refused(
            f"there is no snapshot in {arguments['directory']} on {', '.join(arguments['hosts'])}.",
            "",
            f"Save one now: {advice.save(arguments['group'])}. Why the members have saved none by themselves: "
            f"journalctl -u {arguments['instance']}-snapshot on each of them.",
            code="snapshot-not-found",
        )
    return {"host": host}


def _newest(told: Mapping[str, Mapping[str, Any]]) -> str:
    manifests = {host: one.get("newest") for host, one in told.items()}
    return chosen_host.newest_of({host: Manifest.from_dict(one) for host, one in manifests.items() if one})


_CHOICES = {"save": _save, "drill": _drill, "fetch": _fetch}
