# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A cluster for a person, from what every host of it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import health
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host


def verdict(hosts: Sequence[Host]) -> dict[str, Any]:
    """The health verdict, see C(health.judge), from the observation of each host."""
    return health.judge([_said(host) for host in hosts if host.runs or host.wanted is None or host.wanted.present])


def table(hosts: Sequence[Host]) -> str:
    """One line a member, as etcdctl would print it."""
    return str(verdict(hosts)["table"])


def _said(host: Host) -> View:
    endpoint = host.wanted.member.client_urls[0] if host.wanted is not None else host.name
    cluster = host.seen.cluster
    if not cluster.endpoint:
        return View(endpoint, error=host.silent or "it does not run.")
    return replace(cluster, endpoint=endpoint)
