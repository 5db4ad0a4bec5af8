# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_choose import ActionModule
from role_task import Task
from snapshots_of import manifest

HOSTS = ["etcd-host0", "etcd-host1"]
NEWEST, OLDER = (manifest(revision=revision).to_dict() for revision in (1000, 900))


def chosen(purpose, looked, **options):
    hostvars = {host: {"__etcd_looked": one} if one is not None else {} for host, one in zip(HOSTS, looked)}
    given = {"cluster": "prod", "group": "etcd_prod", "members": HOSTS, "hosts": HOSTS, "directory": "/srv", **options}
    return Task(ActionModule).run({"hostvars": hostvars}, purpose=purpose, **given)


def test_one_that_can_saves():
    found = chosen("save", [{"problem": "its disk is full."}, {"rank": [0, 1]}])
    assert (found["host"], found["passed_over"]) == ("etcd-host1", ["etcd-host0: its disk is full."])


def test_the_newest_is_fetched():
    assert chosen("fetch", [{"manifest": OLDER}, {"manifest": NEWEST}])["host"] == "etcd-host1"


def test_the_newest_is_tried():
    assert (
        chosen("drill", [{"newest": NEWEST, "named": None}, {"newest": OLDER, "named": None}])["host"] == "etcd-host0"
    )


def test_one_that_is_named_is_tried_where_it_is():
    looked = [{"newest": NEWEST, "named": None}, {"newest": OLDER, "named": {"path": "/x.db"}}]
    assert chosen("drill", looked, snapshot="/x.db")["host"] == "etcd-host1"


@pytest.mark.parametrize(
    ("purpose", "options", "said"),
    [
        ("save", {}, "prod: no host can save a snapshot. etcd-host0: it was not asked, or did not answer. etcd-host1"),
        ("drill", {}, "prod: no host of this run has a snapshot in /srv. Nothing was proven. Save one now: "),
        ("drill", {"snapshot": "/x.db"}, "prod: no host of this run has /x.db. Nothing was proven. Name another one"),
        ("fetch", {}, "prod: there is no snapshot in /srv on etcd-host0, etcd-host1. Save one now: ansible-playbook "),
    ],
)
def test_where_nobody_will_do_that_is_said(purpose, options, said):
    found = chosen(purpose, [None, {"manifest": {}, "newest": None, "named": None}], **options)
    assert found["failed"]
    assert found["msg"].startswith(said)


def test_the_way_out_names_a_group_of_another_name():
    assert "quorum.etcd.snapshot -i INVENTORY -e etcd_group=etcd_prod." in chosen("fetch", [None, None])["msg"]
    assert "quorum.etcd.snapshot -i INVENTORY." in chosen("fetch", [None, None], group="etcd_cluster")["msg"]
