# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The system account that etcd runs as. One that exists is respected."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


def missing(layout: Layout) -> list[list[str]]:
    """The commands that would make what is not there yet, the group first."""
    commands = []
    try:
        grp.getgrnam(layout.group)
    except KeyError:
        commands.append(["groupadd", "--system", layout.group])
    try:
        pwd.getpwnam(layout.user)
    except KeyError:
        commands.append(
            [
                "useradd",
                "--system",
                "--no-create-home",
                "--home-dir",
                layout.data_dir,
                "--shell",
                "/usr/sbin/nologin",
                "--gid",
                layout.group,
                layout.user,
            ]
        )
    return commands


def make(run: Run, commands: Sequence[Sequence[str]]) -> None:
    """Run them.

    :raises HostError: one failed, with its own words.
    """
    for command in commands:
        succeed(run, command, "Make the account yourself, then run again.")
