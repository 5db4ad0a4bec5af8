# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""A snapshot of what a member serves, before something is done to its cluster."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given


def directory(given: Given, name: str) -> str:
    """Where such snapshots lie on a host."""
    return f"{given.wanted.snapshots.directory}/{name}"


def call(given: Given, name: str) -> Call:
    """Return the call that saves one into a directory of its own: it must not be the newest one that a restore finds.

    :param name: of that directory.
    """
    wanted, layout = given.wanted, given.wanted.layout
    endpoint, kept = given.host.seen.cluster.endpoint, wanted.snapshots
    options = {
        "directory": directory(given, name),
        "cluster": wanted.cluster,
        "data_dir": layout.data_dir,
        "wal_dir": layout.wal_dir,
        "max_hash_size": kept.max_hash_size,
        "endpoints": [endpoint],
        "endpoint": endpoint,
        "keep": kept.keep,
        "daily": kept.daily,
        "weekly": kept.weekly,
        **given.login,
    }
    return Call("etcd_snapshot", options)
