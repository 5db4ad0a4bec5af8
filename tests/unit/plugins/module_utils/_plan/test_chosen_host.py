# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._plan import chosen_host
from snapshots_of import manifest

OLD = manifest(cluster_id="bb", revision=9000, taken_at="2026-11-20T00:00:00Z")
AHEAD = manifest(cluster_id="aa", revision=100, taken_at="2031-01-01T00:00:00Z")
NEWEST = manifest(cluster_id="aa", revision=1000, taken_at="2026-11-22T00:00:00Z")


def test_the_leader_is_the_last_one():
    hosts = ["etcd-host0", "etcd-host1", "etcd-host2"]
    assert chosen_host.leader_last(hosts, {"etcd-host0": True}) == ["etcd-host1", "etcd-host2", "etcd-host0"]
    assert chosen_host.leader_last(hosts, {}) == hosts


class TestWhoSaves:
    TOLD = {
        "etcd-host0": {"rank": [1, 0]},
        "etcd-host1": {"rank": [0, 5]},
        "etcd-host2": {"problem": "its disk is full."},
    }

    def test_is_the_healthiest_follower(self):
        assert chosen_host.savers(self.TOLD) == ["etcd-host1", "etcd-host0"]

    def test_is_said_with_why_the_others_cannot(self):
        assert chosen_host.passed_over([*self.TOLD, "etcd-host3"], self.TOLD) == [
            "etcd-host2: its disk is full.",
            "etcd-host3: it was not asked, or did not answer.",
        ]


class TestWhoHasTheNewestSnapshot:
    def test_is_told_by_revisions_and_by_no_clock(self):
        assert chosen_host.newest_of({"etcd-host0": AHEAD, "etcd-host1": OLD, "etcd-host2": NEWEST}) == "etcd-host2"

    def test_is_told_within_one_cluster(self):
        assert chosen_host.newest_of({"etcd-host0": AHEAD, "etcd-host1": OLD}) == "etcd-host0"

    def test_is_nobody_where_there_is_none(self):
        assert chosen_host.newest_of({}) == ""
