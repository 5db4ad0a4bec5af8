# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._plan import reclaim
from ansible_collections.quorum.etcd.plugins.module_utils._plan.reclaim import Database

MIB = 1 << 20


def database(at, **fields):
    urls = [f"http://10.0.0.{one}:2379" for one in (1, 2, 3)]
    told = {"leads": at == 0, "size": 20 * MIB, "used": 3 * MIB // 2, "free": 900 * MIB, **fields}
    return Database(f"10.0.0.{at + 1}", f"etcd-host{at}", urls, **told)


PLAN = reclaim.plan([database(at) for at in range(3)], 1000, False)


def test_what_the_cluster_does_once_is_the_first_hosts():
    assert [(wave[0].kind, wave[0].host) for wave in (PLAN.waves[0], PLAN.waves[-1])] == [
        ("compact", "10.0.0.1"),
        ("disarm", "10.0.0.1"),
    ]


def test_members_are_defragmented_one_by_one_and_the_leader_last():
    assert [[step.host for step in wave] for wave in PLAN.waves[1:-1]] == [["10.0.0.2"], ["10.0.0.3"], ["10.0.0.1"]]


def test_what_is_printed_says_how_full_every_database_is():
    assert PLAN.text("prod").splitlines() == [
        "prod: reclaim the space of its databases",
        "  step 1 of 5: compact the history, and keep the newest 1000 revisions",
        "  step 2 of 5: defragment etcd-host1",
        "  step 3 of 5: defragment etcd-host2",
        "  step 4 of 5: defragment etcd-host0",
        "  step 5 of 5: disarm NOSPACE, where it is raised",
        *(
            f"  note: etcd-host{at}: the database has 20.0 MiB, 1.5 MiB of it in use. Beside it 900.0 MiB are free. "
            "Alarms: none"
            for at in range(3)
        ),
    ]


def test_alarms_are_named_once():
    assert database(0, alarms=["NOSPACE", "NOSPACE", "CORRUPT"]).text.endswith("Alarms: NOSPACE, CORRUPT")
