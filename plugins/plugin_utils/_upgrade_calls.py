# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts of an upgrade that are no member's update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._config import rehearsal, render
from ansible_collections.quorum.etcd.plugins.module_utils._model import upgrade_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.plugin_utils import _snapshot_aside
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

_MODULE = "etcd_internal_upgrade"
_DIRECTORY = "before-upgrade"
_CRL_FILES = ("client-crl-file", "peer-crl-file")


def _save(_act: upgrade_acts.SaveFirst, given: Given) -> Call:
    return _snapshot_aside.call(given, _DIRECTORY)


def _examine(act: upgrade_acts.Examine, given: Given) -> Call:
    settings = render.flags(given.wanted, act.releases[-1])
    crl_files = [str(settings[name]) for name in _CRL_FILES if name in settings]
    options = {"state": "examined", "releases": list(act.releases), "crl_files": crl_files}
    return Call(_MODULE, {**given.layout, **options})


def _rehearse(act: upgrade_acts.Rehearse, given: Given) -> Call:
    wanted = given.wanted
    options = {
        "state": "rehearsed",
        "releases": list(act.releases),
        "settings": {one: rehearsal.settings(render.flags(wanted, one)) for one in act.releases},
        "snapshot_dir": _snapshot_aside.directory(given, _DIRECTORY),
        "cluster": wanted.cluster,
        "tls": "etcd" in render.leaves(wanted),
        "timeout": given.start_timeout,
    }
    return Call(_MODULE, {**given.layout, **options})


def _await(act: upgrade_acts.AwaitVersion, given: Given) -> Call:
    options = {"state": "awaited", "minor": act.minor, "members": list(act.members)}
    return Call(_MODULE, {**given.layout, **options})


def _renew(act: upgrade_acts.RenewRaftSnapshots, given: Given) -> Call:
    return Call(_MODULE, {**given.layout, "state": "renewed", "endpoints": list(act.endpoints)})


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    upgrade_acts.SaveFirst: _save,
    upgrade_acts.Examine: _examine,
    upgrade_acts.Rehearse: _rehearse,
    upgrade_acts.AwaitVersion: _await,
    upgrade_acts.RenewRaftSnapshots: _renew,
}
