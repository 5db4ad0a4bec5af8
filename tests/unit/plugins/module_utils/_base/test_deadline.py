# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline, Growth


def test_time_runs_down_to_zero_and_no_further() -> None:
    now = [100.0]
    deadline = Deadline(5.0, lambda: now[0])
    assert deadline.left() == 5.0
    now[0] = 103.0
    assert deadline.left() == 2.0
    now[0] = 200.0
    assert deadline.left() == 0.0
    assert deadline.seconds == 5.0


def test_it_begins_again_for_what_has_got_further() -> None:
    now = [100.0]
    deadline = Deadline(5.0, lambda: now[0])
    now[0] = 104.0
    deadline.renew()
    assert deadline.left() == 5.0


def test_growth_is_what_was_never_as_large() -> None:
    growth = Growth()
    seen = [growth.seen(*now) for now in [(7, 0), (7, 0), (8, 0), (3, 0), (8, 0), (8, 1), (0, 1), (0, 2), (9, 2)]]
    assert seen == [False, False, True, False, False, True, False, True, True]
