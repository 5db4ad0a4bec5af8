# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module reports in one way, whatever version of ansible-core runs it."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager

import pytest
from ansible.module_utils import basic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._module import run as frame

SPEC = {"state": {"type": "str", "choices": ["checked", "saved"], "default": "saved"}}
REFUSAL = Refused("Two voters are down.", "A third one takes the quorum.", "Start them first.", code="quorum-at-risk")


@contextmanager
def arguments(**given):
    """The options of a module, as each version of ansible-core hands them over."""
    try:
        from ansible.module_utils.testing import patch_module_args  # noqa: PLC0415
    except ImportError:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
            yield
    else:
        with patch_module_args(given):
            yield


@pytest.fixture(autouse=True)
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGPIPE)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def result_of(capsys, act, *, reads=False, **given):
    with arguments(**given), pytest.raises(SystemExit):
        frame.run(SPEC, act, reads=reads)
    return json.loads(capsys.readouterr().out)


def refuse(_module):
    raise REFUSAL


def test_what_an_act_returns_is_the_result(capsys):
    result = result_of(capsys, lambda module: {"changed": True, "was": module.params["state"]})
    assert (result["changed"], result["was"]) == (True, "saved")


def test_an_error_is_reported_in_its_own_words(capsys):
    result = result_of(capsys, refuse)
    assert result["failed"]
    assert result["msg"] == str(REFUSAL)


def test_a_refusal_is_told_to_programs_as_well(capsys):
    told = {
        "code": "quorum-at-risk",
        "found": "Two voters are down.",
        "why": "A third one takes the quorum.",
        "safe": "Start them first.",
    }
    assert result_of(capsys, refuse)["refusals"] == [told]


def test_a_note_becomes_a_warning(capsys, monkeypatch):
    warnings = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    result = result_of(capsys, lambda _module: {"changed": False, "notes": ["a clock is behind"]})
    assert warnings == ["a clock is behind"]
    assert "notes" not in result


@pytest.mark.parametrize(
    "reads, state, ignored",
    [(False, "saved", True), (True, "saved", False), (("checked",), "checked", False), (("checked",), "saved", True)],
)
def test_only_what_changes_something_outlives_its_connection(capsys, reads, state, ignored):
    def act(_module):
        return {"changed": False, "ignored": signal.getsignal(signal.SIGHUP) is signal.SIG_IGN}

    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert result_of(capsys, act, reads=reads, state=state)["ignored"] is ignored
