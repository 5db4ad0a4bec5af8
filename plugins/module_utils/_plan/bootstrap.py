# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Founding a cluster, once: may it be done, and by which steps. Interrupted, it is resumed and never restarted.

The states and what may follow them are the table in docs/architecture.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, sentences
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, advice, markers, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._plan import discovery, sources

# Who says one of these has no data yet, or none any more.
_WITHOUT_DATA = (None, markers.OFFERED, markers.NEVER_STARTED, markers.REMOVED)

_AGAIN = "Run the same command again once that is so."


def is_due(hosts: Sequence[Host]) -> bool:
    """Has no host of the group got further than files and a marker, so that no cluster can exist?"""
    return not any(host.may_have_voted for host in hosts)


def cluster_of(hosts: Sequence[Host]) -> str:
    """The name of the cluster, for commands."""
    return next((host.wanted.cluster for host in hosts if host.wanted is not None), "CLUSTER")


def check(hosts: Sequence[Host], everybody: bool = True) -> None:
    """Refuse to found a cluster unless every host was asked and none shows that one may exist.

    :param everybody: these are all hosts of the group.
    :raises Refused: with every reason.
    """
    findings = Findings()
    findings.run(_check_heard, hosts)
    for host in hosts:
        findings.refuse(foreign(host))
        findings.run(check_machine, host)
    if everybody:
        findings.run(_check_agreed, hosts)
    findings.end()


def _check_heard(hosts: Sequence[Host]) -> None:
    """Refuse to found a cluster unless every host was asked.

    :raises Refused: naming every host that was not, each with its cause.
    """
    silent = [host for host in hosts if host.silent]
    if not silent:
        return
    raise Refused(
        sentences(*(f"{host.label} could not be looked at: {host.silent}" for host in silent)),
        "No cluster answers here, and a host that was not asked may hold the data of one: a second cluster beside it "
        "would split your data.",
        f"See that every host of the group can be looked at, or take it out of the inventory. {_AGAIN} If the hosts "
        "that answer had a cluster and have lost its data, restore a snapshot: "
        + advice.restore(cluster_of(hosts), [host.name for host in silent]),
        code="host-unreachable",
    )


def _check_agreed(hosts: Sequence[Host]) -> None:
    """Refuse to found a cluster that is not the one on which hosts have agreed already.

    :raises Refused: with every reason.
    """
    offered = [host for host in hosts if host.state == markers.OFFERED]
    agreed = [host for host in hosts if host.state == markers.NEVER_STARTED]
    # Who is to be no member has no part in it, and needs no marker.
    members = [host for host in hosts if host.wanted is not None and host.wanted.present]
    if not agreed or offered:
        return
    findings = Findings()
    findings.refuse(
        Refused(
            f"{host.label} has no marker of this cluster, and {agreed[0].label} has agreed on a first start: all hosts "
            "had one then.",
            f"{host.label} lost its system disk or was replaced since, and nobody can say whether it had begun to "
            "vote.",
            "If no host of the group holds a write-ahead log and none ever served a client, remove "
            f"{host.wanted.layout.state_dir if host.wanted else ''} on every host of the group and run again.",
            code="marker-lost",
        )
        for host in members
        if host.state is None or host.left_another
    )
    findings.run(_check_same_members, agreed, members)
    findings.run(discovery.check_token, agreed)
    findings.end()


def check_can_be_asked(hosts: Sequence[Host]) -> None:
    """Before each change a member asks the others, at the client URLs that they advertise, whether it can be spared.

    :raises Refused: some advertise none that other hosts reach.
    """
    wanted = [host.wanted.member for host in hosts if host.wanted is not None and host.wanted.present]
    found = topology.on_loopback_only(wanted)
    if found:
        raise Refused(
            f"{', '.join(member.name for member in found)} would advertise client URLs on loopback only "
            f"({', '.join(dict.fromkeys(url for member in found for url in member.client_urls))}).",
            "No other member could ask it whether the cluster keeps its quorum, so that every later change would be "
            "refused.",
            "Let etcd listen for clients on an address that the other members reach, and advertise that one: take "
            "etcd_listen_client_urls and etcd_advertise_client_urls out of the inventory, or name such an address in "
            "both.",
            code="clients-on-loopback",
        )


def check_nothing_foreign(host: Host) -> None:
    """A host that is to become a member must be free for it.

    :raises Refused: something else is there; with all that is.
    """
    findings = Findings()
    findings.refuse(foreign(host))
    findings.end()


