# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where a cluster that exists is not what the inventory says, in sentences. No step mends these yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, health, markers, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Forget, Join, Leave, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import NOSPACE
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan import drift
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster

# What an alarm that has a remedy of its own adds to its sentence.
_REMEDIES = {
    NOSPACE: " The cluster takes no writes. To reclaim the space of old revisions, and to disarm it, also once "
    "the quota is larger: ansible-playbook quorum.etcd.reclaim -i INVENTORY"
}


def of_host(host: Host, version: str, asked: str, steps: Sequence[Step] = ()) -> Iterator[str]:
    """What is different on one host and is nobody's step.

    :param version: the version that its member has.
    :param asked: the version that the inventory asks for, or that of the cluster.
    :param steps: what is planned; a member that is replaced has nothing left to lose.
    """
    if host.silent:
        yield f"{host.label} could not be looked at: {host.silent}"
        return
    if host.wanted is None or not host.wanted.present:
        return
    unit = host.seen.unit
    if host.masked:
        yield f"{host.label}: {unit.name} is masked. If it may run: systemctl unmask {unit.name}"
    replaced = any(isinstance(step.act, Join) and step.host == host.name for step in steps)
    ran = host.runs or host.state in (markers.STARTING, markers.STARTED)
    # In its first start it may wait for the others, and make its log once they have come.
    begins = host.runs and host.state == markers.STARTING and not host.answers
    if ran and not host.has_log and not replaced and not begins:
        yield _lost_log(host, host.wanted)
    if host.answers and host.has_log and not host.seen.data.held:
        yield (
            f"{host.label} runs, and the log in {host.wanted.layout.log_dir} is not the one that it has open: its disk "
            "was unmounted, or another one mounted over it. Once the member stops it starts with what is there now, "
            "or not at all. Mount the right disk there before it stops."
        )
    if host.runs:
        if unit.enabled not in ("enabled", "masked"):
            yield f"{host.label} runs and would not start at boot. To mend it: systemctl enable {unit.name}"
        if version != asked and not any(isinstance(step.act, Update) and step.host == host.name for step in steps):
            yield (
                f"{host.label} runs etcd {version}, and the inventory asks for {asked}. It gets that once the cluster "
                "serves and nothing else is due: run the same command again then."
            )
        if host.refuses_peers:
            yield (
                f"{host.label} refuses new peer connections: {host.refuses_peers} Those that were made before live on. "
                "No other member can be restarted before this is mended; its log says more."
            )
        yield from drift.overridden_settings(host, version)


def _lost_log(host: Host, wanted: Desired) -> str:
    if host.runs:
        return (
            f"{host.label} runs, and its write-ahead log is no longer in {wanted.layout.log_dir}: once it stops, its "
            "gate will keep it down. Take a snapshot of it now."
        )
    return (
        f"{host.label} has run before, and there is no write-ahead log in {wanted.layout.log_dir}: its data are gone. "
        "Its gate keeps it down, because started empty it could bring acknowledged writes to nothing. If a disk is "
        "missing, mount it: the unit starts by itself. If the data are lost for good, the member is replaced once the "
        "others serve."
    )


def of_membership(hosts: Sequence[Host], roster: Roster | None, steps: Sequence[Step]) -> Iterator[str]:
    """Members that nothing in the inventory stands for.

    :param steps: what is planned; a member that a step removes is no difference.
    """
    if roster is None or any(host.silent for host in hosts):
        return
    removed = {step.act.member_id for step in steps if isinstance(step.act, (Forget, Leave))}
    for member in roster.unmanaged():
        if member.id not in removed:
            counts = (
                "It is a learner, has no vote, and takes the place of the next one"
                if member.is_learner
                else "It is counted for quorum"
            )
            yield (
                f"Member {member.id} ({member.name or 'not started'}, {', '.join(member.peer_urls)}) is on no "
                f"host of this inventory. {counts}, and is left alone. If its machine is gone for good: "
                f"-e etcd_forget={member.id}"
            )


def of_versions(hosts: Sequence[Host], asked: str, held_at: str = "") -> Iterator[str]:
    """Members of different releases that nobody brings together.

    :param held_at: C(etcd_upgrade_stop_at) that keeps them as they are.
    """
    running = {host.version for host in hosts if host.version}
    if held_at and asked:
        yield (
            f"The members run etcd {' and '.join(sorted(running, key=releases.order))}: an upgrade was begun, and "
            f"etcd_upgrade_stop_at ({held_at}) keeps them there. To go on with it, take that away: "
            "-e etcd_upgrade_stop_at="
        )
    if not asked and not _pending_downgrade(hosts) and len(running) > 1:
        told = " and ".join(sorted(running, key=releases.order))
        begun = "an upgrade was begun and not finished"
        if len(set(map(releases.minor, running))) > 1:
            begun += (
                ", or a downgrade cancelled. Until all run one minor, no member is added and none that is well is "
                "removed"
            )
        yield (
            f"The members run etcd {told}: {begun}. To go on with it: "
            f"-e etcd_version={max(running, key=releases.order)}"
        )


def of_downgrade(hosts: Sequence[Host]) -> Iterator[str]:
    """A downgrade that waits for members to follow, which an ordinary run does not let them do."""
    pending = _pending_downgrade(hosts)
    if pending:
        yield (
            f"A downgrade to {pending.rpartition('.')[0]} is pending. Until it ends no member is added or removed. "
            f"To go on with it: {advice.downgrade(releases.minor(pending))}; or to cancel it: "
            f"{advice.cancel_downgrade()}"
        )


def _pending_downgrade(hosts: Sequence[Host]) -> str:
    return health.downgrade_in([host.seen.cluster for host in hosts if host.answers])


def of_health(hosts: Sequence[Host]) -> Iterator[str]:
    """Members that run and do not serve."""
    for host in hosts:
        if host.runs and not host.answers:
            error = host.seen.cluster.error
            yield f"{host.label} runs and does not serve: {error or 'it answers no linearizable read.'}"
        for alarm in host.seen.cluster.alarms or []:
            if alarm.member_id == _roster.member_id(host):
                remedy = _REMEDIES.get(alarm.alarm, "")
                yield f"{host.label} has the alarm {alarm.alarm}.{remedy}"
