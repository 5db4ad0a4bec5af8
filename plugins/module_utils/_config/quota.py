# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The size that a member's database may reach. Beyond it the whole cluster takes no more writes (alarm NOSPACE)."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file

FLAG = "quota-backend-bytes"

# What 0 and nothing at all mean to etcd, and what less than 0 does (server/storage/quota.go).
_DEFAULT = 2 << 30
_NONE = sys.maxsize

_NUMBER = re.compile(r"-?[0-9]+")


def quota_bytes(value: object) -> int:
    """The quota that a value of the flag means, in bytes.

    :param value: a number or its text; anything else is taken for nothing at all.
    """
    text = str(value)
    number = int(text) if _NUMBER.fullmatch(text) else 0
    return _NONE if number < 0 else number or _DEFAULT


def of_environment(environment: Mapping[str, str]) -> int:
    """The quota of a process that has these variables, in bytes."""
    return quota_bytes(environment.get(env_file.variable(FLAG)))
