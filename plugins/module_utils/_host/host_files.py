# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Files on a host: written whole or not at all, and never by two at once."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import hashlib
import os
import pwd
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import MACHINE_ID_FILE, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker

LOCK_WAIT = 60.0

# systemd's own variable, under whose name the gate's record says to which start it belongs.
_INVOCATION = "INVOCATION_ID"
_ACL = "system.posix_acl_access"


def owner_ids(user: str, group: str) -> tuple[int, int]:
    """The numbers of a user and a group.

    :raises HostError: one of them does not exist.
    """
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError as exc:
        raise HostError(f"There is no such user or group on this host: {exc.args[0]}.") from exc


@contextlib.contextmanager
def _reported(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        hint = {
            errno.ENOSPC: "Make room on its file system.",
            errno.EROFS: "Its file system is read-only: mount it for writing.",
            errno.EACCES: "Run as root, or with become.",
            errno.EPERM: "Run as root, or with become.",
        }.get(exc.errno or 0, "")
        raise HostError(f"{path} cannot be written: {exc.strerror}. {hint}".rstrip()) from exc


def write(path: str, content: bytes, mode: int, uid: int, gid: int) -> None:
    """Replace a file, whole or not at all.

    :param mode: permission bits.
    :raises HostError: it cannot be written; the old file is untouched.
    """
    with _reported(path):
        atomic.replace(path, content, mode, (uid, gid))


def link(path: str, target: str) -> None:
    """Point a symbolic link somewhere else in one step.

    :raises HostError: it cannot be made.
    """
    directory, name = os.path.split(path)
    beside = os.path.join(directory, f".{name}.new")
    with _reported(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        os.symlink(target, beside)
        os.replace(beside, path)
        atomic.sync_directory(directory)


def remove(path: str) -> None:
    """Remove a file or a link, so that it stays removed after a power cut; nothing happens where there is none.

    :raises HostError: it cannot be removed.
    """
    with _reported(path), contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        atomic.sync_directory(os.path.dirname(path))


def make_directory(path: str, mode: int, uid: int, gid: int) -> None:
    """Make a directory of our own with its parents, which stay root's and readable. One that is there is put right.

    :raises HostError: it cannot be made, or something else is there.
    """
    with _reported(path):
        if not os.path.isdir(path):
            _new_directory(path, mode, uid, gid)
        found = os.stat(path)
        if (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) != (mode, uid, gid):
            os.chown(path, uid, gid)
            os.chmod(path, mode)


def _new_directory(path: str, mode: int, uid: int, gid: int) -> None:
    """It has its name once it is what it should be: one that is there is never half made by us."""
    parent, name = os.path.split(path)
    os.makedirs(parent, mode=0o755, exist_ok=True)
    if os.path.lexists(path):
        raise HostError(f"{path} is not a directory. Move it away, or name another directory.")
    beside = os.path.join(parent, f".{name}.new")
    with contextlib.suppress(FileExistsError):
        os.mkdir(beside, 0o700)
    os.chown(beside, uid, gid)
    os.chmod(beside, mode)
    os.rename(beside, path)


def lend_directory(path: str, uid: int, gid: int, remedy: str) -> None:
    """A directory in which an account writes. One that is there may be others' too, and stays as it is.

    :param remedy: what to do where the account cannot write there.
    :raises HostError: it cannot, or the directory cannot be made.
    """
    if not os.path.isdir(path):
        make_directory(path, 0o700, uid, gid)
    elif not may_write(path, uid, gid):
        raise HostError(f"{_as_it_is(path)}, and etcd must be able to write there. {remedy}")


def open_directory(path: str, uid: int = -1, gid: int = -1) -> None:
    """A directory of root's through which an account, or everybody, can go. One that is there stays as it is.

    :raises HostError: it is not like that, or cannot be made.
    """
    if not os.path.isdir(path):
        make_directory(path, 0o755, 0, 0)
        return
    found = os.stat(path)
    if found.st_uid != 0 or found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != 0):
        raise HostError(
            f"{_as_it_is(path)}: others than root could change what root reads there. It was there before, and is left "
            f"as it is. If it is etcd's alone: chown root:root {path} && chmod 0755 {path}"
        )
    if not may_pass(path, uid, gid):
        raise HostError(
            f"{_as_it_is(path)}: etcd cannot get at what lies there. It was there before, and is left as it is. If "
            f"others may go through it: chmod o+x {path}"
        )


def may_write(path: str, uid: int, gid: int) -> bool:
    """May an account make and remove files in a directory?"""
    return _may(path, uid, gid, stat.S_IWOTH | stat.S_IXOTH)


def may_pass(path: str, uid: int, gid: int) -> bool:
    """May an account get at what lies in a directory?"""
    return _may(path, uid, gid, stat.S_IXOTH)


def _may(path: str, uid: int, gid: int, wanted: int) -> bool:
    """Has an account these rights, given as those of others? Root has no more in a sandbox."""
    found = os.stat(path)
    with contextlib.suppress(OSError):
        if _ACL in os.listxattr(path):
            # What it grants the kernel alone knows: it is left to etcd's own start.
            return True
    shift = 6 if uid == found.st_uid else 3 if found.st_gid in _groups(uid, gid) else 0
    return (found.st_mode >> shift) & wanted == wanted


def _groups(uid: int, gid: int) -> set[int]:
    with contextlib.suppress(KeyError):
        return {gid, *os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)}
    return {gid}


