# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The program that a member's timer starts: it saves a snapshot if that is this member's part.

It needs neither Ansible nor the controller; C(plugin_utils/_program.py) packs it with all that it imports into one
file. Whatever goes wrong ends it with a status that fails its unit, and one line that says what to do.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result, Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.survey import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import (
    Choice,
    NewestSnapshot,
    Settings,
    Try,
)
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import user_file
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import calendar, catalog, saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import status as _status
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved

#: Seconds for one question to one member; all are asked at once.
TIMEOUT = 3.0
# Seconds between two looks at a member that may be starting.
_POLL = 5.0
# systemd reads the priority of a line from it (sd-daemon(3)).
_ERROR = "<3>"


class Done(NamedTuple):
    """How a try went well.

    :param outcome: see C(_model.snapshot_agent).
    :param message: for a person.
    :param duration: seconds that saving took.
    """

    outcome: str
    message: str
    duration: float = 0.0


def main(arguments: Sequence[str]) -> int:
    """Run once.

    :param arguments: the path of the settings, or what was typed after C(etcdctl) to look at a snapshot.
    :returns: the status of the process.
    """
    if "status" in arguments:
        return _status.main(arguments)
    try:
        if len(arguments) != 1:
            raise HostError("give the path of its settings, and nothing else.")
        settings = settings_in(arguments[0])
    except EtcdError as exc:
        return _failed(f"No snapshot was tried: {exc}")
    try:
        last = succeeded(attempt(settings))
    except EtcdError as exc:
        last = failed(exc)
    except Exception as exc:
        # Even a mistake in this very program must be seen by whoever watches the metrics.
        last = Try(
            snapshot_agent.stamp(time.time()),
            snapshot_agent.FAILED,
            f"A mistake in this program: {exc!r}. Please report it.",
        )
    last = publish(settings, last)
    if not last.ok:
        return _failed(f"{settings.cluster}: no good try at a snapshot from this host: {last.message}")
    sys.stdout.write(f"{settings.cluster}: {last.message}\n")
    return 0


def attempt(
    settings: Settings, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time
) -> Done:
    """Save a snapshot if that is this host's part, and run what is to be run with it.

    :param clock: seconds since 1970.
    :raises EtcdError: something went wrong.
    """
    credentials = credentials_of(settings)
    choice = _first_look(settings, credentials, sleep, clock)
    if not choice.mine:
        sleep(settings.second_look)
        with contextlib.suppress(EtcdError):
            # Its first look was a good one: that this member ended since is no reason to complain of it.
            choice = choose(settings, credentials, clock())
    if not choice.mine:
        return Done(snapshot_agent.PASSED, f"Left to {choice.saver}. {choice.why}")
    return finished(settings, *save(settings, credentials), choice.why, _run)


def save(settings: Settings, credentials: Credentials, check: bool = False) -> tuple[Saved, float]:
    """Save what this host's own member has.

    :param check: touch nothing.
    :returns: the snapshot, and the seconds that it took.
    :raises EtcdError: see C(saving.save).
    """
    begin = time.monotonic()
    saved = saving.save(
        [settings.endpoint],
        credentials,
        settings.directory,
        settings.cluster,
        endpoint=settings.endpoint,
        retention=Retention(settings.keep, settings.daily, settings.weekly),
        member_dirs=settings.member_dirs,
        max_hash_size=settings.max_hash_size,
        timeout=TIMEOUT,
        check=check,
    )
    return saved, time.monotonic() - begin


def finished(settings: Settings, saved: Saved, took: float, why: str, run: Run) -> Done:
    """Run what is to be run with a snapshot that was saved.

    :param took: seconds that saving took.
    :param why: it was this member's to save.
    :raises HostError: that command failed. The snapshot stays.
    """
    if settings.after_command:
        _run_after(run, settings.after_command, saved.path)
    manifest = saved.manifest
    return Done(
        snapshot_agent.SAVED,
        f"Saved {saved.path}, revision {manifest.revision}, {manifest.size} bytes, in {took:.1f} s. {why}",
        took,
    )


def _first_look(
    settings: Settings, credentials: Credentials, sleep: Callable[[float], None], clock: Callable[[], float]
) -> Choice:
    """What C(choose) says once the member of this host answers.

    :raises EtcdError: it does not.
    """
    # A look itself takes seconds where nobody answers.
    deadline = time.monotonic() + settings.await_member
    while True:
        try:
            return choose(settings, credentials, clock())
        except HostError:
            if time.monotonic() >= deadline:
                raise
        sleep(_POLL)