def foreign(host: Host) -> Iterator[Refused]:
    """What keeps a host from becoming a member, because it is not ours."""
    unit = host.seen.unit
    if host.state is None and unit.fragment_path and not unit.ours:
        yield Refused(
            f"{host.label} has a unit {unit.name} that this collection did not write ({unit.fragment_path}).",
            "Whatever it belongs to would be overwritten, and its data may be those of a live cluster.",
            f"If it is a leftover, remove it (systemctl disable --now {unit.name}, then remove the package or the "
            f"file). {_AGAIN}",
            code="foreign-unit",
        )
    left = host.seen.data.left
    if left and not host.has_log and host.wanted is not None and host.wanted.present and host.state in _WITHOUT_DATA:
        yield Refused(
            f"{host.label} has data of a member in {left}, and its marker ({host.state or 'none'}) does not say that "
            "they are its own.",
            "etcd would take them for its own: it would serve them, or run without ever answering.",
            "If they are those of another etcd, give this one other directories (etcd_data_dir, etcd_wal_dir). If they "
            f"are not needed, move {host.wanted.layout.data_dir}/member out of {host.wanted.layout.data_dir}. {_AGAIN}",
            code="foreign-data",
        )
    processes = [process for process in host.seen.strangers if process["uses"]]
    for process in processes:
        yield Refused(
            f"{host.label} runs an etcd that this collection did not start: {_described(process)}. It uses "
            f"{', '.join(process['uses'])}",
            "It may be a member of a live cluster; a cluster that is not ours is left alone.",
            f"If it is not needed, stop it. {_AGAIN}",
            code="foreign-process",
        )
    named = {process["pid"] for process in processes}
    for listener in host.seen.ports:
        ours = host.wanted is not None and listener["unit"] == host.wanted.layout.probe_unit
        if ours or listener["pid"] in named:
            continue
        yield Refused(
            f"Port {listener['port']} on {host.label} is taken by {listener['process'] or 'a process'} "
            f"(process {listener['pid']}{', ' + listener['unit'] if listener['unit'] else ''}, "
            f"on {listener['address']}).",
            "etcd could not listen there, and the member's first start would hang half-made.",
            f"Stop that process, or give etcd another port (etcd_client_port, etcd_peer_port, "
            f"etcd_settings['listen-metrics-urls']). {_AGAIN}",
            code="port-taken",
        )


def neighbours(host: Host, known: Collection[str] = ()) -> list[str]:
    """Other processes called etcd, which are in nobody's way.

    :param known: units of which that is no news.
    """
    return [
        f"{host.label} runs another etcd, {_described(process)}. It uses none of the ports and directories of this one "
        "and is left alone."
        for process in host.seen.strangers
        if not process["uses"] and process["unit"] not in known
    ]


def _described(process: Mapping[str, Any]) -> str:
    """A process that is not ours, so that a person recognises it."""
    unit = f" of {process['unit']}" if process["unit"] else ""
    return f"process {process['pid']}{unit}, {' '.join(process['command'])}"


def _check_same_members(agreed: Sequence[Host], members: Sequence[Host]) -> None:
    """Hosts that agreed on a first start know its members; others may have started with them."""
    wanted = _initial_cluster(members)
    for host in agreed:
        marker = host.marker
        if marker is None:
            continue
        if sorted(marker.initial_cluster.split(",")) != sorted(wanted.split(",")):
            raise Refused(
                f"{host.label} agreed on a first start as {marker.initial_cluster}, and the inventory now says "
                f"{wanted}.",
                "A host of the first list may have started and voted.",
                "Put the inventory back and run again. If no host of the first list holds a write-ahead log, remove "
                f"{host.wanted.layout.state_dir if host.wanted else ''} on every one of them instead.",
                code="founders-changed",
            )


def check_machine(host: Host) -> None:
    """A member that may still make its first start does so on the machine and the disks that it was set up on.

    :raises Refused: they are others.
    """
    marker, wanted = host.marker, host.wanted
    if marker is None or wanted is None or marker.state not in (markers.OFFERED, markers.NEVER_STARTED):
        return
    if marker.machine_id != host.seen.host.machine_id:
        raise Refused(
            f"{host.label} carries the marker of another machine ({marker.machine_id}; this one is "
            f"{host.seen.host.machine_id}).",
            "Its disk was copied or moved: two machines would start as one member.",
            # Who joins alone has never voted, so that nobody else is concerned.
            f"If the first machine is off for good, remove {wanted.layout.state_dir} here and run again."
            if marker.origin == markers.JOIN
            else "If the first machine is off for good and no host of the group holds a write-ahead log, remove "
            f"{wanted.layout.state_dir} on every host of the group and run again.",
            code="another-machine",
        )
    for mount in marker.mounts:
        if mount not in host.seen.data.mounts:
            raise Refused(
                f"{host.label}: {mount} was a mount point when this member was set up, and is none now.",
                "Its data would go to another disk, and be hidden once the right one returns.",
                f"Mount it. {_AGAIN}",
                code="mount-missing",
            )


