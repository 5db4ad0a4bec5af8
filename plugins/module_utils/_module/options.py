# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Options that several modules share: where an instance lies on its host, and what its host is to hold.

The doc fragments C(layout), C(content), C(membership), C(joining), C(update), C(witnesses),
C(restore) and C(login) are their twins. An action and the module that it runs on the host share those of one act.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import (
    ARCHIVE,
    CONTAINER,
    ENV,
    PACKAGE,
    YAML,
    Layout,
)

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
    "user_file": {"type": "str", "default": ""},
    "config_format": {"type": "str", "choices": [ENV, YAML], "default": ENV},
    "install_method": {"type": "str", "choices": [ARCHIVE, PACKAGE, CONTAINER], "default": ARCHIVE},
}

_TEXT = {"type": "str", "required": True}

#: All that lies on a member's host, as C(plugin_utils/_content.py) renders it.
CONTENT: dict[str, dict[str, Any]] = {
    "files": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "path": {"type": "path", "required": True},
            "content": _TEXT,
            "mode": _TEXT,
            "owner": _TEXT,
            "group": _TEXT,
        },
    },
    "links": {"type": "dict", "default": {}},
    "certificates": {"type": "dict", "default": {}},
    "private_keys": {"type": "dict", "default": {}, "no_log": True},
}

_URLS = {"type": "list", "elements": "str", "default": []}
_TIMEOUT: dict[str, dict[str, Any]] = {"timeout": {"type": "float", "default": 120.0}}

#: What a step that changes the members presumes of its cluster.
PRESUMED: dict[str, dict[str, Any]] = {
    "endpoints": {"type": "list", "elements": "str", "required": True},
    "members": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "id": _TEXT,
            "peer_urls": {"type": "list", "elements": "str", "required": True},
            "is_learner": {"type": "bool", "required": True},
        },
    },
}

#: How the other members report their new connections before one is stopped, removed or promoted.
WITNESSES: dict[str, dict[str, Any]] = {"nonce": {"type": "str", "default": "", "no_log": False}}

#: All that such a step knows on its host.
MEMBERSHIP: dict[str, dict[str, Any]] = {"cluster": _TEXT, "name": _TEXT, **PRESUMED}

#: How a host joins.
JOINING = {**WITNESSES, **_TIMEOUT}

#: A member's update.
UPDATE: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["taken", "undone"], "default": "taken"},
    "restart": {"type": "bool", "default": False},
    "peer_urls": _URLS,
    "endpoints": _URLS,
    "members": {"type": "list", "elements": "dict"},
    "allow_outage": {"type": "bool", "default": False},
    **WITNESSES,
    "reports": {"type": "list", "elements": "dict", "default": []},
    **_TIMEOUT,
}


def layout_of(params: Mapping[str, Any]) -> Layout:
    """The layout that a module was given."""
    return Layout.from_dict(params)
