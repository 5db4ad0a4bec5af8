# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quota is used up, and no write is taken any more: one command, and they are taken again."""

from __future__ import annotations

import json

import pytest

SMALL = ("--extra-vars", json.dumps({"etcd_settings": {"quota-backend-bytes": 24 << 20}}))
FEW = ("--extra-vars", "etcd_reclaim_keep_revisions=10")
# One key, again and again: what fills the database is its past.
FILL = """
head -c 1000000 /dev/zero | tr '\\0' x >/tmp/value
for i in $(seq 60); do etcdctl put full </tmp/value || exit 0; done
"""


@pytest.fixture(scope="module")
def full(cluster):
    assert cluster.play(*SMALL).code == 0
    cluster.on("etcd-host0", FILL)
    return cluster.on("etcd-host0", "etcdctl alarm list; ! etcdctl put more of-it 2>&1")


@pytest.fixture(scope="module")
def said(cluster, full):
    return cluster.play(*SMALL)


@pytest.fixture(scope="module")
def done(cluster, said):
    return cluster.play(*SMALL, *FEW, playbook="quorum.etcd.reclaim")


def test_no_write_is_taken_any_more(full):
    assert "alarm:NOSPACE" in full
    assert "database space exceeded" in full


def test_the_ordinary_playbook_says_what_helps(said):
    assert "quorum.etcd.reclaim" in said.said


def test_writes_are_taken_again_and_no_alarm_is_left(done, cluster):
    assert done.code == 0
    assert cluster.on("etcd-host0", "etcdctl put more of-it; etcdctl alarm list").split() == ["OK"]


def test_what_was_written_before_is_there(done, cluster):
    assert "verdict: no acknowledged write is lost" in cluster.verdict()


def test_a_run_finds_nothing_to_do(done, cluster):
    assert cluster.play(*SMALL).found_nothing_to_do
