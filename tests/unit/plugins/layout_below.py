# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A layout whose places lie below a directory of a test's own."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


@dataclass(frozen=True)
class LayoutBelow(Layout):
    """A layout whose fixed places lie below a directory too."""

    root: str = ""

    @property
    def unit_file(self) -> str:
        return f"{self.root}{super().unit_file}"

    @property
    def state_dir(self) -> str:
        return f"{self.root}{super().state_dir}"

    @property
    def run_dir(self) -> str:
        return f"{self.root}{super().run_dir}"

    @property
    def gate_file(self) -> str:
        return f"{self.root}{super().gate_file}"


def layout_below(directory: Path) -> LayoutBelow:
    """An instance that this very user runs, all of it below a directory."""
    for place in ("etc/systemd/system", "usr/local/bin"):
        (directory / place).mkdir(parents=True)
    root = str(directory)
    return LayoutBelow(
        instance="etcd",
        user=pwd.getpwuid(os.geteuid()).pw_name,
        group=grp.getgrgid(os.getegid()).gr_name,
        conf_dir=f"{root}/etc/etcd",
        data_dir=f"{root}/var/lib/etcd",
        wal_dir="",
        log_file="",
        install_dir=f"{root}/opt/etcd",
        bin_dir=f"{root}/usr/local/bin",
        root=root,
    )
