# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.quorum.etcd.plugins.action import etcd_ca
from ansible_collections.quorum.etcd.plugins.action.etcd_certificate import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from pki_task import run

Arguments = dict[str, t.Any]


@pytest.fixture
def arguments(tmp_path: Path) -> Arguments:
    pki = {"pki_dir": str(tmp_path / "pki"), "passphrase": "sesame"}
    run(etcd_ca.ActionModule, name="prod", **pki)
    return {
        **pki,
        "profile": "client",
        "common_name": "billing",
        "path": str(tmp_path / "billing.pem"),
        "privatekey_path": str(tmp_path / "billing-key.pem"),
        "ca_path": str(tmp_path / "ca.pem"),
    }


def contents(arguments: Arguments) -> dict[str, bytes]:
    paths = {option: Path(arguments[option]) for option in ("path", "privatekey_path", "ca_path")}
    return {option: path.read_bytes() for option, path in paths.items() if path.exists()}


def test_a_certificate_is_issued_once(arguments: Arguments) -> None:
    first = run(ActionModule, **arguments)
    written = contents(arguments)
    second = run(ActionModule, **arguments)
    assert first["changed"]
    assert first["reasons"] == ["there is none yet"]
    assert first["written"] == [arguments["ca_path"], arguments["privatekey_path"], arguments["path"]]
    assert first["certificate"]["subject"] == "CN=billing"
    assert (second["changed"], second["reasons"], second["written"]) == (False, [], [])
    assert second["certificate"] == first["certificate"]
    assert contents(arguments) == written
    assert engine.pair_matches(written["path"], written["privatekey_path"])
    assert engine.is_key_of(engine.load_key(written["privatekey_path"]), written["path"])


