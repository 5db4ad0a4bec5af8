# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CAs that come as vaulted variables: the documentation's commands make them, and a run needs nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from machine import LINKS, REPOSITORY, Machine
from test_controller_modules import inventory, untouched

COMMANDS = re.search(r"```sh\n(ansible localhost .*?)```", (REPOSITORY / "docs/certificates.md").read_text(), re.DOTALL)


@pytest.fixture
def password(machine: Machine, tmp_path: Path) -> Path:
    """What an operator does once, beside the inventory; then only the vault is left."""
    (machine.directory / "group_vars").mkdir()
    (machine.directory / "group_vars" / "etcd_cluster.yml").write_text("---\netcd_version: 3.5.33\n")
    password = tmp_path / "vault-password"
    password.write_text("open-sesame")
    programs = str(Path(sys.executable).parent)
    assert COMMANDS is not None
    done = subprocess.run(
        ["sh", "-euc", COMMANDS[1]],
        cwd=machine.directory,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
            "ANSIBLE_COLLECTIONS_PATH": str(LINKS),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(tmp_path / "etcd-pki")
    return password


def variables(machine: Machine) -> dict[str, Any]:
    """Nothing says that the directory is kept, and nothing has to."""
    return inventory(machine, etcd_confirm=[])


def test_the_documented_commands_make_what_a_run_needs(machine: Machine, password: Path) -> None:
    run = machine.playbook(
        "etcd", variables(machine), "--check", "-vvvvv", "--diff", f"--vault-password-file={password}"
    )
    assert run.returncode == 0, run.stdout
    assert "found one with etcd 3.5.33, TLS" in run.stdout
    assert "CA in" not in run.stdout
    assert "PRIVATE KEY" not in run.stdout + run.stderr
    assert untouched(machine)


def test_half_of_them_is_refused_and_shown_nowhere(machine: Machine, password: Path) -> None:
    vault = machine.directory / "group_vars" / "etcd_cluster.yml"
    texts = re.split(r"(?m)^(?=etcd_pki_)", vault.read_text())
    assert len(texts) == 5
    vault.write_text("".join(texts[:-1]))
    run = machine.playbook("etcd", variables(machine), "-vvvvv", f"--vault-password-file={password}")
    assert run.returncode == 2
    assert "are given, and etcd_pki_peer_ca_key is not." in run.stdout
    assert "PRIVATE KEY" not in run.stdout + run.stderr
    assert untouched(machine)
