# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, member_files, rollback

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps a member's files")


@pytest.fixture
def host(layout):
    """A settings file, a link, and leaves of one generation."""
    generation = Path(layout.ssl_dir, "generation-1")
    generation.mkdir(parents=True)
    Path(generation, "etcd-key.pem").write_text("the key")
    os.symlink("generation-1", member_files.generation_link(layout))
    os.symlink("/opt/etcd/3.6.14/etcd", layout.link("etcd"))
    Path(layout.conf_file).write_bytes(b"ETCD_NAME=\xff\n")
    os.chmod(layout.conf_file, 0o640)
    os.chown(layout.conf_file, 0, 54321)
    Path(layout.state_dir).mkdir(parents=True)
    return layout


def paths(layout):
    return [layout.conf_file, layout.link("etcd"), layout.gate_file]


def replace_all(layout, link="/opt/etcd/3.7.1/etcd"):
    """What an update does to them: the gate is new."""
    Path(layout.conf_file).write_text("ETCD_NAME=new\n")
    os.chmod(layout.conf_file, 0o600)
    os.unlink(layout.link("etcd"))
    os.symlink(link, layout.link("etcd"))
    Path(layout.gate_file).parent.mkdir(parents=True, exist_ok=True)
    Path(layout.gate_file).write_text("#!/bin/sh\n")
    os.unlink(member_files.generation_link(layout))
    os.symlink("generation-2", member_files.generation_link(layout))


def restored(layout):
    found = os.stat(layout.conf_file)
    return (
        Path(layout.conf_file).read_bytes() == b"ETCD_NAME=\xff\n"
        and (found.st_mode & 0o7777, found.st_gid) == (0o640, 54321)
        and os.readlink(layout.link("etcd")) == "/opt/etcd/3.6.14/etcd"
        and os.readlink(member_files.generation_link(layout)) == "generation-1"
        and not os.path.lexists(layout.gate_file)
    )


def test_what_a_turn_replaced_comes_back_as_it_was(host):
    rollback.keep(host, paths(host))
    replace_all(host)
    kept = rollback.read(host)
    rollback.restore(kept)
    assert restored(host)
    rollback.restore(kept)
    assert restored(host), "once more, after it was interrupted"


def test_what_is_kept_is_never_overwritten(host):
    rollback.keep(host, paths(host), ["https://10.0.0.1:2380"])
    replace_all(host)
    rollback.keep(host, paths(host), ["https://10.0.0.9:2380"])
    kept = rollback.read(host)
    assert kept.peer_urls == ("https://10.0.0.1:2380",)
    rollback.restore(kept)
    assert restored(host)


def test_what_another_turn_replaces_too_is_kept_beside_it(host):
    rollback.keep(host, [host.conf_file])
    replace_all(host, link="/opt/etcd/3.6.14/etcd")
    os.unlink(host.gate_file)
    rollback.keep(host, paths(host), ["https://10.0.0.1:2380"])
    replace_all(host)
    kept = rollback.read(host)
    assert kept.peer_urls == ("https://10.0.0.1:2380",)
    rollback.restore(kept)
    assert restored(host)


def test_a_file_where_a_link_was_makes_room_for_it_again(host):
    rollback.keep(host, paths(host))
    os.unlink(host.link("etcd"))
    Path(host.link("etcd")).write_text("a program\n")
    rollback.restore(rollback.read(host))
    assert restored(host)


def test_no_key_is_in_it_and_root_alone_reads_it(host):
    rollback.keep(host, paths(host))
    text = Path(rollback.path_of(host)).read_text()
    assert "the key" not in text and "dGhlIGtleQ" not in text
    assert os.stat(rollback.path_of(host)).st_mode & 0o7777 == 0o600


def test_it_names_the_leaves_that_it_needs(host):
    assert rollback.generations(rollback.keep(host, []), host) == ["generation-1"]
    rollback.drop(host)
    os.unlink(member_files.generation_link(host))
    assert rollback.generations(rollback.keep(host, []), host) == []


def test_once_dropped_there_is_none(host):
    assert rollback.read(host) is None
    rollback.keep(host, paths(host))
    rollback.drop(host)
    assert rollback.read(host) is None
    rollback.drop(host)


def test_with_which_the_member_served_is_not_overwritten_by_one_with_which_it_does_not(host):
    rollback.keep(host, paths(host))
    replace_all(host)
    assert not rollback.keep(host, paths(host), serves=False).doubtful
    rollback.restore(rollback.read(host))
    assert restored(host)


def test_with_which_it_did_not_serve_stays_while_it_does_not(host):
    assert rollback.keep(host, paths(host), serves=False).doubtful
    replace_all(host)
    assert rollback.keep(host, paths(host), serves=False).doubtful
    rollback.restore(rollback.read(host))
    assert restored(host)


@pytest.mark.parametrize("since", ["when it was kept", "once it was put back"])
def test_with_which_it_did_not_serve_makes_room_for_one_with_which_it_does(host, since):
    replace_all(host)
    rollback.keep(host, paths(host), ["https://10.0.0.1:2380"], serves=since != "when it was kept")
    if since == "once it was put back":
        rollback.doubt(host)
    Path(host.conf_file).write_text("ETCD_NAME=serves\n")
    kept = rollback.keep(host, paths(host))
    assert (kept.doubtful, kept.peer_urls) == (False, ())
    Path(host.conf_file).write_text("ETCD_NAME=newer\n")
    rollback.restore(rollback.read(host))
    assert Path(host.conf_file).read_text() == "ETCD_NAME=serves\n"


def test_of_a_former_release_counts_as_one_with_which_it_served(host):
    Path(rollback.path_of(host)).write_text('{"entries": {}, "peer_urls": []}')
    assert rollback.read(host) == rollback.Previous({})


def test_doubting_what_is_not_there_makes_none(host):
    rollback.doubt(host)
    assert rollback.read(host) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": {}}'])
def test_one_that_cannot_be_understood_is_a_clear_error(host, text):
    Path(rollback.path_of(host)).write_text(text)
    with pytest.raises(HostError, match="previous cannot be read: .* If the member serves, remove it"):
        rollback.read(host)


def test_what_was_new_goes_last(host, monkeypatch):
    """Until all is back the unit that names it may be started."""
    rollback.keep(host, [host.gate_file, host.conf_file, host.link("etcd")])
    replace_all(host)
    done = []
    for name in ("write", "link", "remove"):
        act = getattr(host_files, name)
        monkeypatch.setattr(
            host_files, name, lambda path, *rest, act=act, name=name: (done.append((name, path)), act(path, *rest))
        )
    rollback.restore(rollback.read(host))
    assert done[-1] == ("remove", host.gate_file)
    assert [name for name, _path in done].count("remove") == 1
