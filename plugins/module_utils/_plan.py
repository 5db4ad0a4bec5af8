# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan: a pure function of what is wanted and what was seen, to waves of steps or a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import (
    _bootstrap,
    _differences,
    _fitness,
    _marker,
    _releases,
    _render,
    _settings,
    _topology,
)
from ansible_collections.quorum.etcd.plugins.module_utils._errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._marker import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host, Step, Wave

#: Clocks further apart than this are reported, in seconds.
SKEW_LIMIT = 2.0


@dataclass(frozen=True)
class Plan:
    """What a run will do with one cluster.

    :param summary: one sentence about what was found.
    :param waves: the steps, those of one wave side by side.
    :param differences: what is not as the inventory says and no step mends.
    :param warnings: what a person should know and nothing depends on.
    """

    summary: str
    waves: tuple[Wave, ...] = ()
    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def steps(self) -> list[Step]:
        return [step for wave in self.waves for step in wave]

    def numbered(self, step: Step) -> str:
        """A step as it announces itself: C(step 3 of 9: start etcd-host1)."""
        return f"step {self.steps.index(step) + 1} of {len(self.steps)}: {step.title}"

    def text(self, cluster: str) -> str:
        """The plan for a person."""
        lines = [f"{cluster}: {self.summary}"]
        lines += [f"  {self.numbered(step)}" for step in self.steps]
        lines += [f"  not as the inventory says: {difference}" for difference in self.differences]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def plan(hosts: Sequence[Host]) -> Plan:
    """What to do with one cluster.

    :param hosts: every host of the group in the inventory's order, those left out of the run included.
    :raises BadInput: the inventory is wrong; nothing was touched.
    :raises Refused: going on would be dangerous; nothing was touched.
    """
    _check_inventory(hosts)
    if _bootstrap.is_due(hosts):
        _bootstrap.check(hosts)
        version = _asked_version(hosts) or _releases.DEFAULT_VERSION
        _fitness.check(hosts, version)
        _check_settings(hosts, version)
        _check_authorities(hosts, founding=True)
        tls = "TLS" if any(host.wanted is not None and host.wanted.tls for host in hosts) else "without TLS"
        return Plan(
            f"{len(hosts)} host{'s' * (len(hosts) > 1)}, no cluster yet: found one with etcd {version}, {tls}",
            tuple(_bootstrap.waves(hosts, version)),
            (),
            _warnings(hosts, version),
        )
    return _existing(hosts)


def _existing(hosts: Sequence[Host]) -> Plan:
    for host in hosts:
        _check_ours(host)
    for host in hosts:
        _check_whole(host, hosts)
    version = _asked_version(hosts) or _running_version(hosts) or _releases.DEFAULT_VERSION
    _check_settings(hosts, version)
    _check_authorities(hosts, founding=False)
    warnings = _warnings(hosts, version)
    differences = [text for host in hosts for text in _differences.of_host(host, version)]
    differences += _differences.of_membership(hosts)
    still = [host for host in hosts if _may_start(host)]
    # A run that ended before it had awaited them left no ids in their markers.
    unknown = [host for host in hosts if host.runs and host.marker and not host.marker.member_id]
    if still or unknown:
        names = ", ".join(host.label for host in [*still, *unknown])
        waves = _starting(still, unknown, version)
        return Plan(f"{names} to be started and awaited first", waves, tuple(differences), warnings)
    differences += _differences.of_health(hosts)
    summary = "nothing to do" if not differences else "different from the inventory"
    return Plan(
        f"{len(hosts)} host{'s' * (len(hosts) > 1)}, etcd {version}: {summary}", (), tuple(differences), warnings
    )


def _may_start(host: Host) -> bool:
    """A member that stands still and whose gate will let it through."""
    if host.silent or host.runs or host.seen["unit"]["enabled"] == "masked":
        return False
    if host.state == _marker.NEVER_STARTED:
        return True
    return host.state in (_marker.STARTING, _marker.STARTED) and host.has_log


