# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A refusal says what was found, why it is dangerous and what is safe: to a person and to a program."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    HostError,
    Problem,
    Refused,
    TransportError,
    explained,
)
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings

DOWN = Refused("Two voters are down", "A third one takes the quorum.", "Start them first.", code="quorum-at-risk")
PORT = Refused("Port 2379 is taken.", "", "Stop the process.", code="port-taken")


def found(*errors: Exception) -> Exception:
    """The one error that several end in."""
    findings = Findings()
    findings.refuse(errors)
    with pytest.raises(type(errors[0])) as raised:
        findings.end()
    return raised.value


def test_a_person_reads_its_parts_on_lines_of_their_own():
    assert explained(DOWN.problems).splitlines() == [
        "Two voters are down.",
        "  why   A third one takes the quorum.",
        "  safe  Start them first.",
        "  see   docs/refusals.md#quorum-at-risk",
    ]


def test_a_problem_that_is_one_sentence_is_one_line():
    assert explained(BadInput("etcd_port is no port").problems) == "etcd_port is no port"


def test_several_keep_their_codes():
    assert [told["code"] for told in found(DOWN, PORT).refusals] == ["quorum-at-risk", "port-taken"]


def test_input_has_a_code_beside_refusals_of_another_kind():
    assert [told["code"] for told in found(DOWN, BadInput("a", "b")).refusals] == [
        "quorum-at-risk",
        "bad-input",
        "bad-input",
    ]


def test_a_program_reads_its_parts():
    assert DOWN.refusals == [
        {
            "found": "Two voters are down",
            "why": "A third one takes the quorum.",
            "safe": "Start them first.",
            "code": "quorum-at-risk",
        }
    ]


@pytest.mark.parametrize("error", [HostError("No unit."), TransportError("https://10.0.0.1:2379", "refused")])
def test_what_failed_without_being_refused_has_none(error):
    assert error.refusals == []
    assert error.failure == {"msg": str(error)}


def test_the_code_is_no_part_of_the_text():
    assert Problem("Found.", "Why.", "Safe.", "code").text == "Found. Why. Safe."
