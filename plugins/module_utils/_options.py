# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The options that say where an instance lies on its host; the doc fragment C(layout) is their twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout

LAYOUT: dict[str, dict[str, Any]] = {
    "instance": {"type": "str", "default": "etcd"},
    "user": {"type": "str", "default": "etcd"},
    "group": {"type": "str", "default": "etcd"},
    "conf_dir": {"type": "path", "default": "/etc/etcd"},
    "data_dir": {"type": "path", "default": "/var/lib/etcd"},
    "wal_dir": {"type": "str", "default": ""},
    "log_file": {"type": "str", "default": ""},
    "install_dir": {"type": "path", "default": "/opt/etcd"},
    "bin_dir": {"type": "path", "default": "/usr/local/bin"},
}

#: What a step of the role's plan says of itself.
ANNOUNCE: dict[str, dict[str, Any]] = {"announce": {"type": "str", "default": ""}}


def layout_of(params: Mapping[str, Any]) -> Layout:
    """The layout that a module was given."""
    return Layout.from_dict(params)
