# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a cluster's backups that are not what they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Try
from ansible_collections.quorum.etcd.plugins.module_utils._plan import backups
from ansible_collections.quorum.etcd.plugins.module_utils._plan.backups import Backup

NOON = 1_800_000_000.0
DAY = 86400


class TestComplaints:
    LAST = Try(snapshot_agent.stamp(NOON - 3600), snapshot_agent.PASSED, "")
    FRESH = Backup("etcd-host0", NOON - 10 * 86400, NOON - 3600, LAST)
    OTHER = replace(FRESH, label="etcd-host1", newest=0.0)

    def say(self, *seen, max_age=93600, heard=True):
        return backups.complaints(seen, max_age, NOON, heard)

    def test_are_none_while_any_host_has_a_new_one(self):
        assert self.say(self.OTHER, self.FRESH) == []

    def test_name_the_newest_once_it_is_too_old(self):
        old = replace(self.FRESH, newest=NOON - 5 * 86400)
        (text,) = self.say(self.OTHER, old)
        assert "lies on etcd-host0: it is 5 days old, and etcd_snapshot_max_age is 26 h" in text
        assert "2027-01-10T08:00:00Z" in text

    def test_say_that_there_is_none(self):
        (text,) = self.say(self.OTHER)
        assert text.startswith("There is no snapshot, although the timer has been there for 10 days")
        assert text.endswith("look at journalctl -u etcd-snapshot on the members.")

    def test_name_the_unit_of_each_instance(self):
        one, two = (replace(self.OTHER, unit=f"etcd{at}-snapshot") for at in (1, 2))
        (text,) = self.say(one, two)
        assert text.endswith("look at journalctl -u etcd1-snapshot and journalctl -u etcd2-snapshot on the members.")

    def test_grant_a_new_timer_its_time(self):
        assert self.say(replace(self.OTHER, since=NOON - 60)) == []

    def test_are_none_without_a_timer(self):
        assert self.say(replace(self.OTHER, since=0.0)) == []

    def test_are_none_of_age_where_any_will_do(self):
        assert self.say(replace(self.FRESH, newest=1.0), max_age=0) == []

    def test_repeat_why_the_last_try_failed(self):
        last = Try("2027-01-15T07:40:00Z", snapshot_agent.FAILED, "no room.")
        assert self.say(replace(self.FRESH, last=last)) == [
            "etcd-host0: its last snapshot failed at 2027-01-15T07:40:00Z: no room."
        ]

    def test_name_one_that_is_still_to_be_taken_and_judge_the_age_by_the_others(self):
        ahead = replace(self.FRESH, label="etcd-host1", newest=NOON + 10 * DAY, path="/x.db")
        old = replace(self.FRESH, newest=NOON - 5 * DAY)
        said, age = self.say(ahead, old)
        assert said.startswith("etcd-host1: /x.db says that it was taken 2027-01-25T08:00:00Z, which is still to come")
        assert "Set the clock there, and remove that file" in said
        assert "lies on etcd-host0: it is 5 days old" in age
        assert self.say(ahead, self.OTHER) == [said]
        assert self.say(replace(ahead, newest=NOON + 2), self.OTHER) == []

    def test_name_a_host_whose_last_try_is_still_to_come(self):
        last = Try(snapshot_agent.stamp(NOON + 5 * DAY), snapshot_agent.SAVED, "")
        (text,) = self.say(self.FRESH, replace(self.OTHER, last=last))
        assert "etcd-host1: its timer has not had a snapshot tried for 10 days" in text

    @pytest.mark.parametrize("last", [None, Try(snapshot_agent.stamp(NOON - 5 * DAY), snapshot_agent.SAVED, "")])
    def test_name_a_host_whose_timer_starts_nothing(self, last):
        """A disk that is not mounted keeps its unit from starting, and nothing fails."""
        (text,) = self.say(self.FRESH, replace(self.OTHER, last=last))
        assert text.startswith(f"etcd-host1: its timer has not had a snapshot tried for {5 if last else 10} days")
        assert "systemctl status etcd-snapshot etcd-snapshot.timer" in text
        assert self.say(self.FRESH, replace(self.OTHER, last=last), max_age=0) == []
        assert self.say(self.FRESH, replace(self.OTHER, last=last, is_masked=True)) == []
        assert self.say(self.FRESH, replace(self.OTHER, last=last, since=NOON - 60)) == []

    def test_admit_what_nobody_has_looked_at(self):
        (text,) = self.say(self.OTHER, heard=False)
        assert "on the hosts that were asked" in text
