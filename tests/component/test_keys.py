# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_key, etcd_key_info, etcd_txn and etcd_lease against real etcd."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import Cluster

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

BINARY = base64.b64encode(b"\xff\x00\xfe").decode()


class Task:
    """Modules with the endpoints of one cluster."""

    def __init__(self, run_module: RunModule, cluster: Cluster) -> None:
        self._run = run_module
        self.endpoints = cluster.endpoints

    def run(self, name: str, /, **options: Any) -> Any:
        return self._run(name, endpoints=self.endpoints, **options)

    def __call__(self, name: str, /, **options: Any) -> dict[str, Any]:
        outcome = self.run(name, **options)
        assert not outcome.failed, outcome.result["msg"]
        return dict(outcome.result)

    def refused(self, name: str, /, **options: Any) -> tuple[str, str]:
        """The code of the refusal, and what was found."""
        outcome = self.run(name, **options)
        assert outcome.failed, outcome.result
        (refusal,) = outcome.result["refusals"]
        return refusal["code"], refusal["found"]


@pytest.fixture
def task(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> Task:
    return Task(run_module, make_cluster(every_version))


def held(task: Task, key: str) -> bytes | None:
    with Client(task.endpoints) as client:
        found = client.read(key)["kvs"]
    return found[0]["value"] if found else None


def test_a_value_is_written_once(task: Task) -> None:
    foreseen = task("etcd_key", key="/app/a", value="1", check_mode=True)
    assert held(task, "/app/a") is None
    first = task("etcd_key", key="/app/a", value="1")
    assert (first["changed"], first["existed"], first["old_value"]) == (True, False, "")
    assert (foreseen["changed"], foreseen["diff"]) == (first["changed"], first["diff"])
    assert (first["diff"]["before"], first["diff"]["after"]) == ("", "1\n")
    again = task("etcd_key", key="/app/a", value="1")
    assert (again["changed"], again["revision"]) == (False, first["revision"])
    other = task("etcd_key", key="/app/a", value="2")
    assert (other["changed"], other["old_value"], other["revision"]) == (True, "1", first["revision"] + 1)
    assert held(task, "/app/a") == b"2"


def test_a_key_is_deleted_once(task: Task) -> None:
    task("etcd_key", key="a", value="1")
    assert task("etcd_key", key="a", state="absent", check_mode=True)["changed"]
    assert held(task, "a") == b"1"
    gone = task("etcd_key", key="a", state="absent")
    assert (gone["changed"], gone["old_value"], gone["deleted"]) == (True, "1", 1)
    assert held(task, "a") is None
    assert not task("etcd_key", key="a", state="absent")["changed"]


def test_all_keys_that_begin_so_are_deleted(task: Task) -> None:
    for name in ("/app/a", "/app/b", "/apple"):
        task("etcd_key", key=name, value="1")
    options = {"key": "/app/", "prefix": True, "state": "absent"}
    foreseen = task("etcd_key", check_mode=True, **options)
    gone = task("etcd_key", **options)
    assert (foreseen["deleted"], gone["deleted"], gone["diff"]["before"]) == (2, 2, "/app/a\n/app/b\n")
    assert (held(task, "/app/a"), held(task, "/apple")) == (None, b"1")
    assert not task("etcd_key", **options)["changed"]


def test_what_another_has_written_is_not_overwritten(task: Task) -> None:
    first = task("etcd_key", key="a", value="blue")
    assert task("etcd_key", key="a", value="green", prev_value="blue")["changed"]
    # The same task once more has nothing to do.
    assert not task("etcd_key", key="a", value="green", prev_value="blue")["changed"]
    task("etcd_key", key="a", value="red")
    for presumed in ({"prev_value": "blue"}, {"prev_revision": first["revision"]}, {"prev_revision": 0}):
        code, found = task.refused("etcd_key", key="a", value="green", **presumed)
        assert (code, found.startswith("a ")) == ("compare-failed", True)
        assert task.refused("etcd_key", key="a", state="absent", **presumed)[0] == "compare-failed"
    assert task.refused("etcd_key", key="none", value="x", prev_value="")[0] == "compare-failed"
    assert task("etcd_key", key="none", value="x", prev_revision=0)["changed"]
    assert not task("etcd_key", key="a", value="once", force=False)["changed"]
    assert held(task, "a") == b"red"


def test_a_key_stays_on_its_lease_until_it_is_taken_off(task: Task) -> None:
    lease = task("etcd_lease", ttl=600)["lease"]
    assert task("etcd_key", key="a", value="1", lease=lease)["lease"] == lease
    assert not task("etcd_key", key="a", value="1", lease=lease)["changed"]
    assert task("etcd_key", key="a", value="2")["lease"] == lease
    assert task("etcd_lease", state="listed", lease=lease)["keys_on_lease"] == ["a"]
    off = task("etcd_key", key="a", value="2", lease="0")
    assert (off["changed"], off["lease"]) == (True, "")
    assert task("etcd_key", key="b", value="2", lease=lease)["changed"]
    task("etcd_lease", state="revoked", lease=lease)
    assert (held(task, "a"), held(task, "b")) == (b"2", None)
    code, found = task.refused("etcd_key", key="c", value="1", lease=lease)
    assert (code, found) == ("lease-gone", f"There is no lease {lease}: it has run out, or was revoked.")


def test_leases_are_granted_renewed_listed_and_revoked(task: Task) -> None:
    assert task("etcd_lease", ttl=600, check_mode=True)["changed"]
    assert task("etcd_lease", state="listed")["leases"] == []
    granted = task("etcd_lease", ttl=600, lease="abc")
    assert (granted["changed"], granted["lease"], granted["ttl"]) == (True, "abc", 600)
    assert not task("etcd_lease", ttl=600, lease="abc")["changed"]
    assert task("etcd_lease", state="listed")["leases"] == ["abc"]
    renewed = task("etcd_lease", state="renewed", lease="abc")
    assert (renewed["changed"], renewed["granted_ttl"]) == (False, 600)
    assert task("etcd_lease", state="revoked", lease="abc", check_mode=True)["changed"]
    assert task("etcd_lease", state="revoked", lease="abc")["changed"]
    assert not task("etcd_lease", state="revoked", lease="abc")["changed"]
    assert task.refused("etcd_lease", state="renewed", lease="abc")[0] == "lease-gone"
    assert task("etcd_lease", state="listed", lease="abc")["ttl"] == -1


def test_what_is_no_text_is_taken_and_given_as_base64(task: Task) -> None:
    binary = {"value": BINARY, "encoding": "base64"}
    assert task("etcd_key", key="a", **binary)["changed"]
    assert not task("etcd_key", key="a", **binary)["changed"]
    assert held(task, "a") == b"\xff\x00\xfe"
    code, found = task.refused("etcd_key_info", key="a")
    assert (code, found) == ("not-text", "The value of a is no UTF-8 text (3 bytes, the first wrong one at 0).")
    (entry,) = task("etcd_key_info", key="a", encoding="base64")["entries"]
    assert (entry["key"], entry["value"]) == ("a", BINARY)
    over = task("etcd_key", key="a", value="text")
    assert (over["old_value"], over["old_value_is_base64"]) == (BINARY, True)
    task("etcd_key", key=BINARY, key_encoding="base64", value="1")
    assert task.refused("etcd_key_info", key="", prefix=True)[0] == "not-text"
    read = task("etcd_key_info", key="", prefix=True, key_encoding="base64")
    assert [one["key"] for one in read["entries"]] == [base64.b64encode(b"a").decode(), BINARY]
    assert task.refused("etcd_key", key="a", value="no base64!", encoding="base64")[0] == "bad-input"


def test_values_are_hidden_where_that_is_asked_for(task: Task) -> None:
    task("etcd_key", key="a", value="old-secret")
    for mode in (True, False):
        result = task("etcd_key", key="a", value="new-secret", hide_values=True, check_mode=mode)
        assert result["changed"]
        assert "secret" not in str(result)
        assert (result["diff"]["before"], result["diff"]["after"]) == ("(hidden)\n", "(hidden), another one\n")
    options = {"then": [{"put": "a", "value": "third-secret"}, {"get": "a"}]}
    assert "secret" not in str(task("etcd_txn", hide_values=True, **options))
    assert held(task, "a") == b"third-secret"
    # Nor where the task fails.
    for name, options in (
        ("etcd_key", {"key": "a", "value": "a-secret", "prev_value": "b-secret"}),
        ("etcd_txn", {"then": [{"put": "a", "value": "c-secret"}, {"put": "a", "value": "d-secret"}]}),
    ):
        outcome = task.run(name, hide_values=True, **options)
        assert outcome.failed
        assert "secret" not in str(outcome.result)


def test_keys_are_read_in_pages_of_one_revision(task: Task) -> None:
    with Client(task.endpoints) as client:
        for number in range(25):
            revision = client.put(f"/app/{number:02}", str(number))
        client.put("/other", "x")
    whole = task("etcd_key_info", key="/app/", prefix=True, page_size=10)
    assert [one["value"] for one in whole["entries"]] == [str(number) for number in range(25)]
    assert (whole["count"], whole["more"], whole["last_key"]) == (25, False, "/app/24")
    first = task("etcd_key_info", key="/app/", prefix=True, page_size=3, limit=7)
    assert (len(first["entries"]), first["count"], first["more"]) == (7, 25, True)
    with Client(task.endpoints) as client:
        client.delete("/app/09")
    rest = task("etcd_key_info", key="/app/", prefix=True, after=first["last_key"], revision=first["revision"])
    assert [one["value"] for one in rest["entries"]] == [str(number) for number in range(7, 25)]
    then = task("etcd_key_info", key="/app/", prefix=True, revision=revision - 20)
    assert (then["count"], then["revision"]) == (5, revision - 20)
    assert task("etcd_key_info", key="/app/", prefix=True, count_only=True)["count"] == 24
    names = task("etcd_key_info", key="/app/20", range_end="/app/22", keys_only=True)["entries"]
    assert [(one["key"], "value" in one) for one in names] == [("/app/20", False), ("/app/21", False)]
    assert task("etcd_key_info", key="none")["count"] == 0
    with Client(task.endpoints) as client:
        client.compact(revision)
    code, found = task.refused("etcd_key_info", key="/app/00", revision=revision - 20)
    assert (code, found) == ("revision-compacted", f"Revision {revision - 20} was compacted.")
    assert task.refused("etcd_key_info", key="/app/00", revision=revision + 1000)[0] == "revision-ahead"


def test_a_transaction_does_one_thing_or_the_other(task: Task) -> None:
    task("etcd_key", key="active", value="blue")
    options = {
        "compare": [{"key": "active", "value": "blue"}, {"key": "lock", "exists": False}],
        "then": [{"put": "active", "value": "green"}, {"put": "previous", "value": "blue"}, {"delete": "none"}],
        "else": [{"get": "active"}, {"delete": "prev", "prefix": True}],
    }
    foreseen = task("etcd_txn", check_mode=True, **options)
    assert held(task, "active") == b"blue"
    done = task("etcd_txn", **options)
    for one in (foreseen, done):
        assert (one["changed"], one["succeeded"]) == (True, True)
        assert one["diff"] == {"before": "active: blue\n", "after": "active: green\nprevious: blue\n"}
        assert [response["kind"] for response in one["responses"]] == ["put", "put", "delete"]
    assert (held(task, "active"), held(task, "previous")) == (b"green", b"blue")
    foreseen = task("etcd_txn", check_mode=True, **options)
    other = task("etcd_txn", **options)
    for one in (foreseen, other):
        assert (one["changed"], one["succeeded"]) == (True, False)
        assert one["responses"][0]["entries"][0]["value"] == "green"
        assert one["diff"] == {"before": "previous: blue\n", "after": ""}
    again = task("etcd_txn", **options)
    assert (again["changed"], again["succeeded"]) == (False, False)


@pytest.mark.parametrize(
    "compared, holds",
    [
        ({"target": "version", "value": "2"}, True),
        ({"target": "version", "result": "less", "value": "2"}, False),
        ({"target": "create_revision", "result": "not_equal", "value": "0"}, True),
        ({"target": "mod_revision", "result": "greater", "value": "1"}, True),
        ({"target": "lease", "value": "0"}, True),
        ({"exists": True}, True),
        ({"exists": False}, False),
        ({"value": "x", "result": "greater"}, True),
    ],
    ids=str,
)
def test_each_comparison(
    version: str, make_cluster: MakeCluster, run_module: RunModule, compared: dict[str, Any], holds: bool
) -> None:
    task = Task(run_module, make_cluster(version))
    for value in ("y", "z"):
        task("etcd_key", key="k", value=value)
    assert task("etcd_txn", compare=[{"key": "k", **compared}])["succeeded"] is holds


def test_reserved_keys_are_neither_written_nor_deleted(task: Task) -> None:
    with Client(task.endpoints) as client:
        lease = client.lease_grant(600)["lease"]
        client.put("/quorum.etcd/turn", "somebody", lease=lease)
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("etcd_key", {"key": "/quorum.etcd/turn", "value": "x"}),
        ("etcd_key", {"key": "/_etcd/x", "value": "x"}),
        ("etcd_key", {"key": "/quorum.etcd/turn", "state": "absent"}),
        ("etcd_key", {"key": "", "state": "absent", "prefix": True}),
        ("etcd_key", {"key": "/q", "state": "absent", "prefix": True}),
        ("etcd_txn", {"then": [{"put": "/quorum.etcd/turn", "value": "x"}]}),
        ("etcd_txn", {"else": [{"delete": "/quorum", "prefix": True}]}),
        ("etcd_lease", {"state": "revoked", "lease": f"{lease:x}"}),
        ("etcd_lock", {"name": "/quorum.etcd", "wait": 0}),
        ("etcd_lock", {"name": "/quorum.etcd/turn", "wait": 0}),
        ("etcd_lock", {"name": "/_etcd", "state": "released", "lease": f"{lease:x}"}),
    ]
    for name, options in attempts:
        assert task.refused(name, **options)[0] == "key-reserved", options
    assert held(task, "/quorum.etcd/turn") == b"somebody"
    assert task("etcd_key_info", key="/quorum.etcd/", prefix=True)["count"] == 1
    assert task("etcd_key", key="/quorum.etcdx", value="1")["changed"]


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("etcd_key", {"key": "", "value": "x"}, "key is empty"),
        ("etcd_key", {"key": "a"}, "state is present but all of the following are missing: value"),
        ("etcd_key", {"key": "a", "value": "x", "prefix": True}, "prefix goes with state: absent only"),
        ("etcd_key", {"key": "a", "value": "x", "lease": "xyz"}, "lease 'xyz' is no lease id"),
        ("etcd_key_info", {"key": "a", "limit": -1}, "limit is -1; give a number from 0."),
        ("etcd_key_info", {"key": "a", "page_size": 0}, "page_size is 0; give a number from 1."),
        ("etcd_txn", {"compare": [{"key": "a"}]}, "compare: a: neither exists nor value says"),
        ("etcd_txn", {"compare": [{"key": "a", "target": "version", "value": "x"}]}, "compare: version is compared"),
        ("etcd_txn", {"then": [{"put": "a"}]}, "put: a: value belongs to put"),
        ("etcd_txn", {"then": [{"get": "a", "value": "x"}]}, "get: a: value belongs to put"),
        ("etcd_txn", {"then": [{"put": "a", "get": "b"}]}, "parameters are mutually exclusive: put|delete|get"),
        ("etcd_lease", {"ttl": 0}, "ttl is 0; give seconds from 1."),
        ("etcd_lease", {"state": "revoked"}, "state is revoked but all of the following are missing: lease"),
        ("etcd_lock", {"name": "/"}, "name '/' is no name for a lock"),
        ("etcd_lock", {"name": "x", "ttl": 0}, "ttl counts seconds from 1"),
        ("etcd_watch_info", {"key": "x", "wait": -1}, "revision and wait are numbers from 0."),
    ],
)
def test_what_cannot_be_is_refused_before_etcd_is_asked(
    run_module: RunModule, name: str, options: dict[str, Any], said: str
) -> None:
    outcome = run_module(name, endpoints=["http://127.0.0.1:1"], **options)
    assert outcome.failed
    assert outcome.result["msg"].startswith(said)
