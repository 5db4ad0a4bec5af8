# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_fenced import ActionModule
from role_task import Task

#: The guides' inventory: IP addresses, and NODE_NAME.
HOSTS = {f"10.0.0.{at + 1}": {"NODE_NAME": f"etcd-host{at}"} for at in range(3)}


def found(given):
    here = {"inventory_hostname": "10.0.0.1", "hostvars": HOSTS}
    return Task(ActionModule).run(here, cluster="prod", members=list(HOSTS), given=given)


@pytest.mark.parametrize("given", ["etcd-host2", ["10.0.0.3"], "10.0.0.3,etcd-host2"])
def test_before_the_hosts_were_looked_at_the_inventory_tells(given):
    assert found(given)["off"] == ["10.0.0.3"]


def test_a_word_of_a_member_that_no_host_has_is_kept_for_the_hosts():
    assert found("8e9e05c521646949") | {"words": ["8e9e05c521646949"], "off": []} == found("8e9e05c521646949")


def test_a_word_that_names_two_hosts_is_refused():
    twins = {"a": {"NODE_NAME": "etcd-host0"}, "b": {"NODE_NAME": "etcd-host0"}}
    here = {"inventory_hostname": "a", "hostvars": twins}
    result = Task(ActionModule).run(here, cluster="prod", members=list(twins), given="etcd-host0")
    assert result["failed"]
    assert result["msg"].startswith("prod: refused, nothing was touched.\n")
