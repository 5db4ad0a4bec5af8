# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan to reclaim the space of databases, once every host has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._plan import reclaim
from ansible_collections.quorum.etcd.plugins.module_utils._plan.reclaim import Database
from ansible_collections.quorum.etcd.plugins.plugin_utils._answered import answers
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request

_DANGER = "While a member is defragmented it answers nobody, so all others have to be there."


def plan(request: Request) -> Planned:
    """Plan how space is reclaimed.

    :raises EtcdError: nothing may be done.
    """
    told, off = answers(request, _DANGER)
    if not told:
        raise BadInput("etcd_fenced names every host of the group: no member is left whose space could be reclaimed.")
    databases = [_database(host, one) for host, one in told.items()]
    keep, outage = request.arguments["keep_revisions"], request.arguments["allow_outage"]
    endpoints = {"endpoints": databases[0].endpoints}
    return Planned(reclaim.plan(databases, keep, outage), list(told), off, endpoints)


def _database(host: str, told: Mapping[str, Any]) -> Database:
    return Database(
        host,
        told["name"],
        told["endpoints"],
        bool(told["is_leader"]),
        told["db_size"],
        told["db_size_in_use"],
        told["free"],
        [one["alarm"] for one in told["alarms"]],
    )
