# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases made up here; those of real members are read in tests/component."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._formats import bbolt
from ansible_collections.quorum.etcd.plugins.module_utils._formats.bbolt import BadDatabase, Database
from bbolt_file import BRANCH, BUCKET, LEAF, NO_FREELIST, Pages, database
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = {b"%05d" % at: b"value %d" % at for at in range(100)}


@pytest.fixture
def opened(tmp_path):
    """A database of some bytes."""
    files = []

    def open_(content: bytes) -> Database:
        path = tmp_path / f"{len(files)}"
        path.write_bytes(content)
        files.append(path.open("rb", buffering=0))
        return Database(files[-1], len(content))

    yield open_
    for file in files:
        file.close()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_what_was_put_in_is_read_in_order(opened, order, page_size):
    found = opened(database({b"a": {b"x": b"y"}, b"numbers": NUMBERS}, page_size=page_size, order=order))
    assert dict(found.bucket(b"numbers").items()) == NUMBERS
    assert list(found.bucket(b"numbers").items()) == sorted(NUMBERS.items())
    assert found.bucket(b"numbers").last_key() == b"00099"
    found.check()


def test_an_inline_bucket_is_a_bucket(opened):
    found = opened(database({b"a": {b"x": b"y", b"z": b""}, b"b": NUMBERS}, inline=[b"a"]))
    assert dict(found.bucket(b"a").items()) == {b"x": b"y", b"z": b""}
    assert found.bucket(b"a").last_key() == b"z"
    found.check()


def test_an_empty_bucket_has_no_last_key(opened):
    found = opened(database({b"a": {}, b"b": {}}, inline=[b"b"]))
    assert [found.bucket(name).last_key() for name in (b"a", b"b")] == [None, None]
    assert found.bucket(b"c") is None


def test_a_key_of_the_root_is_no_bucket(opened):
    pages = Pages()
    found = opened(pages.file(pages.tree([(b"a", b"value", 0)])))
    assert found.bucket(b"a") is None


def test_a_value_may_run_over_into_the_pages_that_follow(opened):
    large = {b"a": bytes(10_000), b"b": b"after it"}
    found = opened(database({b"large": large}))
    assert dict(found.bucket(b"large").items()) == large
    assert found.bucket(b"large").last_key() == b"b"
    found.check()


def test_the_newer_meta_page_counts_wherever_it_lies(opened):
    pages = Pages()
    old = pages.tree([(b"a", pages.bucket({b"x": b"old"}), BUCKET)])
    new = pages.tree([(b"a", pages.bucket({b"x": b"new"}), BUCKET)])
    rest = b"".join(pages.pages[2:])
    metas = pages.meta(old, NO_FREELIST, 6), pages.meta(new, NO_FREELIST, 7)
    for first, second in (metas, metas[::-1]):
        assert dict(opened(first + second + rest).bucket(b"a").items()) == {b"x": b"new"}
    torn = bytes(4096)
    assert dict(opened(torn + metas[1] + rest).bucket(b"a").items()) == {b"x": b"new"}
    assert dict(opened(metas[0] + torn + rest).bucket(b"a").items()) == {b"x": b"old"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        bytes(8192),
        b"\xff" * 100_000,
        Pages().meta(2, 3, 4, version=1) * 2,
        bytes([Pages().meta(2, 3, 4)[0]]) + Pages().meta(2, 3, 4)[1:40] + b"\xff" + Pages().meta(2, 3, 4)[41:],
    ],
)
def test_what_has_no_whole_meta_page_is_no_database(opened, content):
    with pytest.raises(BadDatabase, match="neither of its first two pages describes a database"):
        opened(content)


