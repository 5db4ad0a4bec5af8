# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play of one's own may rescue the role. Ansible counts a host that failed in it among the others then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]

#: Of a kind that there is not: whoever gets to one fails.
STEP, ANOTHER = ({"kind": kind, "announce": "", "is_long": False} for kind in ("fly", "swim"))
PLAN = {"alive": ["a", "b"], "tasks": ["One", "Two"], "walked": 2, "waves": 2, "has_reports": False, "has_tasks": False}

#: What an observation tells, with which a later turn begins.
LOOKED = '"authorities": {'


def _walk(place: Path, *parts: dict[str, list[object]]) -> str:
    """What is said of such parts of a plan for the hosts a and b, one after the other in one play, each rescued."""
    walks = [
        _rescued(
            "walk",
            {
                "__etcd_plan": {**PLAN, "steps": f"{{{{ parts[{number}][inventory_hostname] }}}}"},
                "__etcd_own": {},
            },
        )
        for number in range(len(parts))
    ]
    return _said(place, walks, {"parts": list(parts)})


def _take_turns(place: Path, refusal: str) -> str:
    """What is said of two turns, that of the cluster of a, which is refused or not, and that of the cluster of b."""
    fleets = {"a": {"turn": 0, "earlier": []}, "b": {"turn": 1, "earlier": ["a"]}}
    refusals = {"a": refusal, "b": ""}
    plan = {"refusal": "{{ refusals[inventory_hostname] }}", "waves": 0, "alive": [], "speaker": "nobody"}
    turns = _rescued("turn", {"__etcd_plan": plan, "__etcd_fleet": "{{ fleets[inventory_hostname] }}"})
    (turn,) = turns["block"]
    turns["block"] = [{**turn, "vars": {**turn["vars"], "__etcd_turn": number}} for number in (0, 1)]
    return _said(place, [turns], {"fleets": fleets, "refusals": refusals})


def _rescued(part: str, variables: dict[str, object]) -> dict[str, list[dict[str, Any]]]:
    """A part of the role in a block of one's own."""
    role = {"name": "quorum.etcd.etcd", "tasks_from": part}
    return {"block": [{"include_role": role, "vars": variables}], "rescue": [{"debug": {"msg": "rescued"}}]}


def _said(place: Path, tasks: Sequence[object], variables: dict[str, object]) -> str:
    """What one play for the hosts a and b says."""
    play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}
    (place / "play.yml").write_text(json.dumps([play]))
    (place / "hosts").write_text("[etcd_cluster]\na ansible_connection=local\nb ansible_connection=local\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "play.yml", "-i", "hosts", "--forks", "1"],
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


def test_no_later_cluster_begins_once_an_earlier_one_has_failed(tmp_path: Path) -> None:
    said = _take_turns(tmp_path, "no change of this cluster")
    assert "no change of this cluster" in said
    assert LOOKED not in said


def test_a_later_cluster_begins_once_the_earlier_one_has_come_through(tmp_path: Path) -> None:
    assert LOOKED in _take_turns(tmp_path, "")
