# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a member has said since one start of it, in the journal and in its own log file.

With C(etcd_log_file) etcd writes to that file alone: the journal then has only what systemd and the gate say.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

# Bytes of the log file: the last words of several tries, at the level debug too.
_END = 1 << 20


@dataclass(frozen=True)
class Mark:
    """Where both logs ended before a start.

    :param cursor: of the journal, see C(Systemd.journal_end).
    :param size: of the log file in bytes.
    """

    cursor: str
    size: int


def mark(systemd: Systemd, layout: Layout) -> Mark:
    """Return where both logs end now."""
    size = 0
    if layout.log_file:
        with contextlib.suppress(OSError):
            size = os.lstat(layout.log_file).st_size
    return Mark(systemd.journal_end(layout.unit), size)


def since(systemd: Systemd, layout: Layout, begun: Mark) -> str:
    """Return what was written to both since then; of the log file only its end."""
    said = systemd.journal_since(layout.unit, begun.cursor)
    if not layout.log_file:
        return said
    return f"{said.rstrip()}\n{_end_of(layout.log_file, begun.size)}"


def _end_of(path: str, start: int) -> str:
    # The directory is etcd's account's own: what is no plain file is not opened.
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(number, "rb") as stream:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                return ""
            # A smaller one is another file: etcd has rotated it.
            begin = start if start <= found.st_size else 0
            stream.seek(max(begin, found.st_size - _END))
            return stream.read(_END).decode(errors="replace")
    return ""
