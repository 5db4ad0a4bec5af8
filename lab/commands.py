# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of this machine: run, and turned into an error that names the command when they fail."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class LabError(Exception):
    """The lab could not do what was asked. Its text says what was found and what to do."""


def output(
    command: Sequence[str],
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    timeout: float | None = None,
) -> str:
    """What a command prints.

    :param environment: variables set in addition to our own.
    :param timeout: seconds.
    :raises LabError: the command is missing, fails, or takes longer than its timeout.
    """
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed: run `python3 -m lab deps`.") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(command)}` did not end within {timeout:g} seconds.") from None
    if done.returncode:
        words = done.stderr.strip() or done.stdout.strip()
        raise LabError(f"`{' '.join(command)}` failed ({done.returncode}): {words}")
    return done.stdout


def succeeds(command: Sequence[str], timeout: float | None = None) -> bool:
    """Whether a command ends with 0."""
    try:
        output(command, timeout=timeout)
    except LabError:
        return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, so that two runs of the lab wait for each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
