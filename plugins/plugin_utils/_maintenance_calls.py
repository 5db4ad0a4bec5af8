# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts that take a host out of service and bring it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

_MODULE = "etcd_internal_maintenance"


def _drain(act: maintenance_acts.Drain, given: Given) -> Call:
    options = {
        "state": "drained",
        "owner": act.owner,
        "lasts": act.lasts,
        "machine": act.machine,
        "predecessor": act.predecessor,
        "allow_outage": act.allow_outage,
        "endpoints": act.endpoints,
        "members": act.members,
        "nonce": act.nonce,
    }
    return Call(_MODULE, {**given.layout, **options})


def _undrain(act: maintenance_acts.Undrain, given: Given) -> Call:
    options = {
        "state": "undrained",
        "owner": act.owner,
        "goes_on": act.goes_on,
        "is_given_up": act.is_given_up,
        "endpoints": act.endpoints,
        "nonce": act.nonce,
        "timeout": given.start_timeout,
    }
    return Call(_MODULE, {**given.layout, **options})


def _end(act: maintenance_acts.EndMaintenance, given: Given) -> Call:
    options = {"state": "ended", "owner": act.owner, "endpoints": act.endpoints, "any_run": act.is_any_run}
    return Call(_MODULE, {**given.layout, **options})


#: The tasks of a file are the role's to include.
HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    maintenance_acts.Drain: _drain,
    maintenance_acts.Undrain: _undrain,
    maintenance_acts.EndMaintenance: _end,
}
