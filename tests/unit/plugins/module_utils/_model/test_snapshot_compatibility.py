# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_compatibility
from inventory_of import CLUSTER_ID, member_id, member_list
from snapshots_of import manifest


def check(known=(CLUSTER_ID,), said="", given=None, members=(), member_ids=(), restored=False):
    snapshot_compatibility.check_cluster("etcd_cluster", known, said, given, members, member_ids, restored)


class TestASnapshotIsTaken:
    def test_of_this_cluster(self):
        check(given=manifest())

    def test_of_this_cluster_when_all_else_of_it_is_gone(self):
        check(known=(), given=manifest())

    @pytest.mark.parametrize("said", ["other", "abc123"])
    def test_of_another_cluster_by_its_name_or_id(self, said):
        check(said=said, given=manifest(cluster="other", cluster_id="abc123"))

    def test_without_a_manifest_if_its_members_are_those_of_the_hosts(self):
        check(members=member_list(), member_ids=[member_id(1)])

    def test_without_a_manifest_if_somebody_says_whose_it_is(self):
        check(said="other")


class TestIsRefused:
    def test_a_snapshot_of_another_cluster(self):
        with pytest.raises(Refused, match=r"of the cluster other, id abc123 .*-e etcd_snapshot_of=abc123"):
            check(given=manifest(cluster="other", cluster_id="abc123"))

    def test_one_of_a_cluster_of_the_same_name(self):
        """The default name is many a cluster's."""
        with pytest.raises(Refused, match=r"id abc123 .*this is etcd_cluster, id cdf818194e3a8c32.*of=abc123"):
            check(given=manifest(cluster_id="abc123"))

    def test_one_of_before_a_restore_that_is_over(self):
        with pytest.raises(Refused, match=r"was restored, and serves: .*nothing left to do.*of=abc123"):
            check(given=manifest(cluster_id="abc123"), restored=True)

    def test_one_of_another_cluster_than_was_said(self):
        with pytest.raises(Refused, match="etcd_snapshot_of is third"):
            check(said="third", given=manifest(cluster="other", cluster_id="abc123"))

    def test_one_of_this_cluster_where_another_was_said(self):
        with pytest.raises(Refused, match="etcd_snapshot_of is third"):
            check(said="third", given=manifest())

    def test_one_of_which_nobody_can_tell(self):
        with pytest.raises(
            Refused, match=r"has no manifest, and its members \(etcd-host0, .* -e etcd_snapshot_of=NAME"
        ):
            check(members=member_list(), member_ids=["1234"])


class TestAnEtcd:
    @pytest.mark.parametrize("written_by", [[], ["3.6.14", "3.6.0"], ["3.5.9"], ["3.6.99"], ["3.4.23"]])
    def test_takes_what_its_own_or_an_older_minor_wrote(self, written_by):
        snapshot_compatibility.check_version(written_by, "3.6.14")

    @pytest.mark.parametrize("written_by", [["3.7.1"], ["3.6.14", "3.7.0"], ["3.10.0"]])
    def test_does_not_take_what_a_newer_minor_wrote(self, written_by):
        with pytest.raises(Refused, match=rf"etcd 3.6.14 is to restore it.*etcd_version={max(written_by)}"):
            snapshot_compatibility.check_version(written_by, "3.6.14")

    def test_is_told_by_manifest_and_file_alike(self):
        details = {"cluster_version": "3.7.0", "storage_version": ""}
        assert snapshot_compatibility.versions_in(manifest(), details) == ["3.6.14", "3.6.0", "3.7.0"]
        assert snapshot_compatibility.versions_in(None, details) == ["3.7.0"]