def choose(settings: Settings, credentials: Credentials, now: float) -> Choice:
    """Whose part it is, as this host's member and all voters say now.

    :param now: seconds since 1970.
    :raises EtcdError: its own member does not tell.
    """
    seen = survey([settings.endpoint], credentials, TIMEOUT, cluster=True)
    own = next((one for one in seen if one.endpoint == settings.endpoint), seen[0])
    status = own.status
    if status is None:
        raise HostError(
            f"The member on this host does not answer at {settings.endpoint}: {own.error} Without it this host does "
            f"not know who else could save one. Look at: systemctl status {settings.unit}"
        )
    if own.members is None and not status.is_learner:
        with Client([settings.endpoint], credentials, TIMEOUT) as client:
            # It says why.
            own = replace(own, members=client.member_list(False).members)
    own_id = status.member_id
    # A learner tells nobody the members.
    members = own.members or [ClusterMember(own_id, is_learner=status.is_learner)]
    return snapshot_agent.choose(own_id, members, seen, calendar.elapsed_days(settings.schedule, now))


def credentials_of(settings: Settings) -> Credentials:
    """Who this program is to etcd: the administrator by his certificate, a user with a password, or nobody.

    :raises HostError: a file is missing.
    :raises Refused: others than root could read the password.
    """
    paths = {"ca_path": settings.ca_path, "client_cert": settings.client_cert, "client_key": settings.client_key}
    for path in filter(None, paths.values()):
        if not os.path.exists(path):
            raise HostError(f"{path} is missing. Run the playbook: it says what is safe.")
    user, password = user_file.read(settings.user_file) if settings.user_file else (None, None)
    return Credentials(**{name: path or None for name, path in paths.items()}, username=user, password=password)


def _run_after(run: Run, command: Sequence[str], path: str) -> None:
    """Run the operator's own command. It is no shell line: what is in the path or in an argument means itself.

    :raises HostError: it cannot be run, or it failed.
    """
    kept = f"The snapshot {path} is good and stays."
    try:
        done = run([*command, path])
    except OSError as exc:
        raise HostError(f"etcd_snapshot_after_command, {command[0]}, cannot be run: {exc.strerror}. {kept}") from exc
    if done.code:
        how = f"ended with status {done.code}" if done.code > 0 else f"was ended by signal {-done.code}"
        said = f"It said: {done.words}" if done.words else "What it said is above."
        raise HostError(f"etcd_snapshot_after_command, {command[0]}, {how}. {kept} {said}")


def _run(arguments: Sequence[str]) -> Result:
    """Run a program whose output goes where that of this one goes: there is no module here to do it."""
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, check=False)  # pylint: disable=ansible-bad-function
    return Result(done.returncode, "", "")


def settings_in(path: str) -> Settings:
    """What a member's host was told of its snapshots.

    :raises EtcdError: the file cannot be read, or holds something else.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            return Settings.from_json(stream.read())
    except (OSError, UnicodeDecodeError) as exc:
        raise HostError(f"{path} cannot be read: {exc}. Run the playbook: it writes it anew.") from exc


def succeeded(done: Done) -> Try:
    """A try that went well just now."""
    return Try(snapshot_agent.stamp(time.time()), done.outcome, done.message, done.duration)


def failed(error: EtcdError) -> Try:
    """A try that failed just now."""
    return Try(snapshot_agent.stamp(time.time()), snapshot_agent.FAILED, _one_line(str(error)))


def publish(settings: Settings, last: Try) -> Try:
    """Tell the metrics, then the host itself, what became of this try. One that nobody was told of has failed.

    :returns: what became of it.
    """
    before = _last(settings.state_file)
    # What the newest snapshot took to save is told as long as it is the newest.
    took = last.duration or (before.duration if before else 0.0)
    if settings.metrics_file:
        text = snapshot_agent.metrics(settings.cluster, last, _newest(settings), took)
        last = _written(
            settings.metrics_file, text, 0o644, last, "Make its directory, or set etcd_snapshot_metrics_file."
        )
    text = replace(last, duration=took).to_json()
    return _written(settings.state_file, text, 0o600, last, "Make room on its file system.")


def _written(path: str, text: str, mode: int, last: Try, remedy: str) -> Try:
    try:
        atomic.replace(path, text.encode(), mode)
    except OSError as exc:
        problem = f"{path} cannot be written: {exc.strerror}. {remedy}"
        return replace(last, outcome=snapshot_agent.FAILED, message=f"{last.message} {problem}")
    return last


def _newest(settings: Settings) -> NewestSnapshot | None:
    with contextlib.suppress(EtcdError):
        found = catalog.newest(settings.directory, settings.cluster)
        if found is not None:
            manifest = found.manifest
            return NewestSnapshot(found.path, manifest.taken_at, manifest.size, manifest.revision)
    return None


def _last(path: str) -> Try | None:
    try:
        with open(path, encoding="utf-8") as stream:
            return Try.from_json(stream.read())
    except (OSError, UnicodeDecodeError):
        return None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _failed(text: str) -> int:
    # A journal has the line of a priority as one entry.
    sys.stderr.write(f"{_ERROR if 'JOURNAL_STREAM' in os.environ else ''}{_one_line(text)}\n")
    return 1
