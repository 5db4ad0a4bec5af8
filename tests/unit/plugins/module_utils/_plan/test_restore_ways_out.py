# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wherever a restore was interrupted, what its refusals advise is accepted, and ends with a cluster that serves."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers as _markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._plan import restore
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore import HostView, RestoreRequest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate
from inventory_of import CLUSTER_ID, bare, logged, marked, seeing, serving, silent, stopped
from snapshots_of import manifest

CLUSTER = "etcd_cluster"
NOW = 1_795_333_200.0
SNAPSHOT = "/var/lib/etcd-snapshots/etcd_cluster-20261122T070000Z-1000.db"
#: The id of the cluster that the restore makes.
MADE = "1f2e3d4c5b6a7988"
#: How far a host came, an act each. From RESTORED on there is no way back.
PHASES = ("untouched", "staged", "prepared", "marked", "archived", "restored", "open", "finished")
UNTOUCHED, STAGED, PREPARED, MARKED, ARCHIVED, RESTORED, OPEN, FINISHED = PHASES
#: What becomes of a machine meanwhile: switched off for good, replaced by a blank one, without its disk, without its
#: record, or not put back when the others began again.
FATES = ("well", "off", "blank", "without its data", "without its record", "of another restore")
FATES_OF_ONE = sorted({tuple(fate if at == one else FATES[0] for at in range(3)) for fate in FATES for one in range(3)})
FATES_OF_TWO = [one for one in itertools.product(FATES[:4], repeat=3) if one.count(FATES[0]) == 1]
#: The most commands that anybody should have to type.
PATIENCE = 6

#: What is said where nothing is left to do.
OVER = "a run that was interrupted at its very end has nothing left to do"
#: A command that a message names: the playbook if it says it, what is asked of it, and who is off.
COMMAND = re.compile(
    r"(?:ansible-playbook quorum\.etcd\.(?P<playbook>\w+) -i INVENTORY )?"
    r"-e (?P<what>etcd_(?:confirm_cluster|rollback|fenced))=(?P<value>[\w.,-]*\w)"
    r"(?: -e etcd_fenced=(?P<fenced>[\w.,-]*\w))?"
)


@dataclass(frozen=True)
class Site:
    """The hosts of an inventory, by its names.

    :param hosts: what each would say.
    :param off: machines that are gone for good.
    :param serves: what clients reach: C(old), C(new) or nothing.
    :param is_another: whether the operator says that the snapshot is of another cluster.
    """

    hosts: dict[str, HostView]
    off: frozenset[str] = frozenset()
    serves: str = ""
    is_another: bool = False

    @property
    def is_restored(self) -> bool:
        """Does a majority serve in the cluster that the restore made?"""
        markers = [look.host.marker for name, look in self.hosts.items() if name not in self.off]
        restored = [one for one in markers if one is not None and one.cluster_id == MADE]
        return len(restored) > len(self.hosts) // 2

    def asked(self, fenced: Sequence[str]) -> tuple[list[HostView], RestoreRequest]:
        """What a run is told that names these machines as off."""
        identities = [silent(look.host).inventory for look in self.hosts.values()]
        words = fencing.by_inventory(fenced, identities)
        looks = [self._look(name) for name in self.hosts if name not in words.off]
        named = restore.fenced_by(fenced, identities, looks)
        return looks, RestoreRequest(CLUSTER, SNAPSHOT, CLUSTER_ID if self.is_another else "", fenced=named)

    def _look(self, name: str) -> HostView:
        return HostView(silent(self.hosts[name].host)) if name in self.off else self.hosts[name]

    def becoming(self, changes: dict[str, HostView], serves: str) -> Site:
        return replace(self, hosts={**self.hosts, **changes}, serves=serves)


def at(number: int, by_address: bool) -> HostView:
    """A host that serves in the old cluster, in an inventory of names or of addresses."""
    return HostView(renamed(telling(serving(bare(number))), by_address), staged={})


def telling(host):
    status = replace(host.seen.status, revision=1200)
    return seeing(host, host={"time": NOW}, cluster={"status": status})


def renamed(host, by_address):
    return replace(host, name=f"10.0.0.{int(host.name[-1]) + 1}") if by_address else host


