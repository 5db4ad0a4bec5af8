# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags select the whole role or nothing of it, and nothing is never passed over in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

#: A look at this host would not succeed, and the run would say so.
INVENTORY = "[etcd_cluster]\n192.0.2.1 NODE_NAME=etcd-host0\n[etcd_proxy]\n192.0.2.2\n"
#: How a play of one's own may give the role a tag.
PLAYS = {
    "the role": {"roles": [{"role": "quorum.etcd.etcd", "tags": ["mine"]}]},
    "the play": {"roles": ["quorum.etcd.etcd"], "tags": "mine"},
    "the import": {"tasks": [{"import_role": {"name": "quorum.etcd.etcd"}, "tags": ["mine"]}]},
    "what is included": {
        "tasks": [{"include_role": {"name": "quorum.etcd.etcd", "apply": {"tags": ["mine"]}}, "tags": ["mine"]}]
    },
    "the include alone": {"tasks": [{"include_role": {"name": "quorum.etcd.etcd"}, "tags": ["mine"]}]},
    "nothing": {"roles": ["quorum.etcd.etcd"]},
    "always": {"roles": [{"role": "quorum.etcd.etcd", "tags": ["always"]}]},
}
LOOKED = "quorum.etcd.etcd : Observe"


def play(place: Path, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (place / "hosts").write_text(INVENTORY)
    return subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", playbook, "-i", "hosts", *arguments],
        cwd=place,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
            "ANSIBLE_TIMEOUT": "3",
            "COLUMNS": "2000",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def play_with(place: Path, tagged: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (place / "play.yml").write_text(json.dumps([{"hosts": "etcd_cluster", "gather_facts": False, **PLAYS[tagged]}]))
    return play(place, "play.yml", *arguments)


# The playground has no role: its tasks are done whichever tags are selected.
PLAYBOOKS = sorted({path.stem for path in (REPOSITORY / "playbooks").glob("[!_]*.yml")} - {"local"})


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_of_which_tags_select_nothing_says_so(tmp_path: Path, playbook: str) -> None:
    done = play(tmp_path, f"quorum.etcd.{playbook}", "--tags", "anything")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    role = "quorum.etcd.etcd_proxy" if playbook == "proxy" else "quorum.etcd.etcd"
    assert f"[WARNING]: {role}: --tags anything selects nothing of this role" in said
    assert "UNREACHABLE" not in said


@pytest.mark.parametrize(
    "tagged, arguments",
    [
        ("the role", ("--tags", "other")),
        ("the include alone", ("--tags", "mine")),
        ("nothing", ("--skip-tags", "other,untagged")),
    ],
)
def test_a_role_of_which_tags_select_nothing_says_so(tmp_path: Path, tagged: str, arguments: tuple[str, str]) -> None:
    done = play_with(tmp_path, tagged, *arguments)
    said = done.stdout + done.stderr
    assert f"quorum.etcd.etcd: {' '.join(arguments)} selects nothing of this role" in said
    assert LOOKED not in said


@pytest.mark.parametrize(
    "tagged, arguments",
    [
        ("the role", ("--tags", "mine")),
        ("the play", ("--tags", "mine")),
        ("the import", ("--tags", "mine,other")),
        ("what is included", ("--tags", "mine")),
        ("always", ("--tags", "other")),
        ("nothing", ("--tags", "untagged")),
        ("nothing", ("--skip-tags", "other")),
    ],
)
def test_a_role_that_tags_select_runs_as_a_whole(tmp_path: Path, tagged: str, arguments: tuple[str, str]) -> None:
    done = play_with(tmp_path, tagged, *arguments)
    said = done.stdout + done.stderr
    assert LOOKED in said
    assert "selects nothing" not in said
    assert done.returncode != 0, "nobody answers there"
