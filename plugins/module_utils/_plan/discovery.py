# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The part that a discovery service, or the SRV records of a domain, have in the founding of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import first_start
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    advice,
    initial_cluster,
    markers,
    releases,
    srv,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    STATIC,
    DiscoveryV2,
    Service,
    Source,
    Srv,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import YAML


def source_of(hosts: Sequence[Host]) -> Source:
    """Return where the members of a new cluster learn names from, which was checked to be one for all."""
    return next((host.wanted.bootstrap for host in hosts if host.wanted is not None), STATIC)


def check(hosts: Sequence[Host], version: str) -> None:
    """Can members of this release be founded where the inventory says?

    :raises BadInput: they cannot; with every reason.
    :raises Refused: no member of this release starts by such records.
    """
    wanted = [host.wanted for host in hosts if host.wanted is not None]
    if len({str(one.bootstrap.to_dict()) for one in wanted}) > 1:
        raise BadInput(
            "etcd_bootstrap, or what belongs to it, differs between the hosts of one cluster. Give it once, for the "
            "group."
        )
    minor = releases.minor(version)
    problems = [
        text
        for one in wanted
        for text in first_start.problems_of(one.bootstrap, minor, one.layout.config_format == YAML)
    ]
    source = source_of(hosts)
    if isinstance(source, DiscoveryV2) and source.size not in ("", str(len(wanted))):
        problems.append(
            f"etcd_discovery_url asks for a token for {source.size} members, and the inventory has {len(wanted)}. Take "
            "?size= out: the run says how many."
        )
    if problems:
        raise BadInput(*dict.fromkeys(problems))
    if isinstance(source, Srv):
        srv.check_release(version, all(one.tls for one in wanted))


def is_drawn(hosts: Sequence[Host]) -> bool:
    """Whether the service draws the token."""
    source = source_of(hosts)
    return isinstance(source, DiscoveryV2) and source.draws


def check_token(agreed: Sequence[Host]) -> None:
    """Do hosts that agreed on a first start have a token of the source that the inventory names by now?

    :raises Refused: they have another one.
    """
    source = source_of(agreed)
    for host in agreed:
        token = host.marker.token if host.marker is not None else ""
        if takes(source, token):
            continue
        raise Refused(
            f"{host.label} agreed on a first start with the token {token}, and the inventory now says "
            f"{source.given_token or 'otherwise (etcd_bootstrap and etcd_discovery_*)'}.",
            "A host that goes by the first one may have started.",
            "Put the inventory back and run again. If no host of the group holds a write-ahead log, remove "
            f"{host.wanted.layout.state_dir if host.wanted else ''} on every one of them instead.",
            code="founders-changed",
        )


def check_waiting(hosts: Sequence[Host]) -> None:
    """Will all those for whom a member waits at a service come there?

    :raises Refused: by the inventory of now they would not, or one of them cannot any more.
    """
    waiting = [host for host in hosts if _waits(host)]
    # Once one has a log all have registered.
    if not waiting or any(host.has_log or host.answers or host.state == markers.STARTED for host in hosts):
        return
    others = [host for host in hosts if _is_first(host) and not _registers(host, hosts)]
    if others:
        raise Refused(
            f"{_waiting(waiting)} for {', '.join(host.label for host in others)}, and by the inventory of now they do "
            "not register there.",
            "They would found the cluster without it, and it would wait for ever.",
            "Put etcd_bootstrap and etcd_discovery_* back to what they were when the members were started, and run "
            f"again. If that service is gone for good, stop who waits there: {_stopping(waiting)}. No member has data "
            "yet: all start anew with the next run.",
            code="founders-changed",
        )
    coming = {host.wanted.name for host in hosts if host.wanted is not None and (_waits(host) or _may_come(host))}
    marker = waiting[0].marker
    lost = [name for name in initial_cluster.read(marker.initial_cluster if marker else "") if name not in coming]
    if lost:
        raise _never_complete(waiting, lost, [host for host in hosts if host.silent])