def in_phase(number: int, by_address: bool, phase: str, record: Restoration) -> HostView:
    """A host that came so far."""
    reached = PHASES.index(phase)
    here = at(number, by_address)
    made = {"token": record.token, "origin": _markers.RESTORE, "cluster_id": MADE, "member_id": f"77{number}"}
    if reached >= PHASES.index(OPEN):
        host = telling(serving(logged(marked(bare(number), _markers.STARTED, **made)), []))
        ids = {"cluster_id": MADE, "member_id": f"77{number}"}
        here = HostView(renamed(seeing(host, data=ids, cluster=ids), by_address), staged={})
    elif reached >= PHASES.index(RESTORED):
        host = logged(marked(bare(number), _markers.RESTORED, **made))
        here = HostView(renamed(seeing(host, host={"time": NOW}), by_address), staged={})
    elif reached >= PHASES.index(MARKED):
        pending = {"before": _markers.STARTED, "cluster_id": CLUSTER_ID, "next_token": record.token}
        host = marked(stopped(bare(number)), _markers.RESTORE_PENDING, **pending)
        host = seeing(host, host={"time": NOW}, data={"log": phase == MARKED})
        here = HostView(renamed(host, by_address), staged={})
    has_record = PHASES.index(PREPARED) <= reached < PHASES.index(FINISHED)
    is_staged = PHASES.index(STAGED) <= reached < PHASES.index(FINISHED)
    return replace(
        here,
        record=record if has_record else None,
        prepared=has_record and reached < PHASES.index(RESTORED),
        staged={record.sha256: f"/var/lib/etcd-snapshots/restoring-{record.sha256}.db"} if is_staged else {},
    )


def after(look: HostView, number: int, by_address: bool, fate: str) -> HostView:
    """What its machine says then."""
    if fate == "blank":
        return HostView(renamed(seeing(bare(number), host={"time": NOW}), by_address), staged={})
    if fate == "without its data":
        gone = {"log": False, "member_id": "", "cluster_id": ""}
        host = seeing(look.host, data=gone, unit={"active_state": "activating"})
        return replace(look, host=seeing(host, runtime=None, cluster=None))
    if fate == "without its record":
        return replace(look, record=None)
    if fate == "of another restore" and look.record is not None and look.is_pending:
        return replace(look, record=replace(look.record, token="another", began="20261120T000000Z"))
    return look


def interrupted(by_address: bool, fates: Sequence[Sequence[str]]) -> Iterator[tuple[str, Site, Restoration]]:
    """Every site that an interrupted restore can leave: an act that some hosts have done, and what befell machines."""
    begun = restore.plan([at(number, by_address) for number in range(3)], RestoreRequest(CLUSTER, SNAPSHOT), FILE)
    record = begun.restoration
    stops = [[later] * done + [earlier] * (3 - done) for earlier, later in zip(PHASES, PHASES[1:]) for done in range(3)]
    for phases, befell in itertools.product([*stops, [FINISHED] * 3], fates):
        if UNTOUCHED in phases and befell in FATES_OF_TWO:
            continue
        looks = [in_phase(number, by_address, phase, record) for number, phase in enumerate(phases)]
        looks = [after(look, number, by_address, befell[number]) for number, look in enumerate(looks)]
        off = frozenset(look.host.name for look, fate in zip(looks, befell) if fate == "off")
        alive = [look for look in looks if look.host.answers and look.host.name not in off]
        if len(alive) < 2:
            looks = [without_quorum(look) if look in alive else look for look in looks]
        told = ", ".join(f"{phase} and {fate}" for phase, fate in zip(phases, befell))
        yield told, Site({look.host.name: look for look in looks}, off), record


def without_quorum(look: HostView) -> HostView:
    return replace(look, host=seeing(look.host, cluster={"serves": False, "error": "no leader"}))


#: Always at hand, on the controller.
FILE = Candidate("", SNAPSHOT, manifest())


def run(site: Site, record: Restoration, playbook: str, what: str, fenced: Sequence[str]) -> Site:
    """The site after a command.

    :raises EtcdError: it is refused.
    """
    looks, wish = site.asked(fenced)
    names = [look.host.name for look in looks if not any(look.host.name == one for one in off_by(wish, site))]
    looks = [look for look in looks if look.host.name in names]
    by_address = next(iter(site.hosts))[0] == "1"
    if playbook == "destroy":
        if site.off & set(names):
            raise Refused(
                "A host gave no answer.", "It may come back.", "Name it: etcd_fenced", code="host-unreachable"
            )
        bares = {name: after(site.hosts[name], number_of(name), by_address, "blank") for name in names}
        return site.becoming(bares, site.serves)
    if what == "etcd_rollback":
        back = restore.roll_back(looks, wish)
        return site.becoming({name: at(number_of(name), by_address) for name in back}, "old")
    plan = restore.plan(looks, wish, FILE)
    if plan.ending:
        ended = {name: replace(site.hosts[name], record=None, staged={}) for name in plan.ending}
        return site.becoming(ended, "new")
    done = {name: in_phase(number_of(name), by_address, FINISHED, plan.restoration) for name in plan.hosts}
    return site.becoming(done, "new")


