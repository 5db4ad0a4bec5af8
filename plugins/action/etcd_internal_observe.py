# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what one host should be, and looks at what it is."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, packages, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities, Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import PACKAGE
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._model.packages import Offer
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.plugin_utils import _authorities, _misspelt
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._left_out import inputs_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader
from ansible_collections.quorum.etcd.plugins.plugin_utils._wanted import NOWHERE, on_host, wanted_of

# With these a host would not wait for the others: the plan would be made before all were looked at.
_UNORDERED = ("free", "host_pinned")
_TOO_EARLY = (
    "The play's strategy is {strategy}, under which hosts do not wait for each other, and a plan would be made before "
    "every host was looked at. Nothing was touched. Take 'strategy' out of the play (and ANSIBLE_STRATEGY out of the "
    "environment): linear is Ansible's default."
)

# Seconds for each URL at which the controller tries a member that is to be forgotten.
_HEARING = 3.0

_OLDEST_PYTHON = (3, 9)
# Python 2 understands it too.
_ITS_VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])'
_OLD_PYTHON = (
    "its Python ({interpreter}) is {version}, and what runs on hosts needs 3.9 or newer. Install one there, or set "
    "ansible_python_interpreter to one that is there."
)


_NOTHING: dict[str, Any] = {
    "changed": False,
    "problems": [],
    "silent": "",
    "wanted": None,
    "seen": {},
    "authorities": Authorities().to_dict(),
    "skew": 0.0,
    "heard": {},
    "offer": None,
}


class ActionModule(InternalAction):
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        strategy = self._task.get_play().strategy
        if strategy.rpartition(".")[2] in _UNORDERED:
            return {**result, "failed": True, "msg": _TOO_EARLY.format(strategy=strategy)}
        _validation, arguments = self.validate_argument_spec(
            {
                "host": {"type": "str", "required": True},
                "inputs": {"type": "dict", "required": True, "no_log": True},
                "members": {"type": "list", "elements": "str", "default": []},
            }
        )
        host = arguments["host"]
        inputs = arguments["inputs"]
        if host != task_vars["inventory_hostname"]:
            inputs = inputs_of(host, self._loader, self._task, task_vars)
        try:
            identities = _identities(arguments["members"], inputs, task_vars)
        except EtcdError as exc:
            return {**result, **_NOTHING, "problems": list(exc.texts)}
        return {**result, **self._observe(host, inputs, identities, task_vars)}

    def _observe(
        self, host: str, inputs: dict[str, Any], identities: list[Identity], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        findings = Findings()
        findings.run(_check_names, host, inputs, task_vars)
        wanted = findings.run(wanted_of, host, inputs, NOWHERE)
        pki = findings.run(_authorities.Pki.from_inputs, inputs["pki"], vault_reader(self._loader))
        nothing = {**_NOTHING, "problems": list(findings.texts)}
        if wanted is None or pki is None:
            return nothing
        facts = render.facts(wanted)
        facts["forget"] = identity.synonyms(wanted.said.forget, identities)
        asked = time.time()
        try:
            answer = self._execute_module(
                module_name="quorum.etcd.etcd_node_info", module_args=facts, task_vars=task_vars
            )
        except AnsibleConnectionFailure as exc:
            # What the inventory says of the host is judged all the same.
            return {**nothing, "silent": str(exc)}
        answered = time.time()
        if answer.get("failed"):
            return {**nothing, "silent": self._old_python() or str(answer.get("msg", answer))}
        node = answer["node"]
        there = node["host"]["time"]
        skew = min(0.0, there - asked) + max(0.0, there - answered)
        try:
            seen = Observation.from_dict(node)
            wanted = on_host(wanted_of(host, inputs, seen.host.default_address), seen)
            authorities = _authorities.judge(pki, wanted, seen, datetime.now(timezone.utc))
        except EtcdError as exc:
            return {**_NOTHING, "problems": [*findings.texts, *exc.texts]}
        return {
            **nothing,
            "wanted": wanted.to_dict(),
            "seen": node,
            "authorities": authorities.to_dict(),
            "skew": skew,
            "heard": _heard(View.from_dict(node["cluster"] or {}), wanted, node["certificates"]),
            "offer": self._offer(wanted, node, task_vars),
        }

    def _offer(self, wanted: Desired, node: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any] | None:
        """What the host is offered where its release is to come out of packages; None where nobody needs to know."""
        runs = ((node["runtime"] or {}).get("identity") or {}).get("executable", "")
        if wanted.layout.install_method != PACKAGE or packages.is_settled(wanted.version, node["releases"], runs):
            return None
        asked = {"version": wanted.version, "asks": not wanted.checksums.directory}
        told = self._execute_module(
            module_name="quorum.etcd.etcd_internal_offer", module_args=asked, task_vars=task_vars
        )
        if told.get("failed"):
            return Offer(problem=f"does not say what apt offers it: {told.get('msg', told)}").to_dict()
        return Offer.from_dict(told).to_dict()

    def _old_python(self) -> str:
        """What to do about a Python that is too old, or an empty string. It fails in ways that do not say so."""
        interpreter = (self._used_interpreter or "").lstrip("#!")
        if not interpreter:
            return ""
        asked = self._low_level_execute_command(f"{interpreter} -c {shlex.quote(_ITS_VERSION)}")
        found = re.match(r"(\d+)\.(\d+)\s*$", asked["stdout"])
        if not found or (int(found[1]), int(found[2])) >= _OLDEST_PYTHON:
            return ""
        return _OLD_PYTHON.format(interpreter=interpreter, version=found[0].strip())


def _check_names(host: str, inputs: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
    """Are none of the host's variables misspelt?

    :raises BadInput: some are.
    """
    hostvars = task_vars.get("hostvars")
    names = task_vars if host == task_vars["inventory_hostname"] else task_vars["hostvars"].raw_get(host)
    _misspelt.check_host(host, names, inputs["known_variables"], hostvars)


def _identities(members: list[str], inputs: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[Identity]:
    """By what the inventory knows the hosts. Where nothing is to be forgotten no other host's variables are read."""
    if not inputs["forget"]:
        return []
    return [topology.identity_of(name, task_vars["hostvars"][name]) for name in members]


def _heard(view: View, wanted: Desired, certificates: Mapping[str, str]) -> dict[str, Any]:
    """Of the members that are to be forgotten and whom the host did not reach: who answers the controller itself.

    :param certificates: path -> text of those of the host, by whose authorities it is judged who that is.
    """
    unheard = {member_id for member_id, heard in view.forgotten.items() if not heard}
    named = [member for member in view.members or () if member.id in unheard]
    client_ca, peer_ca = (certificates.get(wanted.layout.certificate(name), "") for name in ("ca", "peer-ca"))
    asker = Asker(Credentials(), client_ca, peer_ca, cluster_id=view.cluster_id)
    with ThreadPoolExecutor(max_workers=max(1, len(named))) as pool:
        signs = pool.map(lambda member: signs_of_life.find(member, asker, _HEARING), named)
        return {member.id: sign and sign._asdict() for member, sign in zip(named, signs, strict=True)}