def _as_it_is(path: str) -> str:
    return f"{path} is {describe_owner(path)} with the mode {stat.S_IMODE(os.stat(path).st_mode):04o}"


def describe(path: str) -> dict[str, Any]:
    """What lies at a path: never its content, only its checksum.

    :returns: C(exists), C(sha256) (empty for anything but a file), C(mode) (four octal digits), C(owner), C(group),
        C(link) (a symbolic link's target, else empty).
    """
    target = os.readlink(path) if os.path.islink(path) else ""
    missing = {"exists": False, "sha256": "", "mode": "", "owner": "", "group": "", "link": target}
    try:
        found = os.stat(path)
        digest = ""
        if stat.S_ISREG(found.st_mode):
            with open(path, "rb") as stream:
                digest = hashlib.sha256(stream.read()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return missing
    return {
        "exists": True,
        "sha256": digest,
        "mode": format(stat.S_IMODE(found.st_mode), "04o"),
        "owner": _name(pwd.getpwuid, found.st_uid),
        "group": _name(grp.getgrgid, found.st_gid),
        "link": target,
    }


def describe_owner(path: str) -> str:
    """Whose a file or directory is, as C(user:group)."""
    found = os.stat(path)
    return f"{_name(pwd.getpwuid, found.st_uid)}:{_name(grp.getgrgid, found.st_gid)}"


def _name(lookup: Callable[[int], Any], number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


@contextlib.contextmanager
def locked(path: str, wait: float) -> Iterator[None]:
    """Hold a lock, in a directory of locks alone.

    :raises Refused: somebody else holds it for longer than C(wait) seconds.
    """
    # Whoever may open a lock may hold it: nobody but root gets into its directory.
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "a", encoding="ascii") as stream:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Refused(
                        f"Another process on this host has held {path} for {wait:.0f} seconds.",
                        "It is changing this member: two at once could undo each other.",
                        "Wait until it ends (a task of an interrupted run may still be at work), then run again.",
                        code="host-locked",
                    ) from None
                time.sleep(0.1)
        yield


def acting(layout: Layout) -> contextlib.AbstractContextManager[None]:
    """Hold the host's lock while changing this member: a module outlives a run that was killed.

    :raises Refused: somebody else holds it for longer than C(LOCK_WAIT) seconds.
    """
    return locked(f"{layout.run_dir}/lock", LOCK_WAIT)


def alone(layout: Layout, what: str) -> contextlib.AbstractContextManager[None]:
    """Hold a lock for something that changes nothing of this member, and that two at once would spoil.

    :param what: one word, the lock's name.
    :raises Refused: somebody else holds it for longer than C(LOCK_WAIT) seconds.
    """
    return locked(f"{layout.run_dir}/{what}.lock", LOCK_WAIT)


def read_marker(layout: Layout) -> Marker | None:
    """This host's marker, or None where there is none.

    :raises Refused: it is there but cannot be understood.
    """
    try:
        with open(layout.marker_file, encoding="utf-8") as stream:
            return markers.parse(stream.read())
    except FileNotFoundError:
        return None


def markers_beside(layout: Layout) -> dict[str, Marker]:
    """The markers of the other instances of this machine, as far as they can be read."""
    home, own = os.path.split(layout.state_dir)
    found = {}
    for name in set(os.listdir(home)) - {own} if os.path.isdir(home) else ():
        with contextlib.suppress(EtcdError, OSError):
            marker = read_marker(replace(layout, instance=name))
            if marker is not None:
                found[name] = marker
    return found


def write_marker(layout: Layout, expected: Marker | None, wanted: Marker) -> None:
    """Move the marker on, provided that it still is what the plan saw. The gate takes the same lock.

    :raises Refused: it changed meanwhile, or C(wanted) may not follow it.
    """
    with locked(f"{layout.run_dir}/marker.lock", LOCK_WAIT):
        found = read_marker(layout)
        if found != expected:
            raise Refused(
                f"The marker on this host says {found.state if found else 'nothing'!r} now, "
                f"not {expected.state if expected else 'nothing'!r} as when the plan was made.",
                "Somebody else changed this host meanwhile.",
                AGAIN,
                code="host-changed",
            )
        markers.check_follows(found.state if found else None, wanted.state)
        # Where the data lie is remembered with them: a directory that is changed later is not taken for lost data.
        if not wanted.data_dir:
            wanted = replace(wanted, data_dir=layout.data_dir, wal_dir=layout.wal_dir)
        write(layout.marker_file, markers.render(wanted).encode(), 0o600, 0, 0)


def resume_marker(layout: Layout, expected: Marker) -> None:
    """Take back what a restore or a recovery has written down, see C(Marker.suspended).

    :param expected: the marker as it was just read.
    :raises Refused: it changed meanwhile, or nothing is pending.
    """
    with locked(f"{layout.run_dir}/marker.lock", LOCK_WAIT):
        if read_marker(layout) != expected:
            raise Refused(
                "The marker on this host changed.", "Somebody else is at work on this host.", AGAIN, code="host-changed"
            )
        before = expected.resumed()
        if before is None:
            remove(layout.marker_file)
        else:
            write(layout.marker_file, markers.render(before).encode(), 0o600, 0, 0)


def rename(source: str, target: str) -> None:
    """Rename a directory, so that it stays renamed after a power cut.

    :raises HostError: it cannot be renamed.
    """
    try:
        os.rename(source, target)
        for directory in sorted({os.path.dirname(source), os.path.dirname(target)}):
            atomic.sync_directory(directory)
    except OSError as exc:
        raise HostError(f"{source} cannot be renamed to {target}: {exc.strerror}.") from exc


def read_record(layout: Layout, invocation: str) -> dict[str, str]:
    """Path -> SHA256 of what the running process read at its start, as the gate wrote it down; empty without a record.

    :param invocation: systemd's id of the start that made the process. The gate of a former release names none.
    """
    lines = read_text(f"{layout.run_dir}/started").splitlines()
    record = {path: digest for digest, _space, path in (line.partition("  ") for line in lines)}
    return record if record.pop(_INVOCATION, "") in ("", invocation) else {}


def _mount_points() -> set[str]:
    """As the host's mount table spells them, which the gate reads too."""
    return {line.split()[4] for line in read_text("/proc/1/mountinfo").splitlines()}


def machine_id() -> str:
    """The identity of this machine; empty where it is a new one at each boot, which is mounted over its file."""
    text = read_text(MACHINE_ID_FILE).strip()
    return "" if text == "uninitialized" or MACHINE_ID_FILE in _mount_points() else text


def mounts_under(layout: Layout) -> list[str]:
    r"""The mount points on which the data and the log of this member lie, without the root file system.

    As the host's mount table spells them (proc_pid_mountinfo(5): a blank is C(\040)). Each of etcd's directories may be
    a symbolic link to another disk.
    """
    table = _mount_points()
    found = []
    for path in (layout.data_dir, os.path.join(layout.data_dir, "member", "snap"), layout.log_dir):
        place = os.path.realpath(path).replace(" ", r"\040")
        while place not in table and place != "/":
            place = os.path.dirname(place)
        if place != "/" and place not in found:
            found.append(place)
    return found


def read_bytes(path: str) -> bytes:
    """A file's content.

    :raises HostError: it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as exc:
        raise HostError(f"{path} cannot be read: {exc.strerror}.") from exc


def read_text(path: str) -> str:
    """A file's text, empty where there is none or it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
