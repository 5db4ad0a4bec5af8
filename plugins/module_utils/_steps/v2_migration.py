# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The keys of API version 2 move to version 3, by one member that no client reaches.

All members run without the API by then, so that nobody writes in version 2 any more. One that its cluster can spare is
stopped, and runs on its own data with the API at a port of loopback that nobody knows. It stays a member: what it reads
there a quorum has agreed on, and so is what it writes. Clients of version 3 go on at the other members.

Nothing is remembered of it. Killed at any time it leaves at most one member down, which each start of its unit brings
back, and keys that the same command finds where they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration
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
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service, v2_info
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

#: What etcd runs for beside its unit, see C(_host.isolated_member). Its unit is C(Layout.stand_in_unit).
PURPOSE = "migration"

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
    :returns: C(changed), C(notes), and but in check mode C(keys) (found in version 2), C(copied) (of them, by this
        call), C(expiring), C(empty_directories), C(hidden_in) (directories that stay), C(before) and C(after) (keys of
        version 3), C(kept) (paths of the copy).
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
        _check_closed(window, layout, process)
        v2_info.check_room(layout)
        if check:
            return {"changed": True, "notes": window.notes}
        side = Side.from_environment(process.environment)
        with _out_of_service(systemd, layout, window, side, move.timeout):
            kept = data_copy.keep(run, layout, PURPOSE, datetime.now(timezone.utc))
            checkpoints.at("v2: copied")
            done = _moved(systemd, layout, process, move)
    return {"changed": True, "notes": window.notes, **done, "kept": kept}


def _check_versions(window: MaintenanceWindow) -> None:
    without = {one: has for one, has in window.votes.versions.items() if minor(has) >= WITHOUT_V2}
    if without:
        named = window.votes.named(frozenset(without))
        raise v2_refusals.gone(f"{named} runs etcd {next(iter(without.values()))}.")


def _check_closed(window: MaintenanceWindow, layout: Layout, process: Process) -> None:
    """Can nobody write in version 2 any more?

    :raises Refused: a member serves the API, or cannot be asked.
    """
    keys = v2_info.keys_with(local_member.credentials(layout), 5.0)
    open_at = [f"{layout.unit} on this host"] if v2_info.serves(process.environment) else []
    for member in window.votes.members:
        if member.id == window.member_id:
            continue
        asked = [v2_migration.address(url) for url in member.client_urls]
        try:
            served = any(keys.is_served(url) for url in asked) or not asked
        except EtcdError as exc:
            open_at.append(f"{guard.label(member)}, for all that is known ({exc})")
            continue
        if served:
            open_at.append(guard.label(member))
    if open_at:
        raise v2_refusals.still_served(f"The API of version 2 may still be served by {'; '.join(open_at)}.")


@contextlib.contextmanager
def _out_of_service(
    systemd: Systemd, layout: Layout, window: MaintenanceWindow, side: Side, timeout: float
) -> Iterator[None]:
    """Have the member's unit stopped meanwhile, and have it serve again whatever happens."""
    window.leave_service(side)
    checkpoints.at("v2: leadership moved")
    systemd.control("stop", layout.unit)
    checkpoints.at("v2: stopped")
    try:
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


def _moved(systemd: Systemd, layout: Layout, process: Process, move: Move) -> dict[str, Any]:
    settings = {**isolated_member.apart(layout, member_files.settings(layout)), "enable-v2": True}
    credentials, binary = local_member.credentials(layout), process.identity.executable
    with (
        isolated_member.running(systemd, layout, PURPOSE, binary, settings, move.timeout, stands_in=True) as seen,
        Client([seen.endpoint], credentials, _ASK) as client,
    ):
        checkpoints.at("v2: apart")
        keys = v2_info.keys_with(credentials, _ASK)
        content = v2_migration.listed(keys, seen.endpoint)
        before = client.count()
        found = v2_migration.compare(client, content)
        v2_migration.check(found)
        _check_expiring(content, move)
        v2_migration.write(client, found.missing)
        checkpoints.at("v2: written")
        hidden_in = v2_migration.take_out(keys, seen.endpoint, content)
        checkpoints.at("v2: taken out")
        after = client.count()
    return {
        "key_count": len(found.missing) + len(found.there),
        "copied": len(found.missing),
        "expiring": len(content.expiring),
        "empty_directories": len(content.empty),
        "hidden_in": hidden_in,
        "before": before,
        "after": after,
    }


def _check_expiring(content: V2Content, move: Move) -> None:
    if content.expiring and not move.takes_expiring:
        raise v2_refusals.expiring([one.name for one in content.expiring], len(content.expiring))
