# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A file that only root may read, for the user with whom Ansible is connected."""

from __future__ import annotations

import contextlib
import os
import shutil
import time

from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError

# Seconds after which no run uses a copy any more.
_FORGOTTEN = 86400
# How Ansible names the directories that it makes for one task, beside each other, and leaves behind when it is killed.
_TASK_DIRECTORY = "ansible-tmp-"


def make_readable(path: str, to: str) -> str:
    """Copy a file to where only the owner of a directory can read it. Remove the copies that killed runs have left.

    :param to: a path in that directory.
    :returns: where it is to be read: where it lies, for root.
    :raises HostError: there is no room, or no such directory.
    """
    try:
        owner = os.stat(os.path.dirname(to))
        remove_forgotten(to)
        if owner.st_uid == 0:
            return path
        _check_room(path, to)
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as there, open(path, "rb") as here:
            shutil.copyfileobj(here, there, 1 << 20)
            os.fchown(there.fileno(), owner.st_uid, owner.st_gid)
    except OSError as exc:
        raise HostError(f"{path} cannot be copied to {to}: {exc.strerror}.") from exc
    return to


def _check_room(path: str, to: str) -> None:
    size = os.stat(path).st_size
    # A home is often on the file system of a member.
    left = disk_space.beside_member(size)
    free, needed = disk_space.free(to), size + left
    if free < needed:
        raise HostError(
            f"{os.path.dirname(to)} has {free >> 20} MiB free, and a copy of {path} needs {-(-needed >> 20)} MiB, "
            f"of which {left >> 20} MiB stay free. Make room, set ansible_remote_tmp to a directory on another file "
            "system, or connect as root."
        )


def remove_forgotten(to: str) -> None:
    """Remove copies that killed runs have left: files of the same name in the directories of their tasks.

    :param to: a path in the directory of this task.
    :raises OSError: it is not there.
    """
    directory, name = os.path.split(to)
    parent, owner = os.path.dirname(directory), os.stat(directory).st_uid
    for one in os.listdir(parent):
        if one.startswith(_TASK_DIRECTORY) and one != os.path.basename(directory):
            with contextlib.suppress(OSError):
                # A link would lead to files that are not ours.
                _remove_old(os.path.join(parent, one), name, owner)


def _remove_old(directory: str, name: str, owner: int) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        written = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mtime
        if os.fstat(descriptor).st_uid == owner and time.time() - written > _FORGOTTEN:
            os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
