# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A setting with which a process runs although our file says otherwise, and the source that keeps it so."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import UNSET
from ansible_collections.quorum.etcd.plugins.module_utils._config.variable_sources import Source


def keeping(sources: Iterable[Source], conf_file: str, name: str, wanted: str) -> str:
    """The source from which a new process would have another value than the wanted one; empty if it would have that.

    :param conf_file: our own file, taken as it will be: with the wanted value.
    :param wanted: C((unset)) where our file does not set it.
    """
    value, where = UNSET, f"its unit, which does not read {conf_file}"
    for place, sets in sources:
        if place == conf_file:
            value, where = (wanted, place) if wanted != UNSET or value == UNSET else (value, where)
        elif name in sets:
            value, where = sets[name], place
    return "" if value == wanted else where


def kept(label: str, name: str, has: str, should: str, source: str) -> str:
    """The sentence about a setting that no restart mends."""
    return f"{label} runs with {name}={has}, not {should}, because of {source or 'the host'}. Change it there."
