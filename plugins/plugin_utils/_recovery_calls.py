# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of the acts of a recovery from a lost quorum."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import recovery_acts as acts
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_acts import OfRecovery
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given


def _part(act: OfRecovery, given: Given) -> Call:
    wanted = given.wanted
    options = {
        "state": act.state,
        "cluster": wanted.cluster,
        "name": wanted.name,
        "snapshot_dir": wanted.snapshots.directory,
    }
    return Call("etcd_internal_recovery", {**given.layout, **options})


def _go_on_alone(act: acts.GoOnAlone, given: Given) -> Call:
    wanted, architecture = given.wanted, releases.architecture(given.host.seen.host.architecture)
    return _part(act, given).having(
        **given.content(given.host, act.version),
        peer_urls=list(wanted.member.peer_urls),
        binary=posixpath.join(wanted.layout.release_dir(act.version, architecture), "etcd"),
        term=act.term,
        index=act.index,
        timeout=given.start_timeout,
    )


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    **dict.fromkeys((acts.SaveAnswering, acts.Suspend, acts.GiveUp, acts.Resume), _part),
    acts.GoOnAlone: _go_on_alone,
}