def broken(make):
    """A database whose root page is what a function adds."""
    pages = Pages()
    root = make(pages)
    return pages.file(root)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (broken(lambda pages: 99), "a reference to page 99 of 3"),
        (broken(lambda pages: 1), "a reference to page 1 of 3"),
        (broken(lambda pages: pages.page(LEAF, 0, b"", number=7)), "page 2 says that it is page 7"),
        (broken(lambda pages: pages.page(0x10, 0, b"")), "page 2 is of kind 0x10"),
        (broken(lambda pages: pages.page(LEAF | BRANCH, 0, b"")), "page 2 is of kind 0x3"),
        (broken(lambda pages: pages.page(LEAF, 300, b"")), "page 2 has 300 elements, which do not fit"),
        (broken(lambda pages: pages.page(BRANCH, 0, b"")), "a tree without leaves"),
        (broken(lambda pages: pages.page(BRANCH, 1, pages.branch_body([(b"", 2)]))), "circles|a tree without leaves"),
        (broken(lambda pages: pages.page(LEAF, 1, struct.pack("<IIII", 0, 8, 1, 1))), "lies outside of its page"),
        (broken(lambda pages: pages.page(LEAF, 1, struct.pack("<IIII", 0, 16, 1, 4096))), "lies outside of its page"),
        (broken(lambda pages: pages.page(LEAF, 1, struct.pack("<IIII", 0, 5000, 1, 1))), "lies outside of its page"),
        (broken(lambda pages: pages.tree([(b"a", b"short", BUCKET)])), "a bucket of 5 bytes"),
        (broken(lambda pages: pages.tree([(b"a", bytes(16), BUCKET)])), "a page of 0 bytes"),
    ],
)
def test_a_damaged_tree_is_told(opened, content, problem):
    found = opened(content)
    with pytest.raises(BadDatabase, match=problem):
        found.bucket(b"a").last_key()


def test_a_page_that_runs_over_the_end_is_told(opened):
    pages = Pages()
    root = pages.page(LEAF, 0, b"")
    pages.pages[root] = struct.pack("<QHHI", root, LEAF, 0, 5).ljust(4096, b"\0")
    with pytest.raises(BadDatabase, match="page 2 ends beyond the last page"):
        opened(pages.file(root)).bucket(b"a")


def test_branches_in_a_circle_come_to_an_end(opened):
    """Each of them names the other a hundred times: walked blindly, they take as long as the universe."""
    pages = Pages()
    first = pages.page(BRANCH, 100, pages.branch_body([(b"", 3)] * 100))
    pages.page(BRANCH, 100, pages.branch_body([(b"", first)] * 100))
    with pytest.raises(BadDatabase, match="circles|without leaves"):
        opened(pages.file(first)).bucket(b"a")


def test_a_page_with_two_parents_is_told_by_the_walk(opened):
    pages = Pages()
    leaf = pages.page(LEAF, 1, pages.leaf_body([(b"a", b"", 0)]))
    root = pages.page(BRANCH, 2, pages.branch_body([(b"a", leaf), (b"b", leaf)]))
    with pytest.raises(BadDatabase, match=f"page {leaf} is used twice"):
        opened(pages.file(root)).check()


def test_keys_out_of_order_are_told_by_the_walk(opened):
    pages = Pages()
    root = pages.page(LEAF, 2, pages.leaf_body([(b"b", b"", 0), (b"a", b"", 0)]))
    with pytest.raises(BadDatabase, match="the keys of page 2 are not in order"):
        opened(pages.file(root)).check()


def test_a_page_that_is_free_and_used_is_told_by_the_walk(opened):
    pages = Pages()
    root = pages.tree([(b"a", b"", 0)])
    free = pages.page(0x10, 0, b"")
    assert opened(pages.file(root, freelist=free)).check() is None
    with pytest.raises(BadDatabase, match="page 2 is of kind 0x2"):
        opened(pages.file(root, freelist=root)).check()


def test_a_bucket_that_is_read_whole_is_small(opened, monkeypatch):
    monkeypatch.setattr(bbolt, "_LARGEST_BUCKET", 1000)
    found = opened(database({b"a": NUMBERS}))
    with pytest.raises(BadDatabase, match="larger than any can be"):
        dict(found.bucket(b"a").items())


def test_a_file_that_shrinks_meanwhile_is_told(tmp_path):
    path = tmp_path / "db"
    path.write_bytes(database({b"a": NUMBERS}))
    with path.open("rb", buffering=0) as file:
        found = Database(file, path.stat().st_size)
        path.write_bytes(path.read_bytes()[:8192])
        with pytest.raises(BadDatabase, match="cut off while it was read"):
            found.bucket(b"a")


@given(st.data())
def test_whatever_is_in_a_file_reading_it_ends_in_order_or_in_an_error(tmp_path_factory, data):
    content = bytearray(database({b"a": NUMBERS, b"key": NUMBERS}, page_size=512))
    for _change in range(data.draw(st.integers(1, 20))):
        # The meta pages are left alone, so that what follows is looked at.
        content[data.draw(st.integers(1024, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("db") / "db"
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file:
        for act in (
            lambda found: found.check(),
            lambda found: found.bucket(b"key").last_key(),
            lambda found: dict(found.bucket(b"a").items()),
        ):
            try:
                act(Database(file, len(content)))
            except (BadDatabase, AttributeError) as exc:
                # The name of a bucket may be what was changed.
                assert isinstance(exc, BadDatabase) or "NoneType" in str(exc)
