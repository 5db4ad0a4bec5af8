# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which hosts of a group are one machine, by what they show and never by their addresses. Its members fail together.

Each is an instance of its own there, from which all that it has follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, markers, quorum
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker

_TOGETHER = "One of the two could not start, or would write where the other one does."


def of(hosts: Sequence[Host]) -> list[list[Host]]:
    """The hosts, those of one machine together. Of one that is silent nobody knows: it stands for a machine."""
    found: dict[tuple[str, ...], list[Host]] = {}
    for host in hosts:
        key = host.machine if _is_seen(host) else ("", "", host.name)
        found.setdefault(key, []).append(host)
    return list(found.values())


def beside(host: Host, hosts: Sequence[Host]) -> list[Host]:
    """The hosts that are one machine with this one, itself among them."""
    return next(machine for machine in of(hosts) if host in machine)


def _is_seen(host: Host) -> bool:
    return not host.silent and host.wanted is not None


def _pairs(hosts: Sequence[Host]) -> Iterator[tuple[tuple[Host, Desired], tuple[Host, Desired]]]:
    """Every two hosts that are one machine."""
    for machine in of(hosts):
        seen = [(host, host.wanted) for host in machine if host.wanted is not None]
        yield from combinations(seen, 2)


def check_instances(hosts: Sequence[Host]) -> None:
    """Is each line of the inventory a member of its own?

    :raises Refused: two lead to one.
    """
    for (twin, one), (host, other) in _pairs(hosts):
        if one.layout.instance == other.layout.instance:
            machine, boot = host.machine
            raise Refused(
                f"{twin.label} and {host.label} are one machine, and one instance on it ({one.layout.instance}): both "
                f"inventory lines lead to the one with the ID {machine or 'that its /etc/machine-id does not tell'}, "
                f"booted as {boot.partition(' ')[0]}.",
                "Whatever is done for one of them happens to the other.",
                "Take one of the two lines out of the inventory, or correct the address that leads to the wrong "
                "machine (ansible_host, DNS). Nothing has to be stopped or moved. If both are to be members on this "
                "machine, which fail together, give each an instance of its own in its line, such as etcd_instance="
                "etcd1 and etcd_instance=etcd2; a member that is there keeps the one that it has.",
                code="machine-twice",
            )


def check(hosts: Sequence[Host]) -> None:
    """Can the members of one machine be beside each other, and are those that must be on one?

    :raises Refused: they cannot, with all that is wrong.
    """
    found = Findings()
    for host in hosts:
        found.run(_check_renamed, host)
    for (host, wanted), (other, beside_it) in _pairs(hosts):
        if wanted.layout.instance != beside_it.layout.instance:
            found.run(_check_swapped, host, other)
            found.run(_check_swapped, other, host)
            found.run(_check_ports, host, wanted, other, beside_it)
            found.run(_check_places, host, wanted, other, beside_it)
    found.run(_check_loopback, hosts)
    found.end()


def _check_renamed(host: Host) -> None:
    """A member is found by its instance: under another name it would be taken for one that has lost all."""
    wanted = host.wanted
    if wanted is None or host.state not in (None, markers.REMOVED):
        return
    for instance, other in host.seen.others.items():
        if other.state != markers.REMOVED and (other.cluster, other.name) == (wanted.cluster, wanted.name):
            raise Refused(
                f"{host.label} has etcd_instance {wanted.layout.instance}, and on its machine this very member is "
                f"{instance}.",
                "It would be taken for a new one, and what it holds would be given up.",
                f"Put it back: etcd_instance={instance}. For another instance let it leave first "
                "(etcd_member_state: absent), and join again with the new one.",
                code="instance-changed",
            )


def _check_swapped(host: Host, other: Host) -> None:
    """Two lines with each other's instance: both members would be renamed, one by one, and have one name in between."""
    wanted, marker, meant = host.wanted, host.marker, other.wanted
    if wanted is None or meant is None or marker is None or not _is_member(marker):
        return
    if (marker.cluster, marker.name) == (meant.cluster, meant.name):
        raise Refused(
            f"{host.label} has etcd_instance {wanted.layout.instance}, and on its machine that is {other.label}.",
            "What is done for one of them would be done to the other.",
            f"Put it back: etcd_instance={wanted.layout.instance} in the line of {other.label}.",
            code="instance-changed",
        )


def check_founding(hosts: Sequence[Host]) -> None:
    """Is there nothing of this very cluster beside those that are to found it?

    :raises Refused: a machine has a member of it that no line of the inventory is.
    """
    found = Findings()
    for machine in of(hosts):
        found.run(_check_nothing_beside, machine)
    found.end()


def _check_nothing_beside(machine: Sequence[Host]) -> None:
    wanted = [host.wanted for host in machine if host.wanted is not None]
    clusters, names = {one.cluster for one in wanted}, {one.name for one in wanted}
    found = {instance: other for host in machine for instance, other in host.seen.others.items()}
    for instance, other in found.items():
        # One of these names is told of by what it is called.
        if _is_member(other) and other.cluster in clusters and other.name not in names:
            raise Refused(
                f"The machine of {machine[0].label} has a member of {other.cluster} already, {instance} "
                f"({other.name}), and no line of the inventory is that one.",
                "A second cluster of the same name would be founded beside it, and take its clients and its snapshots.",
                f"Write its line: {other.name} with etcd_instance={instance}. If that cluster is gone for good, take "
                f"it away with that line: {advice.destroy(other.cluster)}. Or give the new one another name "
                "(etcd_cluster_name).",
                code="instance-changed",
            )


