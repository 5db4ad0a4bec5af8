# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play of one's own may rescue the role. Ansible counts a host that failed in it among the others then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

#: Of a kind that there is not: whoever gets to one fails.
STEP, ANOTHER = ({"kind": kind, "announce": "", "is_long": False} for kind in ("fly", "swim"))
PLAN = {"alive": ["a", "b"], "tasks": ["One", "Two"], "walked": 2, "waves": 2, "has_reports": False, "has_tasks": False}


def _walk(place: Path, *parts: dict[str, list[object]]) -> str:
    """What is said of such parts of a plan for the hosts a and b, one after the other in one play, each rescued."""
    walks = [
        {
            "block": [
                {
                    "include_role": {"name": "quorum.etcd.etcd", "tasks_from": "walk"},
                    "vars": {"__etcd_plan": f"{{{{ plan{number} }}}}", "__etcd_own": {}},
                }
            ],
            "rescue": [{"debug": {"msg": "rescued"}}],
        }
        for number in range(len(parts))
    ]
    hosts = {
        host: {
            "ansible_connection": "local",
            **{f"plan{number}": {**PLAN, "steps": part[host]} for number, part in enumerate(parts)},
        }
        for host in ("a", "b")
    }
    (place / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": walks}]))
    (place / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "play.yml", "-i", "hosts.json", "--forks", "1"],
        cwd=place,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_nobody_goes_on_once_one_has_failed(tmp_path: Path) -> None:
    said = _walk(tmp_path, {"a": [STEP, None], "b": [None, ANOTHER]})
    assert "fly" in said
    assert "stopped, because a failed" in said
    assert "swim" not in said


def test_a_second_call_begins_anew(tmp_path: Path) -> None:
    said = _walk(tmp_path, {"a": [STEP, None], "b": [None, None]}, {"a": [None, None], "b": [ANOTHER, None]})
    assert "stopped, because a failed" in said
    assert "swim" in said
    assert "stopped, because b failed" in said
