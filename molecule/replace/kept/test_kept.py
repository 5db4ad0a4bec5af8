# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine of a member was built anew beside its old disk: the same member starts again, with what it had."""

from __future__ import annotations

import pytest

OTHERS = ("etcd-host0", "etcd-host1")


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes(OTHERS), cluster.member_ids("etcd-host0")


@pytest.fixture(scope="module")
def done(cluster, before):
    return cluster.play()


def test_it_is_started_and_nobody_joins(done):
    assert done.code == 0
    assert done.planned == done.taken
    assert [step.split()[0] for step in done.planned] == ["install", "write", "start", "await"]


def test_it_is_the_member_that_it_was(done, before, cluster):
    _processes, members = before
    assert cluster.voters("etcd-host2") == members
    marker = cluster.marker("etcd-host2")
    assert (marker["STATE"], marker["ORIGIN"], marker["MEMBER_ID"]) == ("started", "kept", members["etcd-host2"])


def test_the_others_were_not_restarted(done, before, cluster):
    assert cluster.processes(OTHERS) == before[0]


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
