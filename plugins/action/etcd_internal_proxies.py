# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans the proxies of a host, and carries the plan out: files rendered and certificates issued on the controller."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.plugin_utils import _misspelt
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import Pki
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import PROXY_ROLE, InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader
from ansible_collections.quorum.etcd.plugins.plugin_utils._proxies import Host, Step

_MODULE = "quorum.etcd.etcd_internal_proxy"


class ActionModule(InternalAction):
    _home = PROXY_ROLE
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "state": {"type": "str", "choices": ["planned", "applied", "verified"], "required": True},
                "inputs": {"type": "dict", "required": True, "no_log": True},
                "plan": {"type": "dict", "default": {}},
                "lost": {"type": "list", "elements": "str", "default": []},
            }
        )
        name, inputs = task_vars["inventory_hostname"], arguments["inputs"]
        inputs = {**inputs, "hosts": _hosts(name, inputs, task_vars["hostvars"])}
        try:
            if arguments["state"] == "applied":
                result.update(self._apply(name, inputs, arguments["plan"], task_vars))
            else:
                result.update(self._plan(name, inputs, arguments, task_vars))
        except EtcdError as exc:
            text = f"{name}: refused, nothing was touched.\n{explained(exc.problems)}" if exc.refusals else str(exc)
            result.update(failed=True, refusals=exc.refusals, msg=text)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _plan(
        self, name: str, inputs: dict[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        verify, lost = arguments["state"] == "verified", arguments["lost"]
        hostvars = task_vars["hostvars"]
        _misspelt.check_host(name, hostvars[name], hostvars[name].get(_misspelt.EXEMPT), hostvars)
        host = self._host(name, inputs)
        done = self._module({"state": "looked", "proxies": host.looks()}, task_vars)
        if done.get("failed"):
            return done
        seen = done["seen"]
        plan = self._host(name, inputs, seen["address"]).plan(seen, datetime.now(timezone.utc))
        for note in plan.notes:
            self._display.warning(f"{name}: {note}")
        titles = [step.title for step in plan.steps]
        if verify and titles and lost:
            raise EtcdError(
                f"{name}: left as it was, because {', '.join(lost)} failed: {'; '.join(titles)}. Mend that and run "
                "again, or leave that host out: --limit"
            )
        if verify and titles:
            raise EtcdError(f"{name}: the proxies are not what the inventory says: {'; '.join(titles)}")
        if plan.ill and (verify or not titles):
            raise EtcdError(f"{name}: {' '.join(plan.ill)}")
        for title in titles:
            self._display.display(f"{name}: {title}")
        versions = sorted({step.version for step in plan.steps if step.version})
        steps = [asdict(step) for step in plan.steps]
        return {
            "changed": False,
            "steps": steps,
            "versions": versions,
            "architecture": releases.architecture(seen["machine"]),
            "seen": seen,
        }

    def _apply(
        self, name: str, inputs: dict[str, Any], plan: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        seen, changed = plan["seen"], False
        diff: list[dict[str, Any]] = []
        host, check = self._host(name, inputs, seen["address"]), self._task.check_mode
        for told in plan["steps"]:
            step = Step(**{**told, "due": tuple(told["due"])})
            done = self._module(host.call(step, seen, datetime.now(timezone.utc), check), task_vars)
            if done.get("failed"):
                return {**done, "msg": f"{name}: {done.get('msg', '')}", "changed": changed}
            changed = changed or bool(done["changed"])
            diff += done["diff"] if isinstance(done.get("diff"), list) else [done["diff"]] if done.get("diff") else []
        return {"changed": changed, "diff": diff}

    def _host(self, name: str, inputs: dict[str, Any], address: str = "") -> Host:
        pki = Pki.from_inputs(inputs["pki"], vault_reader(self._loader))
        return Host(name, inputs, pki, address)

    def _module(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(module_name=_MODULE, module_args=options, task_vars=task_vars)
        return done


def _hosts(name: str, inputs: dict[str, Any], hostvars: Any) -> dict[str, Any]:
    """Return what each host of the group says of its address and its proxies; of this one what the role has."""
    return {
        host: {
            "address": str(hostvars[host].get("ansible_host") or ""),
            "proxies": inputs["proxies"] if host == name else hostvars[host].get("etcd_proxy_instances"),
        }
        for host in dict.fromkeys([*inputs["group"], name])
    }
