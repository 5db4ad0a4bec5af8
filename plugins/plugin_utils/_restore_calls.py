# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts of a restore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import restore_acts as acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import OfRestore
from ansible_collections.quorum.etcd.plugins.plugin_utils import _snapshot_aside
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import throwaway
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

MODULE = "etcd_internal_restore"


def _part(act: OfRestore, given: Given) -> Call:
    wanted = given.wanted
    options = {
        "state": act.state,
        "cluster": wanted.cluster,
        "restoration": act.restoration,
        "name": wanted.name,
        "peer_urls": list(wanted.member.peer_urls),
        "snapshot_dir": wanted.snapshots.directory,
        "timeout": given.start_timeout,
    }
    return Call(MODULE, {**given.layout, **options})


def _fetch(act: acts.Fetch, given: Given) -> Call:
    return _part(act, given).having(snapshot=act.path)


def _stage(act: acts.Stage, given: Given) -> Call:
    return _part(act, given).having(snapshot=act.path or None)


def _try(act: acts.Try, given: Given) -> Call:
    options: dict[str, Any] = {"manifest": act.manifest}
    # A new machine gets its own with its data. Without TLS its other users could read the database till then.
    if given.wanted.tls and given.host.authorities.renew:
        options |= throwaway(datetime.now(timezone.utc))
    return _part(act, given).having(**options)


def _put_in_place(act: acts.PutInPlace, given: Given) -> Call:
    return _part(act, given).having(**given.content(given.host, act.restoration["version"]))


def _undo(_act: acts.Undo, given: Given) -> Call:
    wanted = given.wanted
    options = {"state": "rolled_back", "cluster": wanted.cluster, "snapshot_dir": wanted.snapshots.directory}
    return Call(MODULE, {**given.layout, **options})


def _save(_act: acts.Save, given: Given) -> Call:
    return _snapshot_aside.call(given, "before-restore")


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    acts.Fetch: _fetch,
    acts.Stage: _stage,
    acts.Save: _save,
    acts.Try: _try,
    acts.PutInPlace: _put_in_place,
    acts.Undo: _undo,
    **dict.fromkeys(
        (
            acts.Prepare,
            acts.Mark,
            acts.Stop,
            acts.StopLeader,
            acts.ArchiveData,
            acts.StartApart,
            acts.Compare,
            acts.Open,
            acts.Finish,
            acts.End,
        ),
        _part,
    ),
}
