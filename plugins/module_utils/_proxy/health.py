# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether a proxy serves, asked through the proxy, and whether what it is to lead to are members."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import GATEWAY
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import dial
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

_ASK = 5.0
_POLL = 0.2
# Any key would do, and need not exist.
_KEY = "quorum.etcd"


def credentials(files: Mapping[str, str]) -> Credentials:
    """Return who asks, from the paths C(ca), C(cert) and C(key), each of which may be empty."""
    return Credentials(files["ca"] or None, files["cert"] or None, files["key"] or None)


def problem(asked: Mapping[str, str]) -> str:
    """Return why a proxy does not serve; empty if it does.

    A linearizable read goes through it. A gateway in front of TLS gets no client certificate, which would be a key to
    every key of the cluster on a host that needs none: there a member has to show its own certificate through it.

    :param asked: as C(proxy_unit.health) returns it.
    """
    try:
        if asked["kind"] == GATEWAY and asked["ca"]:
            endpoint = dial.endpoint_of(asked["url"])
            dial.Dialer(asked["ca"]).dial(endpoint, Deadline(_ASK)).close()
            return ""
        with Client([asked["url"]], credentials(asked), _ASK) as client:
            client.read(_KEY)
    except RpcError as exc:
        # Whom a member does not let read has been answered by it.
        return str(exc) if outcome_unknown(exc) else ""
    except EtcdError as exc:
        return str(exc)
    return ""


def await_service(asked: Mapping[str, str], deadline: Deadline) -> str:
    """Return what is wrong at the deadline; empty as soon as the proxy serves."""
    while True:
        found = problem(asked)
        if not found or not deadline.left():
            return found
        time.sleep(_POLL)


def check_members(endpoints: Sequence[str], files: Mapping[str, str]) -> None:
    """See that none of the endpoints is itself a proxy. One that does not answer may be down, which is no mistake.

    :raises Refused: one is.
    """
    for endpoint in endpoints:
        with Client([endpoint], credentials(files), _ASK) as client:
            queries.refuse_proxy(client)
