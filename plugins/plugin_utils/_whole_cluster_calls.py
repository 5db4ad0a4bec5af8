# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The calls of acts that presume no observation: a cluster is destroyed, or its space is reclaimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import destroy_acts, reclaim_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

#: Of a layout what etcd_defrag takes: it reads no release.
_OF_A_MEMBER = ("instance", "user", "group", "conf_dir", "data_dir", "wal_dir", "user_file")


def _destroy(act: destroy_acts.OfDestruction, given: Given) -> Call:
    return Call("etcd_internal_destroy", {**given.layout, "cluster": given.cluster, "state": act.state})


def _compact(act: reclaim_acts.Compact, given: Given) -> Call:
    options = {"endpoints": act.endpoints, "keep_revisions": act.keep_revisions, "physical": True}
    return Call("etcd_compaction", {**given.login, **options})


def _defragment(act: reclaim_acts.Defragment, given: Given) -> Call:
    layout = {name: given.layout[name] for name in _OF_A_MEMBER}
    return Call("etcd_defrag", {**layout, "allow_outage": act.allow_outage, "start_timeout": given.start_timeout})


def _disarm(act: reclaim_acts.Disarm, given: Given) -> Call:
    return Call("etcd_alarm", {**given.login, "endpoints": act.endpoints, "state": "disarmed", "alarm": "NOSPACE"})


HANDLERS: dict[type[Act], Callable[[Any, Given], Call]] = {
    **dict.fromkeys((destroy_acts.StopForGood, destroy_acts.ArchiveForGood, destroy_acts.RemoveMarker), _destroy),
    reclaim_acts.Compact: _compact,
    reclaim_acts.Defragment: _defragment,
    reclaim_acts.Disarm: _disarm,
}
