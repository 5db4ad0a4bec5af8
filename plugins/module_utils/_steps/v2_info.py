# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a member holds in etcd's API of version 2, as far as its host can tell."""

from __future__ import annotations

import platform
import ssl
from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, v2_limits
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    data_copy,
    host_files,
    local_member,
    member_files,
    processes,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Needs
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_member import V2Member
from ansible_collections.quorum.etcd.plugins.module_utils._steps import upgrade

#: Why data are copied, a part of the copies' names.
PURPOSE = "migration"


def context_of(credentials: Credentials) -> ssl.SSLContext:
    """Whom to trust, and what to show to a member."""
    return Dialer(credentials.ca_path, credentials.client_cert, credentials.client_key).context()


def serves(environment: Mapping[str, str]) -> bool:
    """Whether a member serves the API, by its process' own C(ETCD_*)."""
    return environment.get("ETCD_ENABLE_V2", "").lower() in ("1", "t", "true")


def emulated(layout: Layout, environment: Mapping[str, str]) -> str:
    """The prefix of the keys of version 3 that the API serves, or would serve, in place of its own; empty for none.

    :param environment: of the member's process, empty where none runs.
    """
    found = environment or member_files.settings(layout)
    return found.get(env_file.variable("experimental-enable-v2v3"), "")


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
        "emulated": emulated(layout, environment),
        "users": None,
        "listing": None,
        "problem": "",
        "conflicts": [],
        "copied": 0,
        "needs": {},
        "database": 0,
        "left": None,
        "examined": "",
    }
    # What is emulated is nothing of version 2.
    if found["served"] and not found["emulated"]:
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
    return {**found, "room": data_copy.room(lies, PURPOSE), "copies": data_copy.earlier(lies, PURPOSE)}


def _listed(environment: Mapping[str, str], layout: Layout, timeout: float) -> dict[str, Any]:
    """Ask the member that serves the API."""
    endpoint = urls.local(environment.get("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379").split(","))
    credentials = local_member.credentials(layout)
    with V2Member(endpoint, context_of(credentials), timeout) as member:
        if member.demands_login():
            return {"users": True}
        content = v2_migration.listed(member, agreed=False).content
    limits = v2_limits.of_variables(environment)
    with Client([endpoint], credentials, timeout) as client:
        compared = v2_migration.compare(client, content.keys, limits)
        database = client.status(endpoint).db_size
    return {
        "users": False,
        "listing": content.summary(),
        "conflicts": list(compared.conflicts),
        "copied": len(compared.there),
        "needs": Needs.of(compared.missing).to_dict(),
        "database": database,
    }


def check_room(lies: Layout) -> None:
    """Is there room for the copy?

    :raises HostError: there is none.
    """
    room = data_copy.room(lies, PURPOSE)
    if room["free"] < room["needs"]:
        raise HostError(
            f"{lies.data_dir} has {room['free'] >> 20} MiB free, and the copy of the data that is kept first needs "
            f"{room['needs'] >> 20} MiB. Nothing was stopped. Make room there."
        )
