# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What the modules that read and write keys share. Their documentation is the doc fragment ``data``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import client_of, credentials_of

#: How keys and values are written and returned.
ENCODINGS: dict[str, dict[str, Any]] = {
    "encoding": {"type": "str", "choices": texts.ENCODINGS, "default": texts.TEXT},
    "key_encoding": {"type": "str", "choices": texts.ENCODINGS, "default": texts.TEXT, "no_log": False},
}

#: etcd's own for clients.
DEFAULT_PORT = 2379

#: Stands where a value is not to be shown.
HIDDEN = "(hidden)"


@contextlib.contextmanager
def session_of(params: Mapping[str, Any]) -> Iterator[Session]:
    """Open a session from a module's connection options.

    :raises BadInput: the options do not go together.
    """
    credentials = credentials_of(params)
    with client_of(params) as client:
        yield Session(client, credentials)


def key_of(params: Mapping[str, Any]) -> bytes:
    """Return the key that a module was given.

    :raises BadInput: it is no base64 text, although it should be.
    """
    return texts.to_bytes(params["key"], params["key_encoding"], "key")


def endpoints_with_host(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the endpoint that ``host`` and ``port`` name, as the module etcd3 has them."""
    if params["host"] is None and params["port"] is None:
        return dict(params)
    host = params["host"] or "localhost"
    secure = params["ca_path"] or params["client_cert"]
    address = f"[{host}]" if ":" in host else host
    endpoint = f"{'https' if secure else 'http'}://{address}:{params['port'] or DEFAULT_PORT}"
    return {**params, "endpoints": [endpoint]}
