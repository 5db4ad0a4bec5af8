# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A variable of the wrong kind is refused on the controller, whichever playbook reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

#: A connection to this address would not come about, and the run would say so.
INVENTORY = "[etcd_cluster]\n192.0.2.1 NODE_NAME=etcd-host0\n[etcd_proxy]\n192.0.2.2\n"
WRONG = {
    "etcd": ("etcd_member_state", "gone"),
    "access": ("etcd_auth", "perhaps"),
    "destroy": ("etcd_start_timeout", "soon"),
    "downgrade": ("etcd_downgrade_cancel", "perhaps"),
    "drain": ("etcd_maintenance_timeout", "soon"),
    "drill": ("etcd_allow_missing_hash", "perhaps"),
    "fetch": ("etcd_install_method", "floppy"),
    "maintenance": ("etcd_maintenance_timeout", "soon"),
    "migrate_v2": ("etcd_start_timeout", "soon"),
    "offsite": ("etcd_s3_encryption", "mine"),
    "proxy": ("etcd_proxy_start_timeout", "soon"),
    "reclaim": ("etcd_reclaim_keep_revisions", "many"),
    "recover": ("etcd_quorum_lost", "perhaps"),
    "restore": ("etcd_allow_missing_hash", "perhaps"),
    "snapshot": ("etcd_start_timeout", "soon"),
    "undrain": ("etcd_maintenance_timeout", "soon"),
}


def test_every_playbook_is_tried() -> None:
    # The playground has no role, and its module says what it takes.
    assert {*WRONG, "local"} == {path.stem for path in (REPOSITORY / "playbooks").glob("[!_]*.yml")}


def run(tmp_path: Path, playbook: str, name: str, value: str) -> tuple[int, str]:
    """The exit status of a playbook that is given a variable, and what it said."""
    (tmp_path / "hosts").write_text(INVENTORY)
    done = subprocess.run(
        [
            *[Path(sys.executable).parent / "ansible-playbook", f"quorum.etcd.{playbook}", "-i", "hosts"],
            *["-e", f"{name}={value}"],
        ],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"), "ANSIBLE_TIMEOUT": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("playbook", WRONG)
def test_a_wrong_value_is_refused_before_a_host_is_reached(tmp_path: Path, playbook: str) -> None:
    name, value = WRONG[playbook]
    code, said = run(tmp_path, playbook, name, value)
    assert code == 2, said
    assert name in said
    assert value in said
    assert "Validation of arguments failed" in said
    assert "UNREACHABLE" not in said


@pytest.mark.parametrize("playbook", ["downgrade", "drill", "etcd", "fetch", "offsite", "reclaim", "snapshot"])
def test_a_misspelt_variable_is_refused_where_no_confirmation_comes_first(tmp_path: Path, playbook: str) -> None:
    code, said = run(tmp_path, playbook, "etcd_snpashot_dir", "/backup")
    assert code == 2, said
    assert "etcd_snpashot_dir is no variable of quorum.etcd" in said
    assert "Did you mean etcd_snapshot_dir?" in said
    assert "UNREACHABLE" not in said
