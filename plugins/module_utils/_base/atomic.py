# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A file is replaced whole or not at all, and is on the disk when that is said."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Temporary name, fsync, rename, fsync of the directory. Two writers of one path must hold a lock of theirs.

    :param mode: permission bits, set before the content is there.
    :param owner: user and group numbers; None for those of this process.
    :raises OSError: it cannot be written; the old file is untouched.
    """
    directory, name = os.path.split(path)
    # The name is always the same, so that a writer that was killed leaves at most one file, and the next takes it.
    beside = os.path.join(directory, f".{name}.new")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    sync_directory(directory or os.curdir)


def sync_directory(path: str) -> None:
    """Make the names in a directory outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
