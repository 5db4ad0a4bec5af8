# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Who asks about users, roles and authentication, from a module's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._access.authentication import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import credentials_of, endpoints_of


def asker_of(params: Mapping[str, Any]) -> Asker:
    """Return it.

    :raises BadInput: the options do not go together.
    """
    if not params["timeout"] > 0:
        raise BadInput(f"timeout {params['timeout']:g} is no time; give seconds above 0.")
    return Asker(endpoints_of(params), credentials_of(params), params["timeout"])
