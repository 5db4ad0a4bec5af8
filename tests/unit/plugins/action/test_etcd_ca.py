# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.quorum.etcd.plugins.action.etcd_ca import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from pki_task import run


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, t.Any]:
    return {"pki_dir": str(tmp_path / "pki"), "name": "prod", "passphrase": "sesame"}


def test_two_cas_are_made_once(arguments: dict[str, t.Any]) -> None:
    first, second = run(ActionModule, **arguments), run(ActionModule, **arguments)
    assert (first["changed"], second["changed"]) == (True, False)
    assert set(first["authorities"]) == {"client", "peer"}
    for which, seen in first["authorities"].items():
        assert seen["created"]
        assert seen["subject"] == f"CN=etcd prod {which} CA"
        assert seen["is_ca"]
        assert engine.fingerprints(seen["pem"].encode()) == {seen["fingerprint_sha256"]}
        assert Path(seen["path"]).read_text() == seen["pem"]
        assert Path(seen["privatekey_path"]).exists()
        assert second["authorities"][which]["fingerprint_sha256"] == seen["fingerprint_sha256"]


def test_check_mode_predicts_and_makes_nothing(arguments: dict[str, t.Any]) -> None:
    predicted = run(ActionModule, check=True, **arguments)
    assert predicted["changed"]
    assert not Path(arguments["pki_dir"]).exists()
    made = run(ActionModule, **arguments)
    for which, seen in predicted["authorities"].items():
        assert seen["pem"] is seen["fingerprint_sha256"] is seen["serial_number"] is None
        assert set(seen) == set(made["authorities"][which])
        assert seen["subject"] == made["authorities"][which]["subject"]
    assert not run(ActionModule, check=True, **arguments)["changed"]


def test_the_difference_names_what_was_made(arguments: dict[str, t.Any]) -> None:
    made, again = run(ActionModule, **arguments), run(ActionModule, **arguments)
    assert made["diff"]["before"] == {}
    assert set(made["diff"]["after"]) == {f"{arguments['pki_dir']}/{which}-ca.pem" for which in ("client", "peer")}
    assert again["diff"]["before"] == again["diff"]["after"] == made["diff"]["after"]


def test_no_key_and_no_passphrase_is_in_a_result(arguments: dict[str, t.Any]) -> None:
    for result in (run(ActionModule, **arguments), run(ActionModule, **arguments)):
        assert "PRIVATE" not in str(result)
        assert "sesame" not in str(result)


def test_key_type_size_and_days_are_those_asked_for(arguments: dict[str, t.Any]) -> None:
    seen = run(ActionModule, **arguments, key_type="rsa", key_size=2048, days=400)["authorities"]["peer"]
    assert (seen["key_type"], seen["key_size"]) == ("rsa", 2048)
    assert seen["days_left"] in (399, 400)


def test_a_ca_that_soon_expires_is_announced(arguments: dict[str, t.Any], capsys: pytest.CaptureFixture[str]) -> None:
    run(ActionModule, **arguments, days=100)
    run(ActionModule, **arguments, days=100)
    assert "plan to replace this CA" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"passphrase": "wrong"}, "The passphrase does not open the private key"),
        ({"passphrase": None}, "The private key is encrypted, and no passphrase was given"),
    ],
)
def test_what_is_refused_says_why(arguments: dict[str, t.Any], change: dict[str, t.Any], said: str) -> None:
    run(ActionModule, **arguments)
    result = run(ActionModule, **{**arguments, **change})
    assert result["failed"]
    assert said in result["msg"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a" * 60}, "a certificate holds 64"),
        ({"days": 0}, "Use 1 or more"),
        ({"key_size": 2048}, "Use one of 256, 384, 521"),
        ({"passphrase": ""}, "The passphrase is empty"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_bad_options_make_no_ca(arguments: dict[str, t.Any], change: dict[str, t.Any], said: str, check: bool) -> None:
    result = run(ActionModule, check=check, **{**arguments, **change})
    assert result["failed"]
    assert said in result["msg"]
    assert not list(Path(arguments["pki_dir"]).glob("*.pem"))


def test_unknown_options_are_refused(arguments: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleActionFail, match="Unsupported parameters"):
        run(ActionModule, **arguments, path="pki")
