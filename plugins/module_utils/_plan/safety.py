# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Settings and clocks that etcd would take and a running cluster would pay for. Judged before any member's update."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    env_file,
    gate_refusals,
    render,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    quota as _quota,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Configure, Join, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.certificate_policy import BACKDATED
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan import auto_tls, held_members, next_action
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster

Settings = Mapping[str, Value]

#: A database grows between two compactions; etcd starts with a quota below its size and then refuses every write.
ROOM = 1.2

# etcd's own rule for one member (server/embed/config.go, Validate): here it must hold for any two of the mixture.
_HEARTBEATS = 5
_HEARTBEAT_MS, _ELECTION_MS = 100, 1000

# Listening on one of these is listening on every address.
_EVERYWHERE = ("0.0.0.0", "::")

# What a clock may still fall behind between the look and the certificate.
_BEHIND = BACKDATED - timedelta(minutes=1)

#: Steps that write a host's files, and issue the certificates that it lacks.
_ISSUING = (Configure, Join, Update)

_WITH_DATA = (markers.STARTING, markers.STARTED, markers.LEAVING)

#: With one of these set, or set to something else, clients may be refused that were welcome before.
_GATES = (
    "cipher-suites",
    "client-cert-allowed-hostname",
    "client-cert-auth",
    "client-crl-file",
    "host-whitelist",
    "listen-client-http-urls",
    "tls-max-version",
    "tls-min-version",
)


def check(hosts: Sequence[Host], roster: Roster | None, versions: Mapping[str, str]) -> None:
    """Refuse what would stop the cluster, cut its clients off, or hide its data.

    :param roster: None while nobody serves.
    :param versions: host name -> the version that its settings are for.
    :raises Refused: naming the first reason.
    """
    here = [(host, host.wanted) for host in hosts if not host.silent and host.wanted is not None]
    check_unforced([host for host, _wanted in here if host.runs or not host.has_log])
    for host, wanted in here:
        _check_places(host, wanted)
        _check_account(host, wanted)
    auto_tls.check(hosts)
    staying = [(host, wanted) for host, wanted in here if wanted.present]
    flags = {host.name: render.flags(wanted, versions[host.name]) for host, wanted in staying}
    _check_quota([host for host, _wanted in staying], flags)
    _check_timing([host for host, _wanted in staying], flags)
    for host, wanted in staying:
        if host.runs:
            _check_schemes(host, wanted)
            # One that joins has had no clients yet.
            if next_action.choose(host, roster) != next_action.JOIN:
                _check_clients(host, wanted, flags[host.name])


def check_release(hosts: Sequence[Host], version: str) -> None:
    """Refuse what would cut clients off once members have a release: a setting may come with it alone.

    :param hosts: those whose members get it.
    :raises BadInput: it does not take the settings.
    :raises Refused: naming the first reason.
    """
    for host in hosts:
        if host.wanted is not None and host.wanted.present and host.runs:
            _check_clients(host, host.wanted, render.flags(host.wanted, version))


def check_unforced(hosts: Sequence[Host]) -> None:
    """Refuse to start or restart etcd as a rescue by hand has left it. One that only runs so still is to be restarted.

    :raises Refused: a start would drop all other members from the cluster.
    """
    for host in hosts:
        source = held_members.forced_by(host)
        if source:
            raise gate_refusals.of_forced(host.label, source).refusal()


def issuing(steps: Iterable[Step]) -> set[str]:
    """The hosts that get the certificates which they lack."""
    return {step.host for step in steps if isinstance(step.act, _ISSUING)}


def check_clocks(hosts: Sequence[Host], issuing: Collection[str]) -> None:
    """Refuse to issue certificates that are not valid yet for whoever has to take them.

    :param issuing: names of hosts that get those which they lack.
    :raises Refused: a host's clock is too far behind the controller's, which issues them.
    """
    if not any(host.name in issuing and (host.authorities.renew or host.authorities.missing) for host in hosts):
        return
    for host in hosts:
        if host.wanted is not None and host.wanted.present and host.skew < -_BEHIND.total_seconds():
            raise Refused(
                f"{host.label}: its clock is {-host.skew:.0f} s or more behind the controller's, and certificates are "
                "to be issued.",
                f"They are valid from {BACKDATED.seconds // 60} minutes before the controller makes them: this host "
                "would refuse them as not valid yet, its own as well as its peers'. etcd reads them "
                "at each handshake.",
                f"Set the clocks of {host.label} and of the controller right (timedatectl set-ntp true), then run "
                "again.",
                code="clock-behind",
            )


