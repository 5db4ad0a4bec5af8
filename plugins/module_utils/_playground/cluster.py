# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.
"""A playground is made, looked at, and removed."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._host import exit_reason
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Member, Playground, Request, State
from ansible_collections.quorum.etcd.plugins.module_utils._playground import directory, members, ports, release
from ansible_collections.quorum.etcd.plugins.module_utils._playground.release import Supply
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials

_POLL = 0.1
# Seconds for one question to a member.
_ASK = 2.0
_END_OF_LOG = 1 << 16


def check_user(uid: int, sudo_user: str) -> None:
    """See that a playground is not root's.

    :param uid: of this process.
    :param sudo_user: who became root, or empty.
    :raises Refused: it is root.
    """
    if uid == 0:
        command = "ansible-playbook quorum.etcd.local"
        raise Refused(
            "A playground is for an ordinary user, and this run is root's.",
            "Its members would run as root, where any mistake of theirs can reach every file of this machine.",
            # Without a login the home would still be root's.
            f"Run it as {sudo_user}, without sudo: {command}"
            if sudo_user not in ("", "root")
            else f"Run it as a user who can log in: runuser -l USER -c '{command}'",
            code="playground-root",
        )


def usual_place() -> str:
    return os.path.realpath(os.path.expanduser(model.USUAL_PLACE))


def prepare(request: Request, identity: str, supply: Supply, check: bool) -> tuple[bool, Playground]:
    """Make the directory and unpack etcd in it. Everything that can be refused is refused before.

    :param identity: a random text, for a playground that is not there yet.
    :param check: only say what would be done.
    :returns: whether something was to be done, and the playground.
    :raises EtcdError: something is in the way.
    """
    with contextlib.nullcontext() if check else directory.locked(request.place):
        found = directory.read(request.place)
        if found and (found.is_leaving or (not request.is_met_by(found) and _is_unused(found))):
            if not check:
                _remove(found)
            found = None
        playground = found or request.new(identity, supply.machine, supply.system)
        request.check(playground, usual_place())
        _starting(playground, found is not None)
        changed = found is None or not release.is_there(playground)
        if not check:
            if found is None:
                directory.make(playground)
            if not release.is_there(playground):
                release.fetch(playground, supply)
        return changed, playground


def start(playground: Playground, timeout: float, check: bool) -> list[str]:
    """Start the members that do not run, and wait until all of them serve.

    :param playground: one that is prepared.
    :param timeout: seconds until all must answer.
    :returns: the names of those that were started.
    :raises EtcdError: something is in the way, or a member ended or does not answer in time.
    """
    with contextlib.nullcontext() if check else directory.locked(playground.place):
        exists = playground == directory.read(playground.place)
        starting = _starting(playground, exists)
        if not check:
            if not exists:
                raise HostError(f"{playground.place} is another one now. {AGAIN}")
            _check_certificates(playground)
            sizes = {member.name: _size(member.log) for member in playground.members}
            for state in starting:
                members.start(state.member, playground.command_line(state.member, not state.has_log))
                checkpoints.at("playground: member started")
            _await(playground, sizes, Deadline(timeout))
            for member in playground.members:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(member.data_dir, model.NEW))
        return [state.member.name for state in starting]


def remove(place: str, check: bool) -> bool:
    """End what runs, and remove the directory.

    :returns: whether there was something.
    :raises EtcdError: what lies there is no playground, or is used by somebody else.
    """
    with contextlib.nullcontext() if check else directory.locked(place):
        found = directory.read(place)
        if found and not check:
            _remove(found)
        left = not directory.is_clear(place)
        if left and not check:
            directory.clear(place)
        return found is not None or left


def notes(playground: Playground) -> list[str]:
    """What is no hindrance, and worth a word."""
    others = {member: members.other_under_number(member, playground.executable) for member in playground.members}
    return [
        f"{member.pid_file} has the number of {other}, which is none of this playground's: it is left alone."
        for member, other in others.items()
        if other
    ]


def running(playground: Playground) -> dict[str, int]:
    """The PID of each member; 0 where none of ours runs."""
    found = {member.name: members.of_member(member, playground.executable) for member in playground.members}
    return {name: record.pid if record else 0 for name, record in found.items()}


def _remove(playground: Playground) -> None:
    states = _look(playground)
    model.check_users(playground, states)
    members.stop([state.member for state in states], playground.executable)
    checkpoints.at("playground: members stopped")
    directory.remove(playground)


def _starting(playground: Playground, exists: bool) -> list[State]:
    """The members that are to start."""
    states = _look(playground) if exists else [State(member, is_new=True) for member in playground.members]
    model.check_data(playground, states, usual_place())
    model.check_users(playground, states)
    starting = [state for state in states if not state.pid]
    ports.check(playground, [state.member for state in starting], not exists, usual_place())
    return starting


def _is_unused(playground: Playground) -> bool:
    """Whether no member has ever started: nothing is lost with it."""
    return all(state.is_new and not state.has_log and not state.pid for state in _look(playground))


def _look(playground: Playground) -> list[State]:
    pids = running(playground)
    return [
        State(
            member,
            pid=pids[member.name],
            has_log=bool(glob.glob(os.path.join(glob.escape(member.data_dir), "member", "wal", "*.wal"))),
            is_new=os.path.exists(os.path.join(member.data_dir, model.NEW)),
            was_started=os.path.exists(member.pid_file),
            user="" if pids[member.name] else members.user_of(member),
        )
        for member in playground.members
    ]


def _check_certificates(playground: Playground) -> None:
    missing = [path for path in playground.certificate_files if not os.path.exists(path)]
    if missing:
        raise BadInput(
            f"{missing[0]} is missing, and the members of {playground.place} use TLS. The playbook issues it: "
            f"{model.command(playground, usual_place())}"
        )


def _await(playground: Playground, sizes: dict[str, int], deadline: Deadline) -> None:
    files = playground.client_files
    credentials = Credentials(files.get("cacert"), files.get("cert"), files.get("key"))
    for member in playground.members:
        while True:
            seen = survey.ask(member.client_url, credentials, _ASK)
            if seen.status is not None and not seen.error:
                break
            for one in playground.members:
                if members.of_member(one, playground.executable) is None:
                    raise HostError(f"{one.name} has ended. {_words(one, sizes[one.name])}")
            if not deadline.left():
                raise HostError(
                    f"{member.name} does not answer after {deadline.seconds:.0f} s: {seen.error} "
                    f"{_words(member, sizes[member.name])}"
                )
            time.sleep(_POLL)


def _size(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.path.getsize(path)
    return 0


def _words(member: Member, begin: int) -> str:
    with open(member.log, "rb") as stream:
        stream.seek(max(begin, _size(member.log) - _END_OF_LOG))
        reason = exit_reason.reason_in(stream.read().decode(errors="replace"))
    return f"It said: {reason or 'nothing that explains it'}. All of it: {member.log}"


def described(playground: Playground) -> Sequence[dict[str, Any]]:
    """Its members, for a result."""
    pids = running(playground)
    return [
        {
            "name": member.name,
            "pid": pids[member.name],
            "client_url": member.client_url,
            "peer_url": member.peer_url,
            "data_dir": member.data_dir,
            "log": member.log,
        }
        for member in playground.members
    ]
