# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases filled until their quota is reached."""

from __future__ import annotations

import os

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client

#: Bytes. Small enough to be reached soon.
QUOTA = 20 << 20
_VALUE = 200_000
#: What is left once the past is forgotten.
KEYS = [f"/filled/{number}" for number in range(10)]


def overwrite(client: Client, size: int) -> None:
    """Write the same few keys again and again, so many bytes in all."""
    for number in range(size // _VALUE):
        client.put(KEYS[number % len(KEYS)], os.urandom(_VALUE))


def fill(client: Client) -> None:
    """The same until etcd takes no more."""
    try:
        overwrite(client, 2 * QUOTA)
    except RpcError as exc:
        assert "database space exceeded" in exc.detail, exc
    assert "NOSPACE" in {one.alarm for one in client.alarms()}
