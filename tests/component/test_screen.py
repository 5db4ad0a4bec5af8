# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads of a run, with the screen quorum.etcd.steps.

Each situation has its file in C(screens). C(SCREENS=write) writes them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from cluster import own_address
from machine import Machine

SCREENS = Path(__file__).with_name("screens")
STEPS = "quorum.etcd.steps"
#: Of a run that is refused a person reads so many lines at most.
REFUSAL = 20

Situation = tuple[str, dict[str, Any], tuple[str, ...]]

SITUATIONS: dict[str, Situation] = {
    "plan_of_a_new_cluster": ("etcd", {}, ("--check",)),
    "settings_that_are_wrong": ("etcd", {"etcd_settings": {"log-lvl": 1, "quota": "x"}}, ()),
    "variable_that_is_misspelt": ("etcd", {"etcd_verison": "3.6.14"}, ()),
    "version_that_there_is_not": ("etcd", {"etcd_version": "3.9.1"}, ()),
    "destroy_without_its_confirmation": ("destroy", {}, ()),
    "restore_without_its_confirmation": ("restore", {}, ()),
    "restore_without_a_snapshot": ("restore", {"etcd_confirm_cluster": "etcd_cluster"}, ()),
    "recover_of_a_bare_host": ("recover", {"etcd_confirm_cluster": "etcd_cluster"}, ()),
    "drill_without_a_snapshot": ("drill", {}, ()),
    "group_that_is_empty": ("etcd", {}, ("-e", "etcd_group=nobody")),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_person_reads_what_there_is_to_know(machine: Machine, name: str) -> None:
    playbook, variables, options = SITUATIONS[name]
    given = {"etcd_address": own_address(), "etcd_tls": False, **variables}
    run = machine.playbook(playbook, given, *options, screen=STEPS)
    screen = constant(machine, run.stdout + run.stderr)
    file = SCREENS / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        file.write_text(screen, encoding="utf-8")
    assert screen == file.read_text(encoding="utf-8")
    assert run.returncode == 0 or len(screen.splitlines()) <= REFUSAL


def test_more_words_bring_everything_back(machine: Machine) -> None:
    run = machine.playbook("destroy", {}, "-v", screen=STEPS)
    assert "ok: [localhost]" in run.stdout
    assert "fatal: [localhost]: FAILED! => {" in run.stdout


def constant(machine: Machine, screen: str) -> str:
    """A screen without what differs from run to run and from machine to machine."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", screen).replace(str(machine.directory), "DIRECTORY")
    text = re.sub(r"(?<=etcd )3\.\d+\.\d+", "VERSION", text).replace(own_address(), "ADDRESS")
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
