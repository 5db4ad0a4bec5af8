# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a listing of API version 2 says."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content, V2Key

# As etcd 3.4.23 answers /v2/keys/?recursive=true.
ROOT = {
    "dir": True,
    "nodes": [
        {"key": "/t", "value": "z", "ttl": 300, "modifiedIndex": 13, "createdIndex": 13},
        {"key": "/empty", "dir": True, "modifiedIndex": 12, "createdIndex": 12},
        {
            "key": "/a",
            "dir": True,
            "ttl": 60,
            "nodes": [
                {"key": "/a/2", "value": "", "modifiedIndex": 5, "createdIndex": 5},
                {"key": "/a/1", "value": "y", "ttl": 10, "modifiedIndex": 4, "createdIndex": 4},
            ],
            "modifiedIndex": 4,
            "createdIndex": 4,
        },
    ],
}


def test_every_key_is_found_in_an_order_of_its_own_whatever_order_etcd_gives() -> None:
    assert V2Content.from_node(ROOT).keys == (
        V2Key("/a/1", "y", 4, 10),
        V2Key("/a/2", "", 5, 60),
        V2Key("/t", "z", 13, 300),
    )


def test_a_directory_comes_before_what_is_in_it() -> None:
    node = {"nodes": [{"key": "/b", "dir": True, "nodes": [{"key": "/b/c", "dir": True}]}, {"key": "/a", "dir": True}]}
    assert V2Content.from_node(node).directories == ("/a", "/b", "/b/c")
    assert V2Content.from_node(ROOT).empty == ("/empty",)


def test_an_empty_store_has_nothing() -> None:
    assert V2Content.from_node({"dir": True}) == V2Content()


def test_what_has_expired_is_no_key_without_an_end() -> None:
    # As etcd 3.5.33 lists them in the half second before they are gone.
    expiration = "2026-08-01T12:00:00.916127178Z"
    over = {"key": "/a", "value": "x", "expiration": expiration, "modifiedIndex": 11}
    later = {"key": "/b", "value": "x", "expiration": expiration, "ttl": -1, "modifiedIndex": 12}
    inside = {"key": "/d", "dir": True, "expiration": expiration, "nodes": [{"key": "/d/a", "modifiedIndex": 13}]}
    assert V2Content.from_node({"nodes": [over, later, inside]}) == V2Content()


def test_a_summary_has_no_value() -> None:
    content = V2Content(tuple(V2Key(f"/{number}", "secret", number, 5) for number in range(200)))
    told = content.summary()
    assert (told["key_count"], told["expiring"], len(told["expiring_keys"])) == (200, 200, 100)
    assert "secret" not in str(told)


def test_a_value_that_is_no_text_cannot_be_read() -> None:
    assert not V2Key("/a", "\ufffd\ufffd", 4).is_readable
    assert V2Key("/a", "ü", 4).is_readable