def _starting(still: Sequence[Host], unknown: Sequence[Host], version: str) -> tuple[Wave, ...]:
    """Members that stand still are started; the files of one that never ran are written anew first."""
    fresh = [host for host in still if host.state == _marker.NEVER_STARTED]
    install = _bootstrap.installing(fresh, version)
    rewrite = tuple(_rewriting(host, host.marker, version) for host in fresh if host.marker is not None)
    return tuple(wave for wave in (install, rewrite, *_bootstrap.starting(still, unknown)) if wave)


def _rewriting(host: Host, marker: Marker, version: str) -> Step:
    return Step(
        "configure",
        host.name,
        f"write the files of {host.label}",
        {"version": version, "initial_cluster": marker.initial_cluster, "token": marker.token},
    )


def _check_inventory(hosts: Sequence[Host]) -> None:
    problems = [f"{host.label}: {host.problem}" for host in hosts if host.problem]
    if problems:
        raise BadInput("\n".join(problems))
    _once("etcd_cluster_name", (host.wanted.cluster for host in hosts if host.wanted is not None))
    members = [host.wanted.member for host in hosts if host.wanted is not None]
    # Of a host that is silent nobody knows the default address, so whether they make a cluster cannot be judged.
    if len(members) == len(hosts):
        _topology.check_members(members)
    for host in hosts:
        if host.seen.get("marker_error"):
            raise Refused(f"{host.label}:", host.seen["marker_error"], "")


def _check_ours(host: Host) -> None:
    """Data or a member that our marker does not know are somebody else's, whatever the other hosts look like."""
    wanted = host.wanted
    if host.silent or wanted is None:
        return
    data, marker = host.seen["data"], host.marker
    if host.state in (None, _marker.OFFERED, _marker.NEVER_STARTED) and (host.has_log or host.runs):
        what = f"a write-ahead log in {wanted.layout.log_dir}" if host.has_log else "a running member"
        identity = f" of member {data['member_id']}, cluster {data['cluster_id']}" if data.get("member_id") else ""
        raise Refused(
            f"{host.label} has {what}{identity}, and its marker ({host.state or 'none'}) does not say that it is ours."
            f"{_what_runs(host)}",
            "It may be a member of a cluster that somebody else runs; a cluster that is not ours is left alone.",
            "If its data are not needed, stop it and move its data directory aside, then run again.",
        )
    if marker is not None and marker.cluster_id and data.get("cluster_id") not in ("", None, marker.cluster_id):
        raise Refused(
            f"{host.label} has the data of cluster {data['cluster_id']}, and its marker says {marker.cluster_id}.",
            "Started like this it would talk to the wrong cluster.",
            f"Put the right data into {wanted.layout.data_dir}.",
        )


def _what_runs(host: Host) -> str:
    """A member that somebody else set up, so that a person recognises it."""
    if not host.runs:
        return ""
    unit, runtime = host.seen["unit"], host.seen["runtime"]
    settings = " ".join(f"{name}={value}" for name, value in sorted(runtime["environment"].items()))
    members = (host.seen.get("cluster") or {}).get("members") or []
    known = "; ".join(f"{member['name'] or 'not started'} at {', '.join(member['peer_urls'])}" for member in members)
    return (
        f" It runs as {unit['name']} ({unit['fragment_path']}): {' '.join(runtime['command'])}"
        + (f", with {settings}" if settings else "")
        + (f". Its cluster's members: {known}." if known else ".")
    )


def _check_whole(host: Host, hosts: Sequence[Host]) -> None:
    """What a host lacks although others of its group have gone on."""
    if host.silent or host.wanted is None:
        return
    if host.state == _marker.OFFERED:
        raise Refused(
            f"{host.label} has only offered itself for a first start, and other hosts of the group have gone on.",
            "No interrupted run leaves that: its system disk went back in time, or hosts of another cluster are in "
            "this group.",
            "Find out which hosts belong together, and put the inventory right.",
        )
    _bootstrap.check_machine(host)
    if host.state is None and not any(other.answers for other in hosts):
        raise Refused(
            f"{host.label} has no marker, and other hosts of the group have begun or finished their first start.",
            "If it was a member it lost its system disk, and nobody can say whether it voted, for no member answers.",
            "Bring its disk back. If it is a new host, take it out of the inventory until the cluster serves again.",
        )