def _check_places(host: Host, wanted: Desired) -> None:
    """Where the data of a member are, it says itself; where those of a stopped one are, its marker remembers."""
    marker = host.marker
    if host.runs:
        environment = host.seen.runtime.environment
        has = (environment.get("ETCD_DATA_DIR", ""), environment.get("ETCD_WAL_DIR", ""))
    elif marker is not None and marker.data_dir and marker.state in _WITH_DATA:
        has = (marker.data_dir, marker.wal_dir)
    else:
        return
    should = (wanted.layout.data_dir, wanted.layout.wal_dir)
    for variable, old, new in zip(("etcd_data_dir", "etcd_wal_dir"), has, should):
        if old != new:
            raise Refused(
                f"{host.label} keeps its data with {variable} {old or '(unset)'}, and the inventory says "
                f"{new or '(unset)'}.",
                "With the new directory the member would be without its data.",
                f"Put {variable} back. To move a member's data, take it out (etcd_member_state: absent) with the old "
                "directory, then let it join again with the new one.",
                code="directory-changed",
            )


def _check_account(host: Host, wanted: Desired) -> None:
    """Data stay their account's. Where the system was built anew, the account is made anew too."""
    data, user = host.seen.data, wanted.layout.user
    if not wanted.present or data.owner in ("", user) or not next_action.has_files(host):
        return
    # One account may have two names, and one that was removed has none.
    another = data.not_its_own if host.seen.account.exists else not data.owner.isdigit()
    if another:
        # The directories above these are its own too.
        above = [path.rpartition("/")[0] for path in (wanted.layout.wal_dir, wanted.layout.log_file) if path]
        back = "" if data.owner.isdigit() else f"Put etcd_system_user back to {data.owner}. "
        raise Refused(
            f"The data of {host.label} belong to the account {data.owner}, and the inventory says {user} "
            "(etcd_system_user).",
            "Its directory would be closed to the member that runs, and its data to the one that starts.",
            f"{back}To change it, write it for one host alone, stop its member (systemctl stop "
            f"{host.seen.unit.name}), give it its data (chown -R {user}:{wanted.layout.group} "
            f"{' '.join([data.path, *above])}), and run again; then the next host.",
            code="account-changed",
        )


def _check_quota(hosts: Sequence[Host], flags: Mapping[str, Settings]) -> None:
    """A quota that becomes smaller must leave room for what is there; one that stays is an older worry."""
    sizes = [(host.seen.status.db_size, host.label) for host in hosts if host.answers]
    quotas = {host.name: _quota.of_environment(host.seen.runtime.environment) for host in hosts if host.runs}
    if not sizes:
        return
    largest, label = max(sizes)
    for host in hosts:
        quota = _quota.quota_bytes(flags[host.name].get(_quota.FLAG))
        if quota < largest * ROOM and quota < quotas.get(host.name, min(quotas.values())):
            raise Refused(
                f"quota-backend-bytes for {host.label} is {quota}, and the database of {label} has {largest} bytes.",
                "etcd starts with it, and the next write raises NOSPACE: the whole cluster takes no more writes.",
                f"Give it at least {int(largest * ROOM) + 1}, or compact and defragment first.",
                code="quota-too-small",
            )


