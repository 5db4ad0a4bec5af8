# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's directories inside a temporary one. What lies beside this file can be imported by every test below it."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout
from service_manager import ServiceManager


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


@pytest.fixture
def layout(tmp_path: Path) -> LayoutBelow:
    """An instance that this very user runs, all of it below the test's own directory."""
    root = str(tmp_path)
    for directory in ("etc/systemd/system", "usr/local/bin"):
        (tmp_path / directory).mkdir(parents=True)
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


@pytest.fixture
def service_manager() -> Iterator[ServiceManager]:
    manager = ServiceManager()
    yield manager
    manager.end()
