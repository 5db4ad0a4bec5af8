# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the statements about the hosts have in common, in all scenarios."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scenario_cluster import Cluster


@pytest.fixture(scope="session")
def inventory(request):
    """The inventory's file."""
    return Path(request.config.option.ansible_inventory)


@pytest.fixture(scope="session")
def cluster(inventory):
    """The cluster of the scenario, from where its operator sits."""
    return Cluster(os.environ["MOLECULE_SCENARIO_NAME"], inventory)


@pytest.fixture
def address(host):
    """The address of this member, which is its name in the inventory unless that says otherwise."""
    called = host.backend.get_pytest_id().split("://")[-1]
    return host.ansible.get_variables().get("ansible_host", called)


@pytest.fixture
def run(host):
    """Runs a command as root that must succeed, and returns what it printed."""

    def succeed(command, *arguments):
        done = host.run(command, *arguments)
        assert done.rc == 0, done.stderr
        return done.stdout

    return succeed