def test_nobody_else_reads_the_private_key(arguments: Arguments) -> None:
    run(ActionModule, **arguments)
    assert stat.S_IMODE(Path(arguments["privatekey_path"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(arguments["path"]).stat().st_mode) == 0o644


def test_check_mode_predicts_and_writes_nothing(arguments: Arguments) -> None:
    predicted = run(ActionModule, check=True, **arguments)
    assert contents(arguments) == {}
    issued = run(ActionModule, **arguments)
    assert {key: predicted[key] for key in ("changed", "reasons", "written")} == {
        key: issued[key] for key in ("changed", "reasons", "written")
    }
    assert predicted["certificate"]["serial_number"] is predicted["certificate"]["fingerprint_sha256"] is None
    assert set(predicted["certificate"]) == set(issued["certificate"])
    assert not run(ActionModule, check=True, **arguments)["changed"]


def test_check_mode_goes_on_where_the_ca_would_have_been_made_before(arguments: Arguments, tmp_path: Path) -> None:
    arguments["pki_dir"] = str(tmp_path / "not yet")
    assert run(ActionModule, check=True, **arguments)["changed"]
    assert run(ActionModule, **arguments)["failed"]
    assert not (tmp_path / "not yet").exists()


@pytest.mark.parametrize(("profile", "which"), [("server", "client"), ("client", "client"), ("peer", "peer")])
def test_each_profile_is_signed_by_its_ca(arguments: Arguments, profile: str, which: str) -> None:
    arguments["profile"] = profile
    if profile != "client":
        del arguments["common_name"]
    assert run(ActionModule, **arguments)["certificate"]["issuer"] == f"CN=etcd prod {which} CA"


def test_a_new_name_renews_and_keeps_the_key(arguments: Arguments) -> None:
    run(ActionModule, **arguments)
    before = contents(arguments)
    result = run(ActionModule, **arguments, subject_alt_names=["billing.example.org", "10.0.0.9"])
    assert result["reasons"] == ["it does not name billing.example.org", "it does not name 10.0.0.9"]
    assert result["written"] == [arguments["path"]]
    assert contents(arguments)["privatekey_path"] == before["privatekey_path"]
    assert result["diff"]["before"]["dns_names"] == []
    assert result["diff"]["after"]["dns_names"] == ["billing.example.org"]


def test_an_expiry_that_is_near_renews(arguments: Arguments) -> None:
    run(ActionModule, **arguments, days=40)
    assert not run(ActionModule, **arguments, days=40)["changed"]
    result = run(ActionModule, **arguments, renew_before_days=41)
    assert result["changed"]
    assert "within 41 days" in result["reasons"][0]
    assert not run(ActionModule, **arguments, renew_before_days=41)["changed"]


def test_force_makes_a_new_pair(arguments: Arguments) -> None:
    run(ActionModule, **arguments)
    before = contents(arguments)
    result = run(ActionModule, **arguments, force=True)
    after = contents(arguments)
    assert result["reasons"] == ["it was asked for"]
    assert after["privatekey_path"] != before["privatekey_path"]
    assert engine.pair_matches(after["path"], after["privatekey_path"])
    assert after["ca_path"] == before["ca_path"]


@pytest.mark.parametrize(
    ("lost", "reason", "written"),
    [
        ("path", ["there is none yet"], ["path"]),
        ("privatekey_path", ["its private key is missing"], ["privatekey_path", "path"]),
        ("ca_path", [], ["ca_path"]),
    ],
)
def test_a_lost_file_is_put_back(arguments: Arguments, lost: str, reason: list[str], written: list[str]) -> None:
    run(ActionModule, **arguments)
    Path(arguments[lost]).unlink()
    result = run(ActionModule, **arguments)
    assert result["reasons"] == reason
    assert result["written"] == [arguments[option] for option in written]
    after = contents(arguments)
    assert engine.pair_matches(after["path"], after["privatekey_path"])
    assert not run(ActionModule, **arguments)["changed"]


def test_a_run_that_was_killed_between_key_and_certificate_is_completed(arguments: Arguments) -> None:
    run(ActionModule, **arguments)
    old = contents(arguments)["path"]
    run(ActionModule, **arguments, force=True)
    new_key = contents(arguments)["privatekey_path"]
    Path(arguments["path"]).write_bytes(old)
    result = run(ActionModule, **arguments)
    assert result["reasons"] == ["it is for another private key"]
    assert contents(arguments)["privatekey_path"] == new_key
    assert engine.pair_matches(contents(arguments)["path"], new_key)


def test_no_key_and_no_passphrase_is_in_a_result(arguments: Arguments) -> None:
    for result in (run(ActionModule, **arguments), run(ActionModule, **arguments, force=True)):
        assert "PRIVATE" not in str(result)
        assert "sesame" not in str(result)


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_is_not_a_key_is_never_overwritten(arguments: Arguments, force: bool) -> None:
    file = Path(arguments["privatekey_path"])
    file.write_text("precious")
    file.chmod(0o600)
    result = run(ActionModule, **arguments, force=force)
    assert result["msg"] == f"{file}: There is no private key in PEM form in it."
    assert file.read_text() == "precious"


def test_a_private_key_that_others_can_read_is_refused(arguments: Arguments) -> None:
    run(ActionModule, **arguments)
    Path(arguments["privatekey_path"]).chmod(0o644)
    assert f"chmod 600 {arguments['privatekey_path']}" in run(ActionModule, **arguments)["msg"]


def test_a_damaged_certificate_is_replaced(arguments: Arguments) -> None:
    Path(arguments["path"]).write_text("damaged")
    result = run(ActionModule, **arguments)
    assert result["reasons"][0].startswith("it cannot be read")
    assert result["diff"]["before"] == {}
    assert not run(ActionModule, **arguments)["changed"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"common_name": None}, "such as root"),
        ({"profile": "peer"}, "must have no common name"),
        ({"subject_alt_names": ["10.0.0.300"]}, "'10.0.0.300'"),
        ({"renew_before_days": 1095}, "in every run"),
        ({"key_type": "rsa", "key_size": 256}, "2048, 3072, 4096"),
        ({"passphrase": "wrong"}, "does not open"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(arguments: Arguments, change: Arguments, said: str) -> None:
    result = run(ActionModule, **{**arguments, **change})
    assert result["failed"]
    assert said in result["msg"]
    assert contents(arguments) == {}


def test_two_options_for_one_file_are_refused(arguments: Arguments) -> None:
    arguments["ca_path"] = arguments["path"]
    assert "Give each its own" in run(ActionModule, **arguments)["msg"]


def test_a_directory_that_does_not_exist_is_a_clear_error(arguments: Arguments, tmp_path: Path) -> None:
    arguments["ca_path"] = str(tmp_path / "missing" / "ca.pem")
    assert f"Cannot write {arguments['ca_path']}: No such file or directory." in run(ActionModule, **arguments)["msg"]


def test_a_profile_that_does_not_exist_is_refused(arguments: Arguments) -> None:
    arguments["profile"] = "node"
    with pytest.raises(AnsibleActionFail, match="server, peer, client"):
        run(ActionModule, **arguments)
