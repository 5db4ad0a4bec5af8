# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The SRV records of a cluster that is to be founded by them, judged on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, initial_cluster, srv
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import Source, Srv
from ansible_collections.quorum.etcd.plugins.plugin_utils._dns import PORT, NameServers

_SECONDS = 10.0


def compare(act: acts.CompareRecords, source: Source) -> dict[str, Any]:
    """Compare the records of members with the inventory. etcd asks for them once, at the first start.

    :raises Refused: no name server answers, or they are not those of exactly these members.
    :raises BadInput: a name server is no IP address.
    :raises HostError: dnspython is missing, or no name server is known.
    """
    if not isinstance(source, Srv):
        raise EtcdError("This host is founded without SRV records.")
    try:
        records = NameServers(source.name_servers, PORT, _SECONDS).records(source.domain, source.suffix)
    except TransportError as exc:
        raise Refused(
            f"The SRV records of {source.domain} cannot be read from the controller: {exc}",
            "Members that start by records which nobody compared may found a smaller cluster.",
            "See that a name server answers. With etcd_discovery_name_servers, a list of IP addresses, the run asks "
            "others than those of the controller. Then run the same command again. Without DNS: etcd_bootstrap: static",
            code="srv-unanswered",
        ) from exc
    findings = Findings()
    findings.refuse(srv.refusals(srv.compare(records, initial_cluster.read(act.initial_cluster))))
    findings.end()
    return {"changed": False}
