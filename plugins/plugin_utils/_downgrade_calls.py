# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts of a downgrade that are no member's update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import downgrade_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.plugin_utils import _snapshot_aside
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

_MODULE = "etcd_downgrade"


def _save(_act: downgrade_acts.SaveBefore, given: Given) -> Call:
    return _snapshot_aside.call(given, "before-downgrade")


def _enable(act: downgrade_acts.Enable, given: Given) -> Call:
    return Call(_MODULE, {**given.login, "endpoints": act.endpoints, "state": "enabled", "target": act.target})


def _cancel(act: downgrade_acts.Cancel, given: Given) -> Call:
    return Call(_MODULE, {**given.login, "endpoints": act.endpoints, "state": "cancelled"})


def _await_end(act: downgrade_acts.AwaitEnd, given: Given) -> Call:
    return Call(_MODULE, {**given.login, "endpoints": act.endpoints, "state": "ended"})


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    downgrade_acts.SaveBefore: _save,
    downgrade_acts.Enable: _enable,
    downgrade_acts.Cancel: _cancel,
    downgrade_acts.AwaitEnd: _await_end,
}
