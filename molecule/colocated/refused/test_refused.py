# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two members of a machine cannot both have is refused, and so is a machine that takes its quorum along."""

from __future__ import annotations

import pytest
from scenario_machine import processes


@pytest.fixture(scope="module")
def before(cluster):
    return processes(cluster, 4)


@pytest.mark.parametrize(
    "variable, found, way",
    [
        (
            "etcd_client_port=4001",
            "both are to listen on port 4001",
            "Give each an etcd_instance with a number of its own",
        ),
        (
            "etcd_data_dir=/data/etcd",
            "are one place, for both are one machine",
            "etcd_data_dir: /data/etcd-{{ etcd_instance }}",
        ),
        ("etcd_instance=etcd1", "are one machine, and one instance on it (etcd1)", "give each an instance of its own"),
        ("etcd_instance=etcdctl", "etcd_instance is 'etcdctl'", "as etcd2 or etcd-events"),
    ],
)
def test_for_all_members_alike(cluster, before, variable, found, way):
    done = cluster.play("-e", variable)
    assert done.code != 0
    assert "refused, nothing was touched" in done.said
    assert found in done.said
    assert way in done.said


def test_maintenance_of_the_machine_is_an_outage(cluster, before):
    done = cluster.play(playbook="quorum.etcd.maintenance")
    assert done.code != 0
    assert "are one machine, and all voters of their cluster" in done.said
    assert "-e etcd_allow_outage=true" in done.said


def test_nothing_was_touched(cluster, before):
    assert processes(cluster, 4) == before
    assert cluster.play().found_nothing_to_do
