# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a restore: what is restored, and the steps of it in their waves, as they are printed and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import restore_acts as acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Await, MakeAuthorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import OfRestore
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan

#: The acts that every host does, in their order: those that can be rolled back, and from where on there is no way back.
_BEFORE: tuple[type[OfRestore], ...] = (acts.Prepare, acts.Mark, acts.Stop, acts.StopLeader, acts.ArchiveData)
_AFTER: tuple[type[OfRestore], ...] = (acts.PutInPlace, acts.StartApart, acts.Compare, acts.Open, acts.Finish)


@dataclass(frozen=True)
class Candidate:
    """A snapshot that might be restored.

    :param host: the inventory's name of the host that has it, empty for the controller.
    :param details: what is in the file, as far as somebody has read it.
    :param modified: the time of the file, in seconds, where it has been read.
    :param alarms: that were raised when it was saved.
    """

    host: str
    path: str
    manifest: Manifest | None
    details: Mapping[str, Any] | None = None
    modified: float = 0.0
    alarms: Sequence[Alarm] = ()

    @property
    def sha256(self) -> str:
        return str(self.details["sha256"]) if self.details is not None else self._said.sha256

    @property
    def revision(self) -> int:
        return int(self.details["revision"]) if self.details is not None else self._said.revision

    @property
    def size(self) -> int:
        return int(self.details["size"]) if self.details is not None else self._said.size

    @property
    def members(self) -> Sequence[ClusterMember]:
        listed = self.details["members"] if self.details is not None else self._said.members
        return [ClusterMember.from_dict(one) for one in listed]

    @property
    def _said(self) -> Manifest:
        if self.manifest is None:
            raise BadInput(f"Nobody has read {self.path}, and there is no manifest beside it.")
        return self.manifest

    @property
    def label(self) -> str:
        return f"{self.path} on {self.host or 'the controller'}"


@dataclass(frozen=True)
class RestorePlan:
    """What a run will do.

    :param source: who has the snapshot, None where nobody needs it any more.
    :param having: host -> path of those that have it.
    :param installs: the steps by which hosts get what they lack.
    :param founds_authorities: are the certificate authorities still to be made?
    :param saving: the host of which the present state is saved first; empty where nobody answers.
    :param drilling: the host of the drill; empty where it was done.
    :param may_roll_back: has no host its new data yet?
    :param leader: the host whose member leads, empty if none does. It is stopped last: beside its followers it would
        hand over to one that stops as well, and wait for that.
    :param ending: hosts on which a restore that is over has left something behind: that is removed, and nothing is
        restored.
    :param summary: one sentence about what is restored.
    :param notes: what a person should know.
    """

    restoration: Restoration
    hosts: Sequence[str]
    source: Candidate | None
    having: Mapping[str, str]
    installs: Wave
    founds_authorities: bool
    saving: str
    drilling: str
    may_roll_back: bool
    summary: str
    notes: Sequence[str] = ()
    ending: Sequence[str] = ()
    leader: str = ""

    @property
    def plan(self) -> Plan:
        """First what is rolled back where a step of it fails, then what the same command goes on with."""
        if self.ending:
            return Plan(self.summary, _ended(self), notes=tuple(self.notes))
        reversible = [wave for wave in (*_made_ready(self), *_of(self, _BEFORE)) if wave]
        return Plan(
            self.summary, (*reversible, *_of(self, _AFTER)), reversible=len(reversible), notes=tuple(self.notes)
        )


def _ended(plan: RestorePlan) -> tuple[Wave, ...]:
    restoration = plan.restoration.to_dict()
    return (
        tuple(Step(host, acts.End.text, acts.End(restoration)) for host in plan.ending),
        tuple(Step(host, acts.Finish.text, Await()) for host in plan.ending),
    )


def _made_ready(plan: RestorePlan) -> Iterator[Wave]:
    """While the members still serve: whatever can fail for want of room or of a sound file.

    The snapshot comes first: once it is staged no retention deletes it.
    """
    restoration, source = plan.restoration.to_dict(), plan.source
    if source is not None:
        if source.host and len(plan.having) < len(plan.hosts):
            yield (Step(source.host, acts.Fetch.text, acts.Fetch(restoration, source.path)),)
        found = {"host": source.host, "path": source.path}
        staged = {host: acts.Stage(restoration, found, plan.having.get(host, "")) for host in plan.hosts}
        yield tuple(Step(host, acts.Stage.text, act) for host, act in staged.items())
    yield plan.installs
    if plan.founds_authorities:
        yield (Step(plan.hosts[0], "make the certificate authorities", MakeAuthorities()),)
    if plan.saving:
        title = f"save a snapshot of what {plan.saving} serves now, in before-restore beside the others"
        yield (Step(plan.saving, title, acts.Save()),)
    if plan.drilling:
        manifest = source.manifest.to_dict() if source is not None and source.manifest is not None else None
        title = f"restore the snapshot on {plan.drilling} for a trial, and throw that away"
        yield (Step(plan.drilling, title, acts.Try(restoration, manifest)),)


def _of(plan: RestorePlan, kinds: Sequence[type[OfRestore]]) -> Iterator[Wave]:
    restoration: dict[str, Any] = plan.restoration.to_dict()
    for kind in kinds:
        if kind is acts.Open:
            # One after the other, so that the cluster keeps its quorum meanwhile.
            for host in plan.hosts:
                yield (Step(host, f"start {host} for its clients", kind(restoration)),)
            continue
        title = "stop every member" if kind is acts.Stop and not plan.leader else kind.text
        yield tuple(Step(host, title, kind(restoration)) for host in _hosts_of(plan, kind))


def _hosts_of(plan: RestorePlan, kind: type[OfRestore]) -> Sequence[str]:
    if kind is acts.Stop:
        return [host for host in plan.hosts if host != plan.leader]
    if kind is acts.StopLeader:
        return [host for host in plan.hosts if host == plan.leader]
    return plan.hosts
