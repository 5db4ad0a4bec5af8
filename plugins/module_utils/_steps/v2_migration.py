# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The keys of API version 2 move to version 3, by one member that no client reaches.

All members run without the API by then, so that nobody writes in version 2 any more. One that its cluster can spare is
stopped, and runs on its own data with the API at a port of loopback that nobody knows. It stays a member: what it reads
there a quorum has agreed on, and so is what it writes. Clients of version 3 go on at the other members.

Nothing is remembered of it. Killed at any time it leaves at most one member down, which each start of its unit brings
back, keys that the same command finds where they are, and a copy of the data that C(etcd_v2_info) names.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.v2_migration import Mover
from ansible_collections.quorum.etcd.plugins.module_utils._config import v2_limits
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    data_copy,
    isolated_member,
    local_member,
    member_files,
    processes,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, v2_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import WITHOUT_V2, minor
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Needs
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_member import V2Member
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service, v2_info
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

# Seconds for one question: a listing has every value.
_ASK = 120.0


@dataclass(frozen=True)
class Move:
    """How keys move.

    :param takes_expiring: whether a person has said that keys with a time to live may.
    :param timeout: seconds for each start of the member.
    """

    takes_expiring: bool
    timeout: float


def migrate(run: Run, layout: Layout, move: Move, terms: Terms, check: bool) -> dict[str, Any]:
    """Move all keys.

    :param check: only see whether the member can be spared.
    :returns: C(changed), C(notes), and but in check mode C(key_count) (found in version 2), C(copied) (of them, by this
        call), C(expiring), C(empty_directories), C(hidden_in) (directories that stay), C(before) and C(after) (keys of
        version 3), C(kept) (paths of the copy; none where nothing was in version 2), C(earlier) (those of earlier
        calls).
    :raises Refused: not every member runs without the API, the member cannot be spared, or a key may not move.
    :raises EtcdError: it failed; the member serves again, and no key is lost.
    """
    systemd = Systemd(run)
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        service.check_startable(layout)
        service.check_unforced(systemd, layout)
        process = processes.describe(systemd.show(layout.unit)["pid"])
        if process is None:
            raise Refused(
                f"{layout.unit} does not run.",
                "The member that reads version 2 for all must be a healthy one.",
                AGAIN,
                code="host-changed",
            )
        window = stack.enter_context(maintenance.spared(service.observe(systemd, layout), layout, terms, check))
        _check_versions(window)
        _check_own(layout, process)
        _check_closed(window, layout, process)
        v2_info.check_room(layout)
        if check:
            return {"changed": True, "notes": window.notes}
        side = Side.from_environment(process.environment)
        with _out_of_service(systemd, layout, window, side, move.timeout):
            earlier = [one for one in data_copy.earlier(layout, v2_info.PURPOSE) if not one.endswith("-unfinished")]
            kept = data_copy.keep(run, layout, v2_info.PURPOSE, datetime.now(timezone.utc))
            done, kept = _moved(_Apart(systemd, layout, process, kept, list(terms.endpoints)), move)
    return {"changed": True, "notes": window.notes, **done, "kept": kept, "earlier": earlier}


def _check_own(layout: Layout, process: Process) -> None:
    """Is what the API would serve here of version 2?

    :raises Refused: by the settings it is of version 3.
    """
    found = [v2_info.emulated(layout, process.environment), v2_info.emulated(layout, {})]
    if any(found):
        raise v2_refusals.emulated(f"{layout.unit} on this host", next(filter(None, found)))


def _check_versions(window: MaintenanceWindow) -> None:
    without = {one: has for one, has in window.votes.versions.items() if minor(has) >= WITHOUT_V2}
    if without:
        named = window.votes.named(frozenset(without))
        raise v2_refusals.gone(f"{named} runs etcd {next(iter(without.values()))}.")


def _check_closed(window: MaintenanceWindow, layout: Layout, process: Process) -> None:
    """Can nobody write in version 2 any more?

    :raises Refused: a member serves the API, or cannot be asked.
    """
    context = v2_info.context_of(local_member.credentials(layout))
    open_at = [f"{layout.unit} on this host"] if v2_info.serves(process.environment) else []
    for member in window.votes.members:
        if member.id == window.member_id:
            continue
        try:
            served = any(_is_served(url, context) for url in member.client_urls) or not member.client_urls
        except EtcdError as exc:
            open_at.append(f"{guard.label(member)}, for all that is known ({exc})")
            continue
        if served:
            open_at.append(guard.label(member))
    if open_at:
        raise v2_refusals.still_served(f"The API of version 2 may still be served by {'; '.join(open_at)}.")


