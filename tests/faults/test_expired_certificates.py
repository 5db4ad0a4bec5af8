# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that nobody has run a playbook for until all of its certificates have expired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import PROFILES, AuthoritySpec, LeafSpec
from machines import Machines
from playbook import Playbook

pytestmark = pytest.mark.matrix

NOW = datetime.now(timezone.utc)
LONG_AGO = NOW - timedelta(days=1200)


@pytest.fixture
def machines() -> Iterator[Machines]:
    found = Machines("faults-expired")
    found.make()
    yield found
    found.remove()


def expire(machines: Machines, pki_dir: Path) -> None:
    """Have each member's certificates be some that were issued for the same keys, and for a day, years ago."""
    for leaf, profile in render.LEAVES.items():
        held = store.load_authority(str(pki_dir), PROFILES[profile].authority, NOW)
        name = engine.describe(held.cert_pem, NOW)["subject"].partition("=")[2]
        authority = engine.new_authority(AuthoritySpec(name), LONG_AGO, held.key)
        for host in machines.names:
            path = f"/etc/etcd/ssl/{leaf}.pem"
            names = () if profile == "client" else (host, machines.address(host))
            user = "root" if profile == "client" else None
            spec = LeafSpec.for_names(profile, names, common_name=user, days=1)
            expired = engine.renew(authority, spec, LONG_AGO, machines.run(host, f"cat {path}").encode())
            machines.run(host, f"cat >$(readlink -f {path}) <<'END'\n{expired.decode()}END")


def test_all_expired_are_issued_anew_by_the_same_command(machines: Machines, tmp_path: Path) -> None:
    playbook = Playbook(machines.inventory(tmp_path / "inventory", by_name=True), tmp_path)
    playbook.run_until_done()
    machines.run(machines.names[0], "etcdctl put key value")
    expire(machines, tmp_path / "inventory" / "etcd-pki" / "etcd_cluster")
    for host in machines.names:
        # Without connections that were made while they were good.
        machines.run(host, "systemctl restart --no-block etcd")
    run = playbook.run("--check")
    assert "no restart, because /etc/etcd/ssl/etcd.pem is issued anew: it expired on" in run.said
    playbook.run_until_done()
    for host in machines.names:
        assert machines.run(host, "etcdctl get key --print-value-only").strip() == "value"
