# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError

from lab.writer import PATIENCE, REST, Endpoints, Verdict, Writer, judge, run_of


class Cluster:
    """Keys, endpoints that may be down, and a clock that only the cluster and the writer move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.revision = 1
        self.held: dict[str, str] = {}
        self.down: Callable[[str], bool] = lambda endpoint: False

    def put(self, endpoint: str, key: str, value: str) -> int:
        self.now += 0.5 if self.down(endpoint) else 0.001
        if self.down(endpoint):
            raise TransportError(endpoint, "no answer within 0.5 s.", sent=True)
        self.held[key] = value
        self.revision += 1
        return self.revision

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def write(cluster: Cluster, seconds: float) -> list[str]:
    record = io.StringIO()
    endpoints = Endpoints(["a", "b", "c"])
    writer = Writer(cluster.put, endpoints, record, "/run", clock=lambda: cluster.now, sleep=cluster.sleep)
    writer.write_until(lambda passed: passed >= seconds)
    return record.getvalue().splitlines(keepends=True)


def test_nothing_is_lost_by_a_cluster_that_keeps_its_word() -> None:
    cluster = Cluster()
    verdict = judge(write(cluster, 1.0), cluster.held)
    assert verdict.acknowledged == len(cluster.held) > 50
    assert (verdict.failed, verdict.retried, verdict.lost) == (0, 0, [])
    assert str(verdict).endswith("verdict: no acknowledged write is lost")


def test_a_lost_write_is_found() -> None:
    cluster = Cluster()
    record = write(cluster, 0.1)
    del cluster.held["/run/000000003"]
    verdict = judge(record, cluster.held)
    assert verdict.lost == ["/run/000000003"]
    assert str(verdict).endswith("verdict: 1 acknowledged lost: /run/000000003")


def test_a_write_whose_value_is_another_is_lost() -> None:
    cluster = Cluster()
    record = write(cluster, 0.1)
    cluster.held["/run/000000002"] = "1 of /run"
    assert judge(record, cluster.held).lost == ["/run/000000002"]


def test_what_was_written_after_a_snapshot_is_not_asked_of_its_restore() -> None:
    cluster = Cluster()
    record = write(cluster, 0.1)
    for key in sorted(cluster.held)[4:]:
        del cluster.held[key]
    # The first write is at revision 2.
    assert judge(record, cluster.held, up_to=5) == Verdict(4, 0, 0, pytest.approx(0.011, abs=0.01), [])
    assert judge(record, cluster.held, up_to=6).lost == ["/run/000000004"]


def test_with_one_member_down_no_write_fails() -> None:
    cluster = Cluster()
    cluster.down = lambda endpoint: endpoint == "b"
    verdict = judge(write(cluster, 3.0), cluster.held)
    assert verdict.failed == 0
    # One attempt each time the endpoint has had its rest.
    assert 1 <= verdict.retried <= 3.0 / REST + 1
    assert verdict.stall == pytest.approx(0.5, abs=0.1)


def test_an_outage_longer_than_a_clients_patience_fails_writes_and_promises_nothing() -> None:
    cluster = Cluster()
    cluster.down = lambda endpoint: 1.0 < cluster.now < 1.0 + PATIENCE + 2.0
    verdict = judge(write(cluster, 10.0), cluster.held)
    assert verdict.failed == 1
    assert verdict.stall == pytest.approx(PATIENCE + 2.0, abs=1.0)
    assert verdict.lost == []


def test_a_cluster_that_never_comes_back_is_one_long_stall() -> None:
    cluster = Cluster()
    cluster.down = lambda endpoint: cluster.now > 1.0
    verdict = judge(write(cluster, 20.0), cluster.held)
    assert verdict.stall >= 19.0


def test_writes_go_to_every_endpoint_in_turn() -> None:
    endpoints = Endpoints(["a", "b", "c"])
    assert [endpoints.in_turn(0.0)[0] for _ in range(4)] == ["a", "b", "c", "a"]


def test_an_endpoint_that_failed_is_tried_last_until_it_has_rested() -> None:
    endpoints = Endpoints(["a", "b", "c"])
    endpoints.failed("a", 0.0)
    assert endpoints.in_turn(REST / 2)[-1] == "a"
    assert [endpoints.in_turn(REST)[0] for _ in range(3)] == ["b", "c", "a"]


def test_the_record_of_a_writer_that_was_killed_counts_up_to_its_last_whole_line() -> None:
    cluster = Cluster()
    record = write(cluster, 0.1)[:5]
    whole = judge(record, cluster.held).acknowledged
    half = judge([*record, '{"key": "/run/0000'], cluster.held)
    assert half.acknowledged == whole == 4


def test_a_record_begins_with_its_run() -> None:
    assert run_of(write(Cluster(), 0.1)) == "/run"
    with pytest.raises(BadInput, match="does not begin with its run"):
        run_of([json.dumps({"key": "a"}) + "\n"])
    with pytest.raises(BadInput, match="does not begin with its run"):
        run_of([])


def test_a_wrong_endpoint_ends_the_writer_at_once() -> None:
    def put(endpoint: str, key: str, value: str) -> int:
        raise BadInput(f"{endpoint} is no URL.")

    with pytest.raises(BadInput, match="is no URL"):
        Writer(put, Endpoints(["nonsense"]), io.StringIO(), "/run").write_until(lambda passed: False)


def test_a_verdict_is_read_by_people() -> None:
    assert str(Verdict(acknowledged=2, failed=1, retried=3, stall=0.25, lost=[])).splitlines() == [
        "acknowledged: 2",
        "failed: 1",
        "retried: 3",
        "longest stall: 0.250 s",
        "verdict: no acknowledged write is lost",
    ]