def _is_served(url: str, context: ssl.SSLContext) -> bool:
    with V2Member(url, context, 5.0) as member:
        return member.is_served()


@contextlib.contextmanager
def _out_of_service(
    systemd: Systemd, layout: Layout, window: MaintenanceWindow, side: Side, timeout: float
) -> Iterator[None]:
    """Have the member's unit stopped meanwhile, and have it serve again whatever happens."""
    window.leave_service(side)
    checkpoints.at("v2: leadership moved")
    try:
        systemd.control("stop", layout.unit)
        checkpoints.at("v2: stopped")
        yield
    except BaseException as failure:
        service.launch(systemd, layout)
        try:
            service.serving(systemd, layout, timeout)
        except EtcdError as second:
            raise HostError(
                f"The keys did not all move, and the member does not serve again: {second} No key is lost. Run "
                f"etcd.yml, then the same command. Why they did not move: {failure}"
            ) from failure
        raise
    service.launch(systemd, layout)
    checkpoints.at("v2: started again")
    service.remember(layout, service.serving(systemd, layout, timeout))
    # The lock of an only member was on the member itself, and nobody else is connected to it.
    if len(window.votes.voters) > 1:
        window.welcome(side)


@dataclass(frozen=True)
class _Apart:
    """A member that is stopped, to be run apart from its clients.

    :param process: what its unit ran.
    :param kept: the copy of its data.
    :param others: client URLs of the other members.
    """

    systemd: Systemd
    layout: Layout
    process: Process
    kept: list[str]
    others: list[str]


def _moved(apart: _Apart, move: Move) -> tuple[dict[str, Any], list[str]]:
    """Move the keys.

    :returns: what was done, and the copies that are worth keeping.
    """
    is_untouched = True
    try:
        checkpoints.at("v2: copied")
        with _run_apart(apart, move.timeout) as (mover, endpoint):
            content = mover.listing.content
            _check_expiring(content, move)
            _check_limits(mover, [endpoint, *apart.others])
            before = mover.client.count()
            is_untouched = not content.keys and not content.directories
            moved = mover.move()
            hidden_in = mover.take_directories_out()
            after = mover.client.count()
    except EtcdError as exc:
        if not is_untouched and not isinstance(exc, Refused):
            raise HostError(f"{exc} A copy of the data as they were is kept in {' and '.join(apart.kept)}.") from exc
        raise
    finally:
        # Each run that finds nothing, or is refused, would leave another one.
        if is_untouched:
            data_copy.drop(apart.kept)
    done = {
        "key_count": moved.copied + moved.there,
        "copied": moved.copied,
        "expiring": moved.expiring,
        "empty_directories": len(content.empty),
        "hidden_in": hidden_in,
        "before": before,
        "after": after,
    }
    return done, [] if is_untouched else apart.kept


@contextlib.contextmanager
def _run_apart(apart: _Apart, timeout: float) -> Iterator[tuple[Mover, str]]:
    """Run the member with the API where no client finds it, and list what version 2 has."""
    layout, binary = apart.layout, apart.process.identity.executable
    settings = {**isolated_member.apart(layout, member_files.settings(layout)), "enable-v2": True}
    credentials = local_member.credentials(layout)
    with isolated_member.running(
        apart.systemd, layout, v2_info.PURPOSE, binary, settings, timeout, stands_in=True
    ) as seen:
        checkpoints.at("v2: apart")
        with (
            Client([seen.endpoint], credentials, _ASK) as client,
            V2Member(seen.endpoint, v2_info.context_of(credentials), _ASK) as member,
        ):
            if member.demands_login():
                raise v2_refusals.guarded(f"{layout.unit} on this host")
            listing = v2_migration.listed(member, agreed=True)
            yield Mover(member, client, v2_limits.limits(settings), listing), seen.endpoint


def _check_limits(mover: Mover, endpoints: list[str]) -> None:
    """Can every key be written? Nothing is by then.

    :raises Refused: one cannot.
    """
    found = v2_migration.compare(mover.client, mover.listing.content.keys, mover.limits)
    v2_migration.check(found)
    if found.missing:
        v2_migration.check_alarms(mover.client)
        mover.limits.check(Needs.of(found.missing), v2_migration.largest_database(mover.client, endpoints))


def _check_expiring(content: V2Content, move: Move) -> None:
    if content.expiring and not move.takes_expiring:
        raise v2_refusals.expiring([one.name for one in content.expiring], len(content.expiring))
