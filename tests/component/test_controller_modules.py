# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on the controller, in a real run: certificates, and the look and the plan before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from machine import Machine


def test_authorities_are_predicted_made_and_then_left_alone(machine: Machine, tmp_path: Path) -> None:
    options = {"pki_dir": str(tmp_path / "pki"), "name": "prod", "passphrase": "sesame-open"}
    predicted, made, again, other = machine.play(
        [
            ("etcd_ca", options, True),
            ("etcd_ca", options, False),
            ("etcd_ca", options, False),
            ("etcd_ca", {**options, "passphrase": "another"}, False),
        ]
    )
    assert [(one.failed, one.changed) for one in (predicted, made, again)] == [
        (False, True),
        (False, True),
        (False, False),
    ]
    assert predicted.result["authorities"]["client"]["fingerprint_sha256"] is None
    assert fingerprints(made.result) == fingerprints(again.result)
    assert (
        sorted(made.result["diff"]["after"])
        == sorted(predicted.result["diff"]["after"])
        == [f"{options['pki_dir']}/{which}-ca.pem" for which in ("client", "peer")]
    )
    assert other.failed and "sesame" not in str(other.result)


def fingerprints(result: dict[str, Any]) -> dict[str, str]:
    return {which: authority["fingerprint_sha256"] for which, authority in result["authorities"].items()}


def test_a_certificate_is_predicted_issued_described_and_then_left_alone(machine: Machine, tmp_path: Path) -> None:
    pki = {"pki_dir": str(tmp_path / "pki"), "passphrase": "sesame-open"}
    leaf = {
        **pki,
        "profile": "client",
        "common_name": "billing",
        "path": str(tmp_path / "billing.pem"),
        "privatekey_path": str(tmp_path / "billing-key.pem"),
    }
    described = {"path": leaf["path"]}
    early, _ca, predicted, none, issued, again, info, both, wrong = machine.play(
        [
            ("etcd_certificate", leaf, False),
            ("etcd_ca", {**pki, "name": "prod"}, False),
            ("etcd_certificate", leaf, True),
            ("etcd_certificate_info", described, False),
            ("etcd_certificate", leaf, False),
            ("etcd_certificate", leaf, False),
            ("etcd_certificate_info", described, True),
            ("etcd_certificate_info", {**described, "content": "x"}, False),
            ("etcd_certificate", {**leaf, "profile": "server"}, False),
        ]
    )
    assert early.failed and "etcd_ca" in early.message
    assert (predicted.failed, predicted.changed) == (False, True), predicted.message
    assert none.failed and leaf["path"] in none.message
    assert (issued.failed, issued.changed) == (False, True), issued.message
    assert issued.result["written"] == predicted.result["written"]
    assert (again.failed, again.changed, again.result["reasons"]) == (False, False, [])
    assert (info.failed, info.changed) == (False, False)
    assert info.result["certificates"][0]["subject"] == "CN=billing"
    assert info.result["certificates"][0]["serial_number"] == issued.result["certificate"]["serial_number"]
    assert both.failed and wrong.failed
    assert wrong.message.startswith("A server certificate must have no common name")
    assert "PRIVATE KEY" not in str([one.result for one in (issued, again, info)])


def inventory(machine: Machine, **more: Any) -> dict[str, Any]:
    layout = machine.layout
    return {
        "NODE_NAME": "etcd-host0",
        "etcd_address": "127.0.0.1",
        "etcd_system_user": layout.user,
        "etcd_system_group": layout.group,
        "etcd_conf_dir": layout.conf_dir,
        "etcd_data_dir": layout.data_dir,
        "etcd_install_dir": layout.install_dir,
        "etcd_bin_dir": layout.bin_dir,
        "etcd_pki_dir": str(machine.directory / "pki"),
        "etcd_confirm": [str(machine.directory / "pki")],
        **more,
    }


def test_a_checked_run_on_a_bare_host_prints_the_whole_plan_and_touches_nothing(machine: Machine) -> None:
    run = machine.playbook("etcd", inventory(machine), "--check")
    assert run.returncode == 0, run.stdout + run.stderr
    for step in ("install", "start"):
        assert step in run.stdout
    assert untouched(machine)


def test_authorities_that_would_be_lost_end_it_too_and_the_word_for_it_is_accepted(machine: Machine) -> None:
    """Each way to name the directory: variables of the host, and the command line."""
    directory = machine.directory / "pki"
    run = machine.playbook("etcd", inventory(machine, etcd_confirm=[]), "--check")
    assert run.returncode == 2
    said = " ".join(run.stdout.split())
    assert f"The client and peer CA would be made in {directory} (etcd_pki_dir), and /tmp is for temporary" in said
    assert untouched(machine)
    word = f"etcd_confirm={directory}"
    assert f"-e {word}" in said
    run = machine.playbook("etcd", inventory(machine, etcd_confirm=[]), "--check", "-e", word)
    assert run.returncode == 0, run.stdout
    assert f"make the client and peer CA in {directory}" in run.stdout
    assert untouched(machine)


def test_a_wrong_variable_ends_the_run_before_anything_is_touched(machine: Machine) -> None:
    run = machine.playbook("etcd", inventory(machine, etcd_settings={"snapshot-cuont": 5}))
    assert run.returncode != 0
    assert "snapshot-cuont" in run.stdout and "snapshot-count" in run.stdout
    assert untouched(machine)


def test_a_host_that_has_data_of_its_own_gets_no_new_cluster(machine: Machine) -> None:
    log = Path(machine.layout.log_dir)
    log.mkdir(parents=True)
    (log / f"{0:016x}-{0:016x}.wal").touch()
    run = machine.playbook("etcd", inventory(machine))
    assert run.returncode != 0
    assert machine.layout.data_dir in run.stdout
    assert not Path(machine.layout.conf_dir).exists()
    assert not Path(machine.layout.install_dir).exists()


def untouched(machine: Machine) -> bool:
    """Whether nothing at all was written, and systemd was told nothing."""
    layout = machine.layout
    places = [layout.conf_dir, layout.data_dir, layout.install_dir, layout.bin_dir, str(machine.directory / "pki")]
    there = [path for path in (*map(Path, places), machine.place(layout.state_dir)) if path.exists()]
    return there == [] and machine.told() == []


@pytest.mark.parametrize("module", ["etcd_internal_files", "etcd_internal_observe", "etcd_internal_step"])
def test_an_internal_module_refuses_a_task_that_is_not_in_the_role(machine: Machine, module: str) -> None:
    outcome = machine.task(module)
    assert outcome.failed
    assert outcome.message.startswith(f"quorum.etcd.{module} is internal to the role quorum.etcd.etcd")
    assert "ansible-playbook quorum.etcd.etcd" in outcome.message
