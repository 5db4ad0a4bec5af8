# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a migration from API version 2, out of that of an ordinary run and what each host says of its keys."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.v2_migration import Listing
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import result_named
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Request

#: The goal of a run that moves keys.
GOAL = "v2-migration"


def with_move(request: Request, hosts: Sequence[Host], ordinary: Plan) -> Plan:
    """Return the plan of an ordinary run, and the move behind it that is still to be made.

    :raises EtcdError: the keys may not move.
    """
    if request.arguments["verify"] and (request.arguments["again"] or _is_done(request)):
        return ordinary
    found = {host: result_named(request.hostvars, host, "__etcd_v2") for host in request.batch}
    # A host that failed, or was not reached, is silent for the ordinary run as well.
    listings = {host: Listing.from_result(told) for host, told in found.items() if "listing" in told}
    return v2_migration.plan(hosts, ordinary, listings)


def _is_done(request: Request) -> bool:
    """Have the keys moved in the walk that ended right now? Nothing on the hosts tells it."""
    return any("copied" in result_named(request.hostvars, host, "__etcd_done") for host in request.batch)