def _check_timing(hosts: Sequence[Host], flags: Mapping[str, Settings]) -> None:
    heartbeats, elections = [], []
    for host in hosts:
        wanted = flags[host.name]
        heartbeats.append((_number(wanted.get("heartbeat-interval"), _HEARTBEAT_MS), host.label, "will have"))
        elections.append((_number(wanted.get("election-timeout"), _ELECTION_MS), host.label, "will have"))
        if host.runs:
            now = host.seen.runtime.environment
            heartbeats.append((_number(now.get("ETCD_HEARTBEAT_INTERVAL"), _HEARTBEAT_MS), host.label, "has"))
            elections.append((_number(now.get("ETCD_ELECTION_TIMEOUT"), _ELECTION_MS), host.label, "has"))
    if not heartbeats:
        return
    slowest, quickest = max(heartbeats), min(elections)
    if slowest[0] * _HEARTBEATS > quickest[0]:
        raise Refused(
            f"{slowest[1]} {slowest[2]} a heartbeat-interval of {slowest[0]} ms, and {quickest[1]} {quickest[2]} an "
            f"election-timeout of {quickest[0]} ms.",
            "Members change one after the other. In between such a follower takes the leader for dead, and the cluster "
            "elects again and again.",
            "The longest heartbeat times 5 may at most be the shortest election timeout, before, during and after: "
            "change election-timeout in one run and heartbeat-interval in another.",
            code="timing-mismatch",
        )


def _number(value: object, default: int) -> int:
    text = str(value if value is not None else default)
    return int(text) if text.isdigit() else default


def _check_schemes(host: Host, wanted: Desired) -> None:
    now = host.seen.runtime.environment.get("ETCD_INITIAL_ADVERTISE_PEER_URLS", "")
    runs_tls = now.startswith("https://")
    if now and runs_tls != wanted.tls:
        also = f", and take out {' and '.join(wanted.auto_tls.variables)}" if wanted.auto_tls.variables else ""
        raise Refused(
            f"{host.label} talks {'TLS' if runs_tls else 'without TLS'} to its peers, and the inventory says "
            f"etcd_tls: {str(wanted.tls).lower()}.",
            "A member that changes alone can no longer talk to the others: with the second one the quorum is gone.",
            f"Put etcd_tls back to {str(runs_tls).lower()}{also}. A live cluster cannot be taken from one to the "
            "other yet; found a new one and move the data.",
            code="scheme-changed",
        )


def _check_clients(host: Host, wanted: Desired, flags: Settings) -> None:
    cut = [name for name in _cutting(host, wanted, flags) if name not in wanted.said.confirm]
    if cut:
        raise Refused(
            f"{host.label} would change {', '.join(cut)}: " + "; ".join(_cut(host, flags, name) for name in cut) + ".",
            "Clients that use what goes away are cut off.",
            f"When they no longer need it: -e etcd_confirm={','.join(cut)}",
            code="clients-cut-off",
        )


def _cutting(host: Host, wanted: Desired, flags: Settings) -> Iterator[str]:
    now = host.seen.runtime.environment
    should = env_file.environment(flags)
    # Where the member itself moves to another address, its clients move with it.
    left = _hosts(now.get("ETCD_INITIAL_ADVERTISE_PEER_URLS", "")) - _hosts(",".join(wanted.member.peer_urls))
    for name in ("listen-client-urls", "listen-client-http-urls"):
        has, wants = (_parsed(values.get(env_file.variable(name), "")) for values in (now, should))
        if any(url.host not in left and not _covered(url, wants) for url in has):
            yield name
    for name in _GATES:
        variable = env_file.variable(name)
        if should.get(variable, "") not in ("", now.get(variable, "")):
            yield name


def _parsed(urls: str) -> list[Url]:
    return [_urls.parse_url(url, "listen URL") for url in urls.split(",") if url]


def _covered(url: Url, wanted: Iterable[Url]) -> bool:
    """Will somebody still listen there, be it on all addresses?"""
    return any(
        (one.scheme, one.port) == (url.scheme, url.port) and one.host in (url.host, *_EVERYWHERE) for one in wanted
    )


def _hosts(urls: str) -> set[str]:
    return {url.host for url in _parsed(urls)}


def _cut(host: Host, flags: Settings, name: str) -> str:
    variable = env_file.variable(name)
    has = host.seen.runtime.environment.get(variable, "(unset)")
    return f"{has} becomes {env_file.environment(flags).get(variable, '(unset)')}"