def _is_member(marker: Marker) -> bool:
    """Whether a marker speaks of a member that may have voted, and has not left."""
    return marker.state in markers.BEYOND_BOOTSTRAP and marker.state != markers.REMOVED


def _check_ports(host: Host, wanted: Desired, other: Host, beside_it: Desired) -> None:
    for url in map(_parsed, render.listening(wanted)):
        if any(_is_one_socket(url, one) for one in map(_parsed, render.listening(beside_it))):
            raise Refused(
                f"{host.label} and {other.label} are one machine, and both are to listen on port {url.port} of it.",
                _TOGETHER,
                "Give each an etcd_instance with a number of its own (etcd1, etcd2) and no ports: they follow from it. "
                "Or write those of one of them: etcd_client_port, etcd_peer_port, etcd_listen_client_urls, "
                "etcd_listen_peer_urls, and listen-metrics-urls in its etcd_settings.",
                code="members-collide",
            )


def _is_one_socket(url: _urls.Url, other: _urls.Url) -> bool:
    try:
        _urls.check_listen({"one": [url], "another": [other]})
    except BadInput:
        return True
    return False


def _parsed(url: str) -> _urls.Url:
    return _urls.parse_url(url, "listen URL")


def _check_places(host: Host, wanted: Desired, other: Host, beside_it: Desired) -> None:
    mine, theirs = _places(wanted), _places(beside_it)
    for name, path in mine.items():
        for its_name, its_path in theirs.items():
            if path == its_path or _holds(name, path, its_path) or _holds(its_name, its_path, path):
                says = f"{name} {path} of {host.label} and {its_name} {its_path} of {other.label}"
                raise Refused(
                    f"{says} are one place, for both are one machine."
                    if path == its_path
                    else f"{says} lie in each other, for both are one machine.",
                    _TOGETHER,
                    f"Let each have its own by its instance: {name}: {_own(path, wanted.layout.instance)}",
                    code="members-collide",
                )


def _own(path: str, instance: str) -> str:
    """A path that is another one for each instance."""
    word = "{{ etcd_instance }}"
    if instance in path.split("/"):
        return "/".join(word if part == instance else part for part in path.split("/"))
    parent, _slash, name = path.rpartition("/")
    stem, dot, ending = name.partition(".")
    return f"{parent}/{stem}-{word}{dot}{ending}"


def _places(wanted: Desired) -> dict[str, str]:
    """Where one member alone may write, by the settings that say so."""
    layout, snapshots = wanted.layout, wanted.snapshots
    found = {
        "etcd_data_dir": layout.data_dir,
        "etcd_wal_dir": layout.wal_dir,
        "etcd_conf_dir": layout.conf_dir,
        "etcd_log_file": layout.log_file,
        "etcd_snapshot_dir": snapshots.directory,
        "etcd_snapshot_metrics_file": snapshots.metrics_file,
    }
    return {name: path for name, path in found.items() if path}


def _holds(name: str, path: str, other: str) -> bool:
    """Does another path lie in a directory that is closed to everybody but its own etcd?"""
    return name in ("etcd_data_dir", "etcd_wal_dir") and other.startswith(f"{path}/")


def _check_loopback(hosts: Sequence[Host]) -> None:
    """Members that tell each other loopback addresses reach each other on one machine alone."""
    machines = [machine for machine in of(hosts) if _is_seen(machine[0])]
    local = [
        (host, url)
        for machine in machines
        for host in machine
        for url in (host.wanted.member.peer_urls if host.wanted is not None else ())
        if _urls.is_loopback(_parsed(url).host)
    ]
    if len(machines) > 1 and local:
        host, url = local[0]
        raise Refused(
            f"{host.label} would tell the others {url}, and the members are on {len(machines)} machines.",
            "On every other machine that address leads to that machine itself.",
            "Set etcd_address to an address of its network for each of them.",
            code="peers-on-loopback",
        )


def tolerance(sizes: Sequence[int]) -> int:
    """How many machines may fail, whichever they are, before the quorum is lost.

    :param sizes: the voters of each machine.
    """
    left, needed, lost = sum(sizes), quorum.quorum(sum(sizes))["needed"], 0
    for size in sorted(sizes, reverse=True):
        left -= size
        if left < needed:
            break
        lost += 1
    return lost


def warnings(hosts: Sequence[Host]) -> list[str]:
    """What a person should know of members that fail together, counted in machines."""
    members = [host for host in hosts if host.wanted is None or host.wanted.present]
    found = of(members)
    shared = [machine for machine in found if len(machine) > 1]
    if not shared:
        return []
    spare, count = tolerance([len(machine) for machine in found]), len(found)
    survives = (
        f"the cluster outlives the loss of {spare} of them, whichever it is"
        if spare
        else "without the one that has most of them nobody is served"
    )
    together = "; ".join(f"{_named(machine)} are one machine and fail together" for machine in shared)
    return [
        f"{together}: {len(members)} members on {count} machine{'s' * (count > 1)}, and "
        + (survives if count > 1 else "without it nobody is served")
        + "."
    ]


def _named(machine: Sequence[Host]) -> str:
    *others, last = [host.label for host in machine]
    return f"{', '.join(others)} and {last}"


def units(hosts: Sequence[Host]) -> Collection[str]:
    """The units of the members."""
    return {host.wanted.layout.unit for host in hosts if host.wanted is not None}
