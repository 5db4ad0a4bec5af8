# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The cluster as the member on this host sees it, asked over its own listener with the administrator's certificate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import _urls
from ansible_collections.quorum.etcd.plugins.module_utils._client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout

# Any key: the answer does not matter, only that a quorum agreed on it. etcdctl's health check reads the same.
_KEY = "health"


def credentials(layout: Layout) -> Credentials:
    """The administrator's certificate of this host, as far as it is there."""
    paths = {"ca_path": "ca", "client_cert": "admin", "client_key": "admin-key"}
    found = {option: layout.certificate(name) for option, name in paths.items()}
    return Credentials(**{option: path if os.path.exists(path) else None for option, path in found.items()})


def of_process(environment: Mapping[str, str], layout: Layout, timeout: float) -> dict[str, Any]:
    """What a running member says.

    :param environment: the process' own C(ETCD_*).
    :param timeout: seconds for each question.
    :returns: C(endpoint), C(serves) (a linearizable read of its own succeeded), C(member_id), C(cluster_id), C(status),
        C(members), C(alarms), C(error) (why it does not serve, or empty).
    """
    endpoint = _urls.local(environment.get("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379").split(","))
    found: dict[str, Any] = {
        "endpoint": endpoint,
        "serves": False,
        "member_id": "",
        "cluster_id": "",
        "status": None,
        "members": [],
        "alarms": [],
        "error": "",
    }
    try:
        with Client([endpoint], credentials(layout), timeout) as client:
            found["status"] = client.status()
            found.update(client.member_list(linearizable=False))
            client.read(_KEY)
            found["serves"] = True
            found["alarms"] = client.alarms()
    except EtcdError as exc:
        found["error"] = str(exc)
    return found
