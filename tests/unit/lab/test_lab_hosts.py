# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from lab.engine import Engine
from lab.hosts import down
from lab.state import load

ENGINE = Engine("podman", rootless=False, hybrid=False, apparmor=False)

# After a machine lost its power podman 4 says "running" of containers whose processes are gone, and kills none of them.
AFTER_A_POWER_LOSS = """#!/bin/sh
echo "$1" >> "$(dirname "$0")/asked"
case "$1" in
  ps) echo 1234 ;;
  inspect) echo "quorum-lost-etcd-host0 running" ;;
  kill) echo "Error: container state improper: stopped" >&2; exit 125 ;;
esac
"""


def test_a_container_whose_process_is_gone_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "podman"
    podman.write_text(AFTER_A_POWER_LOSS, encoding="utf-8")
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    down(ENGINE, load("lost"))
    assert "rm" in (tmp_path / "asked").read_text(encoding="utf-8").split()
