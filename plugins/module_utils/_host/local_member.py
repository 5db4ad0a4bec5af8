# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The cluster as the member on this host sees it, asked over its own listener with the administrator's certificate."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import user_file
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials

#: The view of a member that nobody can ask.


def credentials(layout: Layout) -> Credentials:
    """The administrator's certificate of this host, as far as it is there, and the user that the layout names.

    :raises EtcdError: the file that names the user cannot be used.
    """
    paths = {"ca_path": "ca", "client_cert": "admin", "client_key": "admin-key"}
    found = {option: layout.certificate(name) for option, name in paths.items()}
    user, password = user_file.read(layout.user_file) if layout.user_file else (None, None)
    return Credentials(
        **{option: path if os.path.exists(path) else None for option, path in found.items()},
        username=user,
        password=password,
    )


def asker(layout: Layout, cluster_id: str = "") -> Asker:
    """This host as one that asks for signs of life, see C(signs_of_life). A login is of use, and none is needed.

    :param cluster_id: empty where several clusters come into question.
    """
    try:
        known = credentials(layout)
    except EtcdError:
        known = credentials(replace(layout, user_file=""))
    pair = (layout.certificate("peer"), layout.certificate("peer-key"))
    return Asker(
        known,
        client_ca=host_files.read_text(layout.certificate("ca")),
        peer_ca=host_files.read_text(layout.certificate("peer-ca")),
        peer_pair=pair if all(map(os.path.exists, pair)) else (),
        cluster_id=cluster_id,
    )


def of_process(environment: Mapping[str, str], layout: Layout, timeout: float, others: Sequence[str] = ()) -> View:
    """What a running member says.

    :param environment: the process' own C(ETCD_*).
    :param timeout: seconds for each question.
    :param others: endpoints of its cluster, where a user logs in if it is a learner.
    """
    endpoint = urls.local(environment.get("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379").split(","))
    try:
        return survey.ask(endpoint, credentials(layout), timeout, others)
    except EtcdError as exc:
        return View(endpoint, error=str(exc))
