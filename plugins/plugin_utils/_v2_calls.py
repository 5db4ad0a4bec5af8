# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts by which keys move from API version 2 to 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import v2_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.plugin_utils import _snapshot_aside
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given


def _save(_act: v2_acts.SaveBeforeMove, given: Given) -> Call:
    return _snapshot_aside.call(given, "before-v2-migration")


def _move(act: v2_acts.MoveV2Keys, given: Given) -> Call:
    options = {
        "takes_expiring": act.takes_expiring,
        "endpoints": act.endpoints,
        "members": act.members,
        "nonce": act.nonce,
        "reports": given.reports,
        "allow_outage": given.wanted.said.allow_outage,
        "timeout": given.start_timeout,
    }
    return Call("etcd_internal_v2_migration", {**given.layout, **options})


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    v2_acts.SaveBeforeMove: _save,
    v2_acts.MoveV2Keys: _move,
}
