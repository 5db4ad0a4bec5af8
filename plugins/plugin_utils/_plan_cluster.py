# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan of an ordinary run, which moves the cluster to what the inventory says, of a downgrade or a migration."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    approved_plan,
    cluster_plan,
    downgrade,
    fleet,
    report,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils import _kept_plan, _plan_v2_migration
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import hosts_of

_LEFT_OUT = (
    "'{step.title}' is due, and {step.host} is not in this run (--limit or serial leave it out). Run without them."
)
_ELSEWHERE = (
    "{here} is no host of the group that has the members of {cluster}. Write it into that group, or name its own: "
    "etcd_group"
)


def plan(request: Request) -> Planned:
    """Plan an ordinary run.

    :raises EtcdError: nothing may be done.
    """
    with _kept_plan.withdrawn_if_refused(request):
        return _plan(request)


def _plan(request: Request) -> Planned:
    if request.here not in request.members:
        raise BadInput(_ELSEWHERE.format(here=request.here, cluster=request.cluster))
    approved = _kept_plan.approved(request)
    seen = hosts_of(request.members, request.batch, request.hostvars)
    hosts = approved_plan.without_done(seen, approved) if approved is not None else seen
    alive = [host.name for host in hosts if host.name in request.batch and not host.silent]
    verifying = request.arguments["verify"]
    found = cluster_plan.plan(hosts, verifying, identity.words_of(request.arguments["fenced"]), _back(request))
    if request.arguments["goal"] == _plan_v2_migration.GOAL:
        found = _plan_v2_migration.with_move(request, hosts, found)
    outside = [step for step in found.steps if step.host not in alive]
    if outside:
        raise BadInput(_LEFT_OUT.format(step=outside[0]))
    refusal = ""
    # What comes after other steps is gone on with once, not for ever.
    goes_on = found.comes_after and not request.arguments["again"]
    if verifying and found.waves and not goes_on:
        refusal = f"{request.cluster}: not all is done: {found.summary}. Run again."
    elif found.differences and not found.waves:
        refusal = f"{request.cluster}: not as the inventory says, see the plan above."
    found = _kept_plan.compared(request, approved, seen, found, goes_on)
    table = "" if found.waves else report.table(hosts)
    told = {"can_be_rehearsed": found.can_be_rehearsed, "due": len(found.steps), **fleet.view(hosts, alive)}
    return Planned(found, alive, table=table, refusal=refusal, told=told)


def _back(request: Request) -> downgrade.Wish | None:
    """The downgrade that is asked for."""
    given = request.arguments
    return downgrade.Wish(given["downgrade_to"], given["cancel"]) if given["goal"] == "downgrade" else None


def refused(request: Request, text: str) -> str:
    when = "after the steps above" if request.arguments["verify"] else "nothing was touched"
    return f"{request.cluster}: refused, {when}.\n{text}"
