# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup, without an etcd."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.quorum.etcd.plugins.doc_fragments.connection import ModuleDocFragment as ConnectionDocs
from ansible_collections.quorum.etcd.plugins.lookup import kv
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

NAME = "quorum.etcd.kv"
KEYS = {b"/app/a": b"1", b"/app/b": b'{"n": 2}', b"/app/c": b"\xff", b"/other": b"x"}


class Etcd:
    """Has a few keys."""

    def call(self, _method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        first, end = request["key"], request["range_end"]
        keys = [key for key in sorted(KEYS) if key == first or (end and first <= key < end)]
        kvs = [{"key": key, "value": KEYS[key]} for key in keys]
        return {"header": {"revision": 9}, "kvs": kvs, "count": len(kvs), "more": False}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """With what options sessions were opened."""
    found: list[Mapping[str, Any]] = []

    @contextlib.contextmanager
    def session_of(options: Mapping[str, Any]) -> Iterator[Session]:
        found.append(options)
        yield Session(cast(Client, Etcd()), Credentials())

    monkeypatch.setattr(kv, "session_of", session_of)
    options = yaml.safe_load(ConnectionDocs.DOCUMENTATION)["options"]
    for name, said in yaml.safe_load(kv.DOCUMENTATION)["options"].items():
        options[name] = {**options.get(name, {}), **said}
    constants.config.initialize_plugin_configuration_definitions("lookup", NAME, options)
    return found


def read(*terms: str, variables: dict[str, Any] | None = None, **options: Any) -> list[Any]:
    plugin = kv.LookupModule()
    plugin._load_name = NAME
    return list(plugin.run(list(terms), variables=variables or {}, **options))


def test_keys_are_read_one_by_one(given: list[Mapping[str, Any]]) -> None:
    assert read("/app/a", "/other") == ["1", "x"]
    assert read("/app/b", json=True) == [{"n": 2}]
    assert read("/app/c", encoding="base64") == ["/w=="]
    assert read("/none", "/other", missing="empty") == ["x"]


def test_a_prefix_is_a_dictionary(given: list[Mapping[str, Any]]) -> None:
    assert read("/app/", prefix=True, encoding="base64") == [{"a": "MQ==", "b": "eyJuIjogMn0=", "c": "/w=="}]


@pytest.mark.parametrize(
    "terms, options, said",
    [
        (["/none"], {}, "There is no key /none."),
        (["/app/c"], {}, "The value of /app/c is no UTF-8 text"),
        (["/other"], {"json": True}, "The value of /other is no JSON text"),
        ([""], {}, "key is empty"),
    ],
)
def test_what_cannot_be_given_ends_the_task(
    given: list[Mapping[str, Any]], terms: list[str], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AnsibleError, match=said):
        read(*terms, **options)


def test_variables_and_the_environment_name_the_cluster(
    given: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    read("/other", variables={"quorum_etcd_kv_endpoints": ["http://a:1"]})
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", "http://b:1,http://c:1")
    monkeypatch.setenv("ETCDCTL_USER", "app:word")
    read("/other")
    assert [one["endpoints"] for one in given] == [["http://a:1"], ["http://b:1", "http://c:1"]]
    assert (given[1]["username"], given[1]["password"]) == ("app", "word")
