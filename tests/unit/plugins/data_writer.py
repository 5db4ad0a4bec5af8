# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that has a member's data open, as an etcd has that was left behind by what ran it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def having_open(path: str, how: str = ">>") -> Iterator[subprocess.Popen[str]]:
    """Have a file open in a process that is told to end by a signal.

    :param how: as a shell writes it, C(<) for reading.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()
    command = ["/bin/sh", "-c", f'exec 3{how}"$1"; echo open; exec sleep 600', "sh", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
