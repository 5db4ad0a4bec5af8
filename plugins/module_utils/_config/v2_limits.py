# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What settings say of the size of requests and of the database, for keys of version 2 that move."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, quota
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import (
    DEFAULT_OPERATIONS,
    DEFAULT_REQUEST,
    Limits,
)

_SETTINGS = ("max-request-bytes", "max-txn-ops", quota.FLAG)


def limits(settings: Mapping[str, object]) -> Limits:
    """The limits of a member.

    :param settings: by etcd's flag names, as values or as their texts.
    """
    return Limits(
        int(str(settings.get("max-request-bytes") or DEFAULT_REQUEST)),
        int(str(settings.get("max-txn-ops") or DEFAULT_OPERATIONS)),
        quota.quota_bytes(settings.get(quota.FLAG)),
    )


def of_variables(variables: Mapping[str, str]) -> Limits:
    """The limits of a member by its settings as variables, C(ETCD_*)."""
    return limits({name: variables.get(env_file.variable(name), "") for name in _SETTINGS})