def _initial_cluster(hosts: Sequence[Host]) -> str:
    return topology.initial_cluster(host.wanted.member for host in hosts if host.wanted is not None)


def token(hosts: Sequence[Host]) -> str:
    """The C(initial-cluster-token) of this cluster's one bootstrap, and its token at a discovery service.

    A token that a host already carries is kept, that of a host that agreed on a first start before an offered one;
    a new one comes from numbers that all hosts drew, so that every host's plan arrives at the same.

    :returns: empty where a discovery service is to draw it.
    """
    source = discovery.source_of(hosts)
    for state in (markers.NEVER_STARTED, markers.OFFERED):
        carried = sorted(host.marker.token for host in hosts if host.marker is not None and host.state == state)
        ours = [one for one in carried if discovery.takes(source, one)]
        if ours:
            return ours[0]
    if source.given_token:
        return source.given_token
    cluster = next(host.wanted.cluster for host in hosts if host.wanted is not None)
    drawn = "".join(sorted(host.seen.host.nonce for host in hosts))
    return source.token_named(f"{cluster}-{hashlib.sha256(drawn.encode()).hexdigest()[:16]}")


def making_authorities(host: Host) -> Step:
    """Return the step that makes the CAs which are missing."""
    found = host.authorities
    return Step(host.name, f"make the {' and '.join(found.missing)} CA in {found.place}", acts.MakeAuthorities())


def waves(hosts: Sequence[Host], version: str) -> list[Wave]:
    """The steps from what is there to a running cluster.

    Files, then the offer; only when all hosts have offered and reached each other do they agree on the
    first start, and only when all agreed does anyone start.
    """
    agreed, members = token(hosts), _initial_cluster(hosts)
    learns, asked = discovery.source_of(hosts).learns, discovery.who_asks(hosts)
    files = acts.Configure(version, members, agreed, learns=learns)
    first = hosts[0]
    planned: list[Wave] = []
    if agreed and learns:
        planned.append(tuple(discovery.ask(host, hosts, version, agreed, members) for host in asked))
    planned.append(installing(hosts, version))
    if first.wanted is not None and first.wanted.tls and first.authorities.missing:
        planned.append((making_authorities(first),))
    if not agreed:
        # Its marker tells the others, and a run that goes on, which one it is.
        draw = acts.DrawToken(version, members)
        planned.append((Step(first.name, f"have the discovery service draw a token for {first.label}", draw),))
        return [wave for wave in planned if wave]
    planned.append(tuple(Step(host.name, f"write the files of {host.label}", files) for host in hosts))
    planned.append(
        tuple(
            Step(host.name, f"reach every member from {host.label}", acts.Prove(_peers(host, hosts), agreed))
            for host in hosts
        )
    )
    if learns:
        planned.append(tuple(discovery.ask(host, hosts, version, agreed, members, starts=True) for host in asked))
    planned += [tuple(map(start, hosts)), tuple(map(awaiting, hosts))]
    return [wave for wave in planned if wave]


def installing(hosts: Sequence[Host], version: str) -> Wave:
    """Install a release where it is not unpacked yet: nothing that runs is changed by it.

    Once for all members of a machine that share it.
    """
    needing = [host for host in hosts if not host.has_release(version) or not host.seen.account.exists]
    first = {_installed_as(host): host for host in reversed(needing)}
    return tuple(
        Step(
            host.name,
            f"install etcd {version} on {host.label}",
            acts.Install(version, sources.named(host, version)),
        )
        for host in needing
        if first[_installed_as(host)] is host
    )


def _installed_as(host: Host) -> tuple[str, ...]:
    """What members that have one in common share a release and an account by."""
    if host.wanted is None:
        return (*host.machine, host.name)
    layout, runtime = host.wanted.layout, host.wanted.container.runtime
    return (*host.machine, layout.install_dir, layout.user, layout.group, layout.install_method, runtime)


def _peers(host: Host, hosts: Sequence[Host]) -> list[dict[str, Any]]:
    """Where a host must reach the others: at each peer URL, and at one client URL, where later changes ask them."""
    others = [other.wanted for other in hosts if other.wanted is not None and other.name != host.name]
    return [
        {"name": other.name, "urls": urls}
        for other in others
        for urls in (*([url] for url in other.member.peer_urls), topology.client_urls_elsewhere(other.member))
    ]


def start(host: Host) -> Step:
    """Start a member that stands still, without waiting: READY comes only with a quorum."""
    return Step(host.name, f"start {host.label}", acts.Start())


def awaiting(host: Host) -> Step:
    """Wait until a member that was started serves."""
    return Step(host.name, f"await {host.label}", acts.Await())
