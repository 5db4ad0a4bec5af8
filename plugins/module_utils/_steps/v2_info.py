# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a member holds in etcd's API of version 2, as far as its host can tell."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import data_copy, host_files, local_member, processes
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_keys import Keys
from ansible_collections.quorum.etcd.plugins.module_utils._steps import upgrade

# Bytes of a listing: all values are in it.
_LARGEST = 2 << 30


def keys_with(credentials: Credentials, timeout: float) -> Keys:
    """A client of the API of version 2 of a member.

    :param timeout: seconds for each request.
    """
    context = Dialer(credentials.ca_path, credentials.client_cert, credentials.client_key).context()
    return Keys(timeout=timeout, context=context, largest=_LARGEST)


def serves(environment: Mapping[str, str]) -> bool:
    """Whether a member serves the API, by its process' own C(ETCD_*)."""
    return environment.get("ETCD_ENABLE_V2", "").lower() in ("1", "t", "true")


def inspect(run: Run, layout: Layout, timeout: float) -> dict[str, Any]:
    """Look, and change nothing.

    :param timeout: seconds for each question.
    :returns: see C(etcd_v2_info).
    """
    process = processes.describe(Systemd(run).show(layout.unit)["pid"])
    environment = process.environment if process else {}
    lies = markers.where_it_lies(layout, host_files.read_marker(layout))
    found: dict[str, Any] = {
        "runs": process is not None,
        "served": serves(environment),
        "listing": None,
        "problem": "",
        "conflicts": [],
        "copied": 0,
        "left": None,
        "examined": "",
    }
    if found["served"]:
        try:
            found |= _listed(environment, layout, timeout)
        except EtcdError as exc:
            found["problem"] = str(exc)
    if wal.segments(lies.log_dir):
        try:
            left = upgrade.v2_left(run, lies, platform.machine())
            found |= {"left": bool(left), "examined": left or "Nothing of version 2 is in the data."}
        except HostError as exc:
            found["examined"] = str(exc)
    return {**found, "room": data_copy.room(lies)}


def _listed(environment: Mapping[str, str], layout: Layout, timeout: float) -> dict[str, Any]:
    """Ask the member that serves the API."""
    endpoint = urls.local(environment.get("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379").split(","))
    credentials = local_member.credentials(layout)
    content = v2_migration.listed(keys_with(credentials, timeout), endpoint)
    with Client([endpoint], credentials, timeout) as client:
        compared = v2_migration.compare(client, content)
    return {"listing": content.summary(), "conflicts": list(compared.conflicts), "copied": len(compared.there)}


def check_room(lies: Layout) -> None:
    """Is there room for the copy?

    :raises HostError: there is none.
    """
    room = data_copy.room(lies)
    if room["free"] < room["needs"]:
        raise HostError(
            f"{lies.data_dir} has {room['free'] >> 20} MiB free, and the copy of the data that is kept first needs "
            f"{room['needs'] >> 20} MiB. Nothing was stopped. Make room there."
        )