def _asked_version(hosts: Sequence[Host]) -> str:
    asked = {host.wanted.version for host in hosts if host.wanted is not None and host.wanted.version}
    for version in asked:
        _releases.check_version(version)
    return _once("etcd_version", asked)


def _once(name: str, given: Iterable[str]) -> str:
    """A variable that is one for the whole cluster, empty where nobody gives it.

    :raises BadInput: it differs.
    """
    found = sorted(set(given))
    if len(found) > 1:
        raise BadInput(
            f"{name} differs between the hosts of one cluster: {', '.join(found)}. Give it once, for the group."
        )
    return found[0] if found else ""


def _running_version(hosts: Sequence[Host]) -> str:
    """What runs, else what the units name: an unset version means the one that is there."""
    running = [host.seen["runtime"]["version"] for host in hosts if host.runs]
    named = [host.seen["unit"]["version"] for host in hosts if not host.silent]
    return next((version for version in running + named if version), "")


def _check_settings(hosts: Sequence[Host], version: str) -> None:
    complaints: dict[str, list[str]] = {}
    for host in hosts:
        if host.wanted is None:
            continue
        try:
            _render.flags(host.wanted, version)
        except BadInput as exc:
            complaints.setdefault(str(exc), []).append(host.label)
    if complaints:
        raise BadInput("\n".join(f"{', '.join(labels)}: {text}" for text, labels in complaints.items()))


def _check_authorities(hosts: Sequence[Host], founding: bool) -> None:
    _once("etcd_pki_dir", (host.authorities.directory for host in hosts if host.authorities.directory))
    for host in hosts:
        if host.wanted is None or not host.wanted.tls or host.silent:
            continue
        found = host.authorities
        if found.problem:
            raise BadInput(found.problem)
        for stranger in found.strangers:
            raise Refused(
                f"{host.label}: {stranger}",
                "A new CA here would cut this member off from the others, and its clients from it.",
                f"Bring the CA and its key to {found.directory} (etcd_pki_dir), from where the cluster was made.",
            )
        if found.missing and not founding:
            raise Refused(
                f"The {' and '.join(found.missing)} CA is not in {found.directory}, and the cluster exists.",
                "A new CA would be trusted by no member of it.",
                "Bring the CA and its key there (etcd_pki_dir), from where the cluster was made.",
            )


def _warnings(hosts: Sequence[Host], version: str) -> tuple[str, ...]:
    texts: list[str] = []
    for host in hosts:
        if host.wanted is not None:
            texts += host.authorities.notes
            texts += _settings.warnings(_render.flags(host.wanted, version), version)
    if len(hosts) % 2 == 0:
        texts.append(f"{len(hosts)} members tolerate no more failures than {len(hosts) - 1}: an odd number is better.")
    for host in hosts:
        if host.skew > SKEW_LIMIT:
            texts.append(f"{host.label}: its clock is {host.skew:.0f} s or more away from the controller's.")
    machines: dict[str, str] = {}
    for host in hosts:
        machine = host.seen.get("host", {}).get("machine_id", "")
        if machine and machine in machines:
            texts.append(
                f"{host.label} and {machines[machine]} have the same /etc/machine-id: was one cloned from the other?"
            )
        machines.setdefault(machine, host.label)
    return tuple(dict.fromkeys(texts))


def steps_by_wave(planned: Plan, host: str) -> list[dict[str, Any] | None]:
    """One host's own part: its step or None for each wave, as the role walks them."""
    found = []
    for wave in planned.waves:
        mine = next((step for step in wave if step.host == host), None)
        found.append(
            None if mine is None else {"kind": mine.kind, "announce": planned.numbered(mine), **mine.arguments}
        )
    return found
