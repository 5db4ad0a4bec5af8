# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All machines are lost, and a cluster with TLS and authentication comes back on new ones."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from machines import Machines
from playbook import Playbook

pytestmark = pytest.mark.matrix

FIRST = Machines.names[0]
SNAPSHOTS = "/var/lib/etcd-snapshots"
#: Nobody could log in with a password: root is whoever has the administrator's certificate.
SWITCH_ON = "etcdctl user add root --no-password; etcdctl user grant-role root root; etcdctl auth enable"


def brought(machines: Machines, to: Path) -> Path:
    """The newest snapshot and its manifest, off the machines."""
    for host in machines.names:
        machines.run(host, "systemctl start etcd-snapshot")
    (saver,) = [host for host in machines.names if ".db" in machines.run(host, f"ls {SNAPSHOTS} 2>/dev/null || :")]
    paths = machines.run(saver, f"ls {SNAPSHOTS}/*.db {SNAPSHOTS}/*.db.json").split()
    for path in paths:
        (to / Path(path).name).write_bytes(base64.b64decode(machines.run(saver, f"base64 {path}")))
    return next(to / Path(path).name for path in paths if path.endswith(".db"))


def test_with_tls_and_a_root_without_a_password(machines: Machines, playbook: Playbook, tmp_path: Path) -> None:
    made = playbook.run()
    assert made.code == 0, made.output
    machines.run(FIRST, f"etcdctl put key value; {SWITCH_ON}")
    snapshot = brought(machines, tmp_path)
    machines.rebuild()
    restore = Playbook(playbook.inventory, tmp_path, "quorum.etcd.restore")
    run = restore.run("-e", "etcd_confirm_cluster=etcd_cluster", "-e", f"etcd_snapshot={snapshot}")
    assert run.code == 0, run.output
    assert [machines.run(host, "etcdctl get key --print-value-only").strip() for host in machines.names] == [
        "value"
    ] * 3
    assert "Authentication Status: true" in machines.run(FIRST, "etcdctl auth status")
    assert machines.run(FIRST, "etcdctl put key another").strip() == "OK"
    assert machines.run(FIRST, f"ls {SNAPSHOTS}").strip() == ""
    assert machines.run(FIRST, "ls /var/lib/etcd").strip() == "member"
    again = playbook.run()
    assert again.done, again.output
