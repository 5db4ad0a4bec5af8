# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan to drain hosts, to maintain them one after the other, or to bring them back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import LONGEST, Owner
from ansible_collections.quorum.etcd.plugins.module_utils._plan import host_maintenance, report
from ansible_collections.quorum.etcd.plugins.module_utils._plan.host_maintenance import Wish
from ansible_collections.quorum.etcd.plugins.plugin_utils import _controller
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import hosts_of

#: Seconds: etcd's leases cannot be much shorter than its elections are long.
SHORTEST = 60


def plan(request: Request) -> Planned:
    """Plan what is done with the hosts of this run.

    :raises EtcdError: nothing may be done.
    """
    hosts = hosts_of(request.members, request.batch, request.hostvars)
    wish = _wish(request, hosts)
    verifying = request.arguments["verify"]
    planned = host_maintenance.plan_undrain if request.arguments["goal"] == "undrain" else host_maintenance.plan
    found = planned(hosts, wish, verifying)
    alive = [host.name for host in hosts if host.name in request.batch and not host.silent]
    refusal = f"{request.cluster}: not all is done, see above. Run again." if found.differences else ""
    table = "" if found.waves else report.table(hosts)
    # The operator's tasks presume a host that is drained.
    told = {"has_tasks": bool(wish.tasks), "can_be_rehearsed": False}
    return Planned(found, alive, table=table, refusal=refusal, told=told)


def _wish(request: Request, hosts: Sequence[Host]) -> Wish:
    """What is asked for.

    :raises BadInput: a variable is wrong, or a file is missing.
    """
    given, is_whole = request.arguments["maintenance"], request.arguments["goal"] == "maintenance"
    found = Findings()
    lasts = found.run(_seconds, given.get("timeout"))
    tasks = found.run(_file, request, "etcd_maintenance_tasks", given.get("tasks")) if is_whole else ""
    check = found.run(_file, request, "etcd_maintenance_check", given.get("check")) if is_whole else ""
    found.end()
    processes = {host.seen.drained.process for host in hosts}
    processes |= {one.owner.process for host in hosts if (one := host.seen.cluster.maintenance) is not None}
    boot = _controller.boot()
    return Wish(
        Owner(str(given.get("owner") or "").strip() or _controller.person(), _controller.run()),
        [name for name in request.members if name in request.batch],
        lasts or SHORTEST,
        tasks or "",
        check or "",
        frozenset(one for one in processes if _controller.has_ended(one)),
        frozenset(host.name for host in hosts if boot and host.seen.host.boot == boot),
    )


def _seconds(given: Any) -> int:
    try:
        found = int(str(given))
    except ValueError:
        found = 0
    if not SHORTEST <= found <= LONGEST:
        raise BadInput(f"etcd_maintenance_timeout is {given!r}. Give seconds, from {SHORTEST} to {LONGEST}.")
    return found


def _file(request: Request, variable: str, given: Any) -> str:
    """The absolute path of a file with tasks, as from where the playbook is run; empty for none.

    :raises BadInput: there is no such file, or it has no tasks.
    """
    if not given:
        return ""
    path = os.path.abspath(os.path.expanduser(str(given)))
    try:
        tasks = request.load(path)
    except AnsibleError as exc:
        raise BadInput(f"{variable} is {path}, and no tasks can be read there: {exc}") from exc
    if not isinstance(tasks, Sequence) or isinstance(tasks, str) or not tasks:
        raise BadInput(f"{variable} is {path}, which is no list of tasks.")
    return path
