# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The options that name a token of a discovery service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.discovery_service import (
    DrawnToken,
    Token,
    TokenV2,
    TokenV3,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import client_of
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_keys import Keys


@contextlib.contextmanager
def token_of(params: Mapping[str, Any]) -> Iterator[Token]:
    """Open the token that a module was given.

    :raises BadInput: the options do not go together.
    """
    if not params["url"]:
        with client_of(params) as client:
            yield TokenV3(client, params["token"])
        return
    keys = Keys(params["proxy"], params["ca_path"], _time(params["timeout"]))
    url = params["url"].partition("?")[0].rstrip("/")
    if url.endswith("/new"):
        if params["token"] or params["state"] != "present":
            raise BadInput(f"{url} draws tokens. Leave token out, and take state: present; or give the URL of a token.")
        yield DrawnToken(keys, url)
    else:
        yield TokenV2(keys, f"{url}/{params['token']}" if params["token"] else url)


def _time(given: float) -> float:
    if not given > 0:
        raise BadInput(f"timeout {given:g} is no time; give seconds above 0.")
    return given
