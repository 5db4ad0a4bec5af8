# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page on automation shows is what runs."""

from __future__ import annotations

import re
from pathlib import Path

from cluster import REPOSITORY, own_address
from machine import Machine


def test_a_rescue_reads_why_a_plan_was_refused(machine: Machine, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "automation.md").read_text()
    (play,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "rescue:" in block]
    own = tmp_path / "own.yml"
    own.write_text(play)
    machine.unit("etcd.service", FragmentPath="/usr/lib/systemd/system/etcd.service")
    run = machine.own_playbook(own, {"etcd_address": own_address(), "etcd_tls": False})
    assert '"msg": "foreign-unit: ' in run.stdout
    assert run.stdout.count("refused, nothing was touched") >= 2, run.stdout
    assert run.returncode == 2
