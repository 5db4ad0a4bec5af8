# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The directory of a playground: made whole, never another's, and removed only where its marker says what it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic, checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Playground

_WAIT = 60.0


def place_of(path: str) -> str:
    """The directory without links above it.

    :param path: as it was given.
    :raises BadInput: it cannot be one, or what is above it is not there.
    """
    if not os.path.isabs(path) or os.path.dirname(path) == path:
        raise BadInput(
            f"etcd_playground_dir is {path!r}. Give an absolute path; without a home ($HOME) there is no other."
        )
    parent, name = os.path.split(os.path.normpath(path))
    if not os.path.isdir(parent):
        raise BadInput(f"etcd_playground_dir is {path}, and {parent} is no directory. Make it, or name another.")
    return os.path.join(os.path.realpath(parent), name)


@contextlib.contextmanager
def locked(place: str) -> Iterator[None]:
    """Hold the lock of a playground, whether it is there or not: a module outlives a run that was killed.

    :raises Refused: another process holds it for a minute.
    :raises HostError: it cannot be made there.
    """
    path, end = _beside(place, "lock"), time.monotonic() + _WAIT
    while True:
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise HostError(
                f"{path} cannot be made: {exc.strerror}. Name another: -e etcd_playground_dir=PATH"
            ) from exc
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(number, path):
                break
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(number)
                raise Refused(
                    f"Another process has held {path} for {_WAIT:.0f} seconds.",
                    "It is changing this playground: two at once could undo each other.",
                    "Wait until it ends (a task of an interrupted run may still be at work), then run again.",
                    code="host-locked",
                ) from None
            time.sleep(0.1)
        os.close(number)
    try:
        yield
    finally:
        if not os.path.lexists(place):
            os.unlink(path)
        os.close(number)


def _is_at(number: int, path: str) -> bool:
    """Whether who held the lock before has not taken the file away."""
    try:
        return os.path.samestat(os.fstat(number), os.lstat(path))
    except FileNotFoundError:
        return False


def read(place: str) -> Playground | None:
    """The playground that is there, or None where nothing is.

    :raises Refused: something else is there.
    """
    try:
        found = os.lstat(place)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise _stranger(place, "is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise _stranger(place, "is no directory")
    if found.st_uid != os.geteuid():
        raise _stranger(place, "belongs to another user")
    playground = _marked(place, place)
    if playground is None:
        raise _stranger(place, f"has no {model.MARKER} that this collection can read")
    return playground


def _stranger(place: str, what: str) -> Refused:
    other = next(one for one in (f"{place}-{number}" for number in range(2, 1000)) if not os.path.lexists(one))
    return Refused(
        f"{place} {what}: it is no playground.",
        "What lies there would be mixed with the data of members, and be removed with them.",
        f"Name a directory that is not there yet: ansible-playbook quorum.etcd.local -e etcd_playground_dir={other}",
        code="playground-directory",
    )


def _marked(directory: str, place: str) -> Playground | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        number = os.open(os.path.join(directory, model.MARKER), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(number, encoding="utf-8") as stream:
            return model.parse(place, stream.read())
    return None


def make(playground: Playground) -> None:
    """Make the directory, with its marker and a place for the data of each member. It has its name once it is whole.

    :raises HostError: it cannot be made.
    """
    clear(playground.place)
    beside = _beside(playground.place, "new")
    with _reported(playground.place):
        os.mkdir(beside, 0o700)
        checkpoints.at("playground: directory begun")
        atomic.replace(os.path.join(beside, model.MARKER), model.render(playground).encode(), 0o600)
        os.mkdir(os.path.join(beside, model.CERTIFICATES), 0o700)
        for member in playground.members:
            os.mkdir(os.path.join(beside, member.name), 0o700)
            atomic.replace(os.path.join(beside, member.name, model.NEW), b"", 0o600)
        checkpoints.at("playground: directory made")
        os.rename(beside, playground.place)
        atomic.sync_directory(os.path.dirname(playground.place))


def remove(playground: Playground) -> None:
    """Remove the directory: all else first, then the marker that says what it is.

    :raises HostError: it cannot be removed.
    """
    with _reported(playground.place):
        atomic.replace(playground.marker_file, model.render(playground.leaving()).encode(), 0o600)
        for name in os.listdir(playground.place):
            if name != model.MARKER:
                _remove(os.path.join(playground.place, name))
                checkpoints.at("playground: partly removed")
        os.rename(playground.place, _beside(playground.place, "new"))
    checkpoints.at("playground: marker left")
    clear(playground.place)


def clear(place: str) -> bool:
    """Remove what a run that was killed has left beside the place of a playground.

    :returns: whether there was something.
    :raises Refused: it is something else.
    """
    beside = _beside(place, "new")
    if not os.path.lexists(beside):
        return False
    found = os.lstat(beside)
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    # It was made just before its marker.
    if not is_own or (_marked(beside, place) is None and set(os.listdir(beside)) - {f".{model.MARKER}.new"}):
        raise Refused(
            f"{beside} is not what a run that was interrupted has left there.",
            "A playground is made under that name, and removed with it.",
            f"Move it away: mv {beside} {beside}.moved",
            code="playground-directory",
        )
    with _reported(place):
        shutil.rmtree(beside)
    return True


def is_clear(place: str) -> bool:
    """Whether nothing is left beside it."""
    return not os.path.lexists(_beside(place, "new"))


def _beside(place: str, ending: str) -> str:
    parent, name = os.path.split(place)
    return os.path.join(parent, f".{name.lstrip('.')}.{ending}")


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


@contextlib.contextmanager
def _reported(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise HostError(f"{exc.filename or place} cannot be changed: {exc.strerror}.") from exc