def off_by(wish: RestoreRequest, site: Site) -> list[str]:
    return restore.fenced_hosts(wish.fenced or {}, site.hosts)


def number_of(name: str) -> int:
    return int(name[-1]) - (name[0] == "1")


def ways_out(message: str) -> list[list[tuple[str, str, list[str]]]]:
    """What a refusal advises: alternatives, each a sequence of commands."""
    found = []
    for alternative in re.split(r"\bOr (?=roll)", message):
        commands = [
            (
                one["playbook"] or "restore",
                one["what"] if one["what"] != "etcd_fenced" else "etcd_confirm_cluster",
                (one["value"] if one["what"] == "etcd_fenced" else one["fenced"] or "").split(",") if one else [],
            )
            for one in COMMAND.finditer(alternative)
        ]
        if commands:
            found.append([(playbook, what, [word for word in fenced if word]) for playbook, what, fenced in commands])
    return found


def follow(site: Site, record: Restoration, patience: int, fenced: Sequence[str] = ()) -> None:
    """Type the command, and whatever it advises, until a cluster serves."""
    try:
        reached = run(site, record, "restore", "etcd_confirm_cluster", fenced)
    except EtcdError as exc:
        message = str(exc)
        if OVER in message:
            assert site.is_restored, message
            return
        if "-e etcd_snapshot_of=" in message:
            # It is this cluster as it was before it was restored, and that is what is wanted.
            run(replace(site, is_another=True), record, "restore", "etcd_confirm_cluster", fenced)
            return
    else:
        assert reached.serves, reached
        return
    assert patience, f"No end of it: {message}"
    ways = ways_out(message)
    assert ways, f"It names no command: {message}"
    for way in ways:
        reached = site
        for playbook, what, named in way:
            if playbook == "restore" and what == "etcd_confirm_cluster":
                # It may hear of something else that is in its way.
                follow(reached, record, patience - 1, named)
                break
            try:
                reached = run(reached, record, playbook, what, named)
            except EtcdError as exc:
                raise AssertionError(f"{message}\n\nIts way out {way} is refused:\n\n{exc}") from exc
        else:
            if not reached.serves:
                # What is gone for good is replaced by a blank machine.
                follow(replenished(reached), record, patience - 1)


def replenished(site: Site) -> Site:
    by_address = next(iter(site.hosts))[0] == "1"
    new = {name: after(site.hosts[name], number_of(name), by_address, "blank") for name in site.off}
    return replace(site, hosts={**site.hosts, **new}, off=frozenset())


@pytest.mark.parametrize(
    ("by_address", "fates"),
    [(False, FATES_OF_TWO), (False, FATES_OF_ONE), (True, FATES_OF_ONE)],
    ids=["two machines", "one machine", "one machine, by address"],
)
def test_every_way_out_is_accepted_and_ends(by_address: bool, fates: Sequence[Sequence[str]]) -> None:
    check(interrupted(by_address, fates), lambda site, record: follow(site, record, PATIENCE))


@pytest.mark.parametrize("by_address", [False, True])
def test_so_is_every_way_out_of_rolling_back(by_address: bool) -> None:
    check(interrupted(by_address, FATES_OF_ONE), roll_back)


def check(sites: Iterator[tuple[str, Site, Restoration]], does: Callable[[Site, Restoration], None]) -> None:
    failures = []
    for told, site, record in sites:
        try:
            does(site, record)
        except AssertionError as exc:
            failures.append(f"--- {told}\n{exc}")
    assert not failures, f"{len(failures)} of them:\n" + "\n".join(failures[:12])


def roll_back(site: Site, record: Restoration) -> None:
    """Whoever wants the old cluster back gets it, or hears what else there is."""
    try:
        run(site, record, "restore", "etcd_rollback", [])
    except EtcdError as exc:
        if "There is nothing to roll back" in str(exc):
            return
        for way in ways_out(str(exc)):
            for playbook, what, fenced in way:
                # Who is off was said already, or is said now.
                is_said = "etcd_confirm_cluster=" in str(exc)
                asked = "etcd_rollback" if what == "etcd_confirm_cluster" and not is_said else what
                try:
                    run(site, record, playbook, asked, fenced)
                except EtcdError as refused:
                    if playbook == "restore" and asked == "etcd_confirm_cluster":
                        follow(site, record, PATIENCE, fenced)
                    elif "restored data already" not in str(refused) and "nothing to roll back" not in str(refused):
                        raise AssertionError(f"{exc}\n\nIts way out {way} is refused:\n\n{refused}") from refused
