# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._plan import revision_bump
from hypothesis import given
from hypothesis import strategies as st
from snapshots_of import manifest

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc).timestamp()


class TestTheRestoredClusterBegins:
    def test_a_million_above_the_last_revision_that_is_known(self):
        assert revision_bump.bump(1000, [1500], [1500], [manifest()], NOW) == 1500 + 1_000_000 - 1000

    def test_a_fifth_above_it_if_that_is_more(self):
        assert revision_bump.bump(1000, [10_000_000], [10_000_000], [manifest()], NOW) == 12_000_000 - 1000

    def test_above_what_any_member_tells(self):
        assert revision_bump.bump(1000, [1500, 9000, 20], [1500], [], NOW) == 9000 + 1_000_000 - 1000

    def test_above_the_snapshot_where_members_tell_less(self):
        assert revision_bump.bump(1000, [20], [20], [manifest(taken_at="2026-11-22T08:00:00Z")], NOW) == 1_000_000

    def test_above_the_newest_snapshot_where_no_member_answers(self):
        newer = manifest(revision=5000, taken_at="2026-11-22T08:00:00Z")
        assert revision_bump.bump(1000, [], [], [manifest(), newer], NOW) >= 5000 + 1_000_000 - 1000

    def test_above_what_may_have_been_written_since_that(self):
        """A million an hour between the two snapshots, and three hours since the second."""
        older = manifest(revision=1000, taken_at="2026-11-22T04:00:00Z")
        newer = manifest(revision=1_001_000, taken_at="2026-11-22T05:00:00Z")
        assert revision_bump.bump(1000, [], [], [newer, older], NOW) == 4_001_000 + 1_000_000 - 1000

    def test_at_the_fastest_that_writes_ever_were(self):
        fast = manifest(revision=3_601_000, taken_at="2026-11-22T05:00:00Z")
        slow = manifest(revision=3_601_001, taken_at="2026-11-22T07:00:00Z")
        older = manifest(revision=1000, taken_at="2026-11-22T04:00:00Z")
        assert revision_bump.bump(1000, [], [], [older, fast, slow], NOW) == 7_201_001 * 6 // 5 + 1 - 1000

    def test_and_a_clock_that_went_back_takes_nothing_away(self):
        later = manifest(revision=900, taken_at="2026-11-22T09:00:00Z")
        assert revision_bump.bump(1000, [], [], [manifest(), later], NOW) == revision_bump.bump(
            1000, [], [], [manifest()], NOW
        )

    def test_far_above_where_no_rate_is_known(self):
        """A single snapshot, a day old, of a cluster that changed a thousand times a second."""
        saved = manifest(revision=86_400_000, taken_at="2026-11-21T08:00:00Z")
        assert 86_400_000 + revision_bump.bump(86_400_000, [], [], [saved], NOW) > 2 * 86_400_000 * 1.2

    @pytest.mark.parametrize("days", [0, 300, 900], ids=lambda days: f"{days} days")
    def test_farther_where_not_even_the_age_of_the_file_is_known(self, days):
        """Its time may be that of a copy."""
        begins = 1000 + revision_bump.bump(1000, [], [], [], NOW, modified=NOW - days * 86400)
        assert begins > max(days, 365) * 86400 * 10_000

    def test_without_what_an_earlier_restore_has_skipped(self):
        """Its bump is no rate at which anybody wrote."""
        saved = [
            manifest(revision=1000, taken_at="2026-11-22T05:00:00Z"),
            manifest(revision=1360, taken_at="2026-11-22T06:00:00Z"),
            manifest(revision=900_000_000, taken_at="2026-11-22T06:10:00Z", cluster_id="1"),
            manifest(revision=900_000_360, taken_at="2026-11-22T07:10:00Z", cluster_id="1"),
        ]
        # A tenth of a change a second, for fifty minutes.
        expected = -(-(900_000_360 + 300) * 6 // 5)
        assert 1000 + revision_bump.bump(1000, [], [], saved, NOW) == expected

    def test_above_every_snapshot_although_a_member_tells_less(self):
        """It may lag behind, be a learner, or hold a new cluster that somebody has made on the same host."""
        newer = manifest(revision=5_000_000, taken_at="2026-11-22T08:00:00Z")
        assert revision_bump.bump(500, [1000], [], [manifest(revision=500), newer], NOW) == 6_000_000 - 500

    @pytest.mark.parametrize("live, serving", [([5_000_000], []), ([900_000], [900_000])])
    def test_above_what_may_have_been_written_unless_a_member_that_knows_tells(self, live, serving):
        older = manifest(revision=1000, taken_at="2026-11-22T04:00:00Z")
        newer = manifest(revision=1_001_000, taken_at="2026-11-22T05:00:00Z")
        begins = 1000 + revision_bump.bump(1000, live, serving, [older, newer], NOW)
        assert begins == max(4_001_000, *live) + 1_000_000

    def test_above_no_more_than_that_where_one_tells(self):
        older = manifest(revision=1000, taken_at="2026-11-22T04:00:00Z")
        newer = manifest(revision=1_001_000, taken_at="2026-11-22T05:00:00Z")
        assert revision_bump.bump(1000, [1_001_000], [1_001_000], [older, newer], NOW) == 1_001_000 + 1_000_000 - 1000

    def test_above_what_may_have_been_written_although_a_clock_was_ahead(self):
        older = manifest(revision=1000, taken_at="2026-11-22T04:00:00Z")
        newer = manifest(revision=1_001_000, taken_at="2026-11-22T05:00:00Z")
        ahead = manifest(revision=500, taken_at="2031-01-01T00:00:00Z")
        assert revision_bump.bump(1000, [], [], [ahead, newer, older], NOW) == 4_001_000 + 1_000_000 - 1000


revisions = st.integers(min_value=1, max_value=1 << 61)


@given(revisions, st.lists(revisions), st.lists(revisions), st.booleans())
def test_no_revision_that_anybody_can_have_seen_is_used_again(revision, live, saved, serve):
    manifests = [manifest(revision=one) for one in saved]
    begins = revision + revision_bump.bump(revision, live, live if serve else [], manifests, NOW)
    assert begins > max([revision, *live, *saved])
    assert begins < 1 << 63


def test_two_snapshots_of_one_second_are_no_division_by_zero():
    assert revision_bump.bump(1, [], [], [manifest(revision=1), manifest(revision=9)], NOW) > 0


@pytest.mark.parametrize("live", [[], [1 << 62]])
def test_a_revision_near_the_end_of_counting_stays_countable(live):
    assert (1 << 61) + revision_bump.bump(1 << 61, live, [], [], NOW) <= 1 << 63
