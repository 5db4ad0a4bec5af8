# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Every act that a step can be, by the name of its kind, and how one is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    destroy_acts,
    downgrade_acts,
    maintenance_acts,
    reclaim_acts,
    recovery_acts,
    restore_acts,
    upgrade_acts,
    v2_acts,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act

KINDS: dict[str, type[Act]] = {
    one.kind: one
    for one in (
        acts.Install,
        acts.MakeAuthorities,
        acts.Configure,
        acts.AskService,
        acts.CompareRecords,
        acts.DrawToken,
        acts.Accept,
        acts.Prove,
        acts.Start,
        acts.Await,
        acts.Join,
        acts.Leave,
        acts.Forget,
        acts.Update,
        acts.RollBack,
        restore_acts.Fetch,
        restore_acts.Stage,
        restore_acts.Save,
        restore_acts.Try,
        restore_acts.Prepare,
        restore_acts.Mark,
        restore_acts.Stop,
        restore_acts.StopLeader,
        restore_acts.ArchiveData,
        restore_acts.PutInPlace,
        restore_acts.StartApart,
        restore_acts.Compare,
        restore_acts.Open,
        restore_acts.Finish,
        restore_acts.End,
        restore_acts.Undo,
        recovery_acts.SaveAnswering,
        recovery_acts.Suspend,
        recovery_acts.GoOnAlone,
        recovery_acts.GiveUp,
        recovery_acts.Resume,
        reclaim_acts.Compact,
        reclaim_acts.Defragment,
        reclaim_acts.Disarm,
        destroy_acts.StopForGood,
        destroy_acts.ArchiveForGood,
        destroy_acts.RemoveMarker,
        upgrade_acts.SaveFirst,
        upgrade_acts.Examine,
        upgrade_acts.Rehearse,
        upgrade_acts.AwaitVersion,
        upgrade_acts.RenewRaftSnapshots,
        downgrade_acts.SaveBefore,
        downgrade_acts.Enable,
        downgrade_acts.Cancel,
        downgrade_acts.AwaitEnd,
        *maintenance_acts.KINDS,
        *v2_acts.KINDS,
    )
}


def read(told: Mapping[str, Any]) -> Act:
    """Return an act from what C(Act.to_dict) made of it.

    :raises BadInput: it is none.
    """
    act = KINDS.get(str(told.get("kind")))
    names = {one.name for one in fields(act)} if act else set()
    if act is None or not names <= set(told):
        raise BadInput(f"{told.get('kind')!r} is no step of a plan of this release, or lacks something. Run it again.")
    return act(**{name: told[name] for name in names})