def _never_complete(waiting: Sequence[Host], lost: Sequence[str], silent: Sequence[Host]) -> Refused:
    cluster = next(host.wanted.cluster for host in waiting if host.wanted is not None)
    anew = advice.destroy(cluster, [host.name for host in silent])
    return Refused(
        f"{_waiting(waiting)} for {', '.join(lost)}. "
        + (
            " ".join(f"{host.label} could not be looked at: {host.silent.rstrip('. ')}." for host in silent)
            or "That host is not in the inventory, or has nothing of its first start any more."
        ),
        "A member waits there until all have registered, and serves nobody until then.",
        ("See that every host can be looked at, and run again. If its machine is gone for good: " * bool(silent))
        + f"No client was ever served. Found the cluster anew: {anew}, then run again, with hosts in the inventory "
        "that are there.",
        code="first-start-interrupted",
    )


def _waiting(hosts: Sequence[Host]) -> str:
    labels = ", ".join(host.label for host in hosts)
    return f"{labels} {'waits' if len(hosts) == 1 else 'wait'} at a discovery service"


def _stopping(waiting: Sequence[Host]) -> str:
    """The commands that stop members, and where."""
    return "; ".join(f"systemctl stop {host.seen.unit.name} on {host.label}" for host in waiting)


def _waits(host: Host) -> bool:
    """Whether its member waits at a service: it makes a log only once all have registered. One that was ready by its
    marker, and whose log is gone, has lost its disk.
    """
    begins = host.runs and host.state in (markers.NEVER_STARTED, markers.STARTING) and not host.has_log
    # By SRV records nobody waits for anyone.
    asked = (name for name in host.seen.runtime.environment if name.startswith("ETCD_DISCOVERY"))
    return begins and any(not name.startswith("ETCD_DISCOVERY_SRV") for name in asked)


def _registers(host: Host, hosts: Sequence[Host]) -> bool:
    return host.wanted is not None and isinstance(host.wanted.bootstrap, Service) and is_asked(host, hosts)


def _may_come(host: Host) -> bool:
    """Whether its member may still register: before its first start, or in the middle of it."""
    begins = host.state == markers.STARTING and host.seen.unit.active_state == "activating" and not host.seen.refused
    return _is_first(host) or begins


def _is_first(host: Host) -> bool:
    """Whether its first start, as one of those who found the cluster, is still to come."""
    marker = host.marker
    return marker is not None and marker.state == markers.NEVER_STARTED and marker.origin == markers.BOOTSTRAP


def takes(source: Source, token: str) -> bool:
    """Whether a token that a host carries is one of this source."""
    return token == source.given_token if source.given_token else source.may_have_made(token)


def is_asked(host: Host, hosts: Sequence[Host]) -> bool:
    """Whether a member that never started is to learn names where its inventory says.

    Once one has a log, all have registered, and nobody waits for anyone any more: then it is told the names. So it is
    where the one with a log has found them in SRV records, which may have changed since.
    """
    marker, wanted = host.marker, host.wanted
    if marker is None or wanted is None or not wanted.bootstrap.learns:
        return False
    return (
        _is_first(host)
        and takes(wanted.bootstrap, marker.token)
        and not any(one.has_log or one.answers for one in hosts)
    )


def who_asks(hosts: Sequence[Host]) -> Sequence[Host]:
    """Each host asks its service itself. The controller asks for SRV records, once for all hosts."""
    return hosts[:1] if isinstance(source_of(hosts), Srv) else hosts


def ask(host: Host, hosts: Sequence[Host], version: str, token: str, members: str, starts: bool = False) -> Step:
    """Make sure that a host will learn no other names than those of the inventory.

    :param hosts: every host of the group.
    :param token: the agreed one.
    :param members: who they are, as C(initial-cluster).
    :param starts: its member starts next.
    """
    source = source_of([host])
    if isinstance(source, Srv):
        return Step(host.name, "compare the SRV records with the inventory", acts.CompareRecords(members))
    begun = [
        one.wanted.name
        for one in hosts
        if one.wanted is not None and one.state not in (None, markers.OFFERED, markers.REMOVED)
    ]
    makes = not source.given_token
    waiting = [one.wanted.name for one in hosts if one.wanted is not None and _waits(one)]
    what = (
        f"make the discovery token from {host.label}"
        if makes and starts
        else f"ask the discovery service from {host.label}"
    )
    return Step(host.name, what, acts.AskService(version, token, makes, members, begun, starts, waiting))
