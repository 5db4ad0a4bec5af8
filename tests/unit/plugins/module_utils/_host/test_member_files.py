# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, member_files
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes a member's files")

STRANGER = 54321


def content(layout, leaves=("etcd", "peer", "admin"), issue=1, settings="ETCD_NAME=a\n"):
    """Two files, a link to each leaf and its key, and leaves of one issue."""
    files = [
        {"path": layout.conf_file, "content": settings, "mode": "0640", "owner": "root", "group": layout.group},
        {"path": layout.link("etcdctl"), "content": "#!/bin/sh\n", "mode": "0755", "owner": "root", "group": "root"},
    ]
    names = [name for leaf in ("etcd", "peer", "admin") for name in (leaf, f"{leaf}-key")]
    return Content(
        files,
        {layout.certificate(name): f"current/{name}.pem" for name in names},
        {leaf: f"certificate {leaf} {issue}" for leaf in leaves},
        {leaf: f"key {leaf} {issue}" for leaf in leaves},
    )


@pytest.fixture
def write(layout):
    def write(sent=None, on=layout, keep=()):
        """Writes, and returns the difference that was said before."""
        sent = sent or content(on)
        said = member_files.differences(sent)
        member_files.ensure_directories(on)
        member_files.write(on, sent, keep)
        return said

    return write


def pair(layout, leaf):
    return [Path(layout.certificate(name)).read_text() for name in (leaf, f"{leaf}-key")]


class TestAFirstWriting:
    def test_leaves_all_of_a_member(self, write, layout):
        assert write()
        assert Path(layout.conf_file).read_text() == "ETCD_NAME=a\n"
        for leaf in ("etcd", "peer", "admin"):
            assert pair(layout, leaf) == [f"certificate {leaf} 1", f"key {leaf} 1"]

    def test_gives_each_directory_to_whom_it_belongs(self, write, layout):
        write(on=replace(layout, user="nobody", group="nogroup", wal_dir=f"{layout.root}/wal/etcd"))
        nobody = host_files.owner_ids("nobody", "nogroup")[0]
        for path, mode, uid in (
            (layout.data_dir, 0o700, nobody),
            (f"{layout.root}/wal", 0o700, nobody),
            (layout.state_dir, 0o700, 0),
            (layout.run_dir, 0o700, 0),
            (layout.conf_dir, 0o755, 0),
            (layout.ssl_dir, 0o755, 0),
        ):
            found = os.stat(path)
            assert (found.st_mode & 0o7777, found.st_uid) == (mode, uid), path

    def test_makes_the_directory_of_links_where_it_is_missing(self, write, layout):
        elsewhere = replace(layout, bin_dir=f"{layout.root}/srv/etcd/bin")
        write(on=elsewhere)
        assert os.access(elsewhere.link("etcdctl"), os.X_OK)


class TestKeys:
    def test_are_closed_to_all_but_their_owner(self, write, layout):
        write(on=replace(layout, user="nobody", group="nogroup"))
        nobody, root = host_files.owner_ids("nobody", "nogroup")[0], 0
        for leaf, owner in (("etcd", nobody), ("peer", nobody), ("admin", root)):
            key, certificate = (os.stat(layout.certificate(name)) for name in (f"{leaf}-key", leaf))
            assert (key.st_mode & 0o7777, key.st_uid) == (0o600, owner)
            assert (certificate.st_mode & 0o7777, certificate.st_uid) == (0o644, root)

    def test_are_in_no_difference_that_is_shown(self, write):
        said = write()
        assert said
        assert "key etcd" not in str(said)

    def test_of_leaves_that_stay_are_never_open_either(self, write, layout, monkeypatch):
        write()
        modes = []
        replacing = os.replace

        def watching(source, target):
            if "-key" in str(target):
                modes.append(os.stat(source).st_mode & 0o777)
            replacing(source, target)

        monkeypatch.setattr(os, "replace", watching)
        write(content(layout, ["etcd"], issue=2))
        assert modes == [0o600] * 3


class TestAnotherIssue:
    def test_replaces_its_leaves_and_keeps_the_others(self, write, layout):
        write()
        write(content(layout, ["peer"], issue=2))
        assert pair(layout, "peer") == ["certificate peer 2", "key peer 2"]
        assert pair(layout, "etcd") == ["certificate etcd 1", "key etcd 1"]
        assert os.stat(layout.certificate("admin-key")).st_mode & 0o7777 == 0o600

    def test_leaves_the_generation_before_and_none_older(self, write, layout):
        for issue in range(1, 5):
            write(content(layout, issue=issue))
        generations = [name for name in os.listdir(layout.ssl_dir) if name.startswith("generation-")]
        kept = {Path(layout.ssl_dir, name, "etcd.pem").read_text() for name in generations}
        assert kept == {"certificate etcd 3", "certificate etcd 4"}

    def test_leaves_one_that_is_still_needed(self, write, layout):
        write()
        first = os.readlink(f"{layout.ssl_dir}/current")
        for issue in range(2, 5):
            write(content(layout, issue=issue), keep=[first])
        assert Path(layout.ssl_dir, first, "etcd-key.pem").read_text() == "key etcd 1"

    def test_leaves_the_generation_before_where_the_directory_is_reached_by_a_link(self, write, layout):
        elsewhere = Path(layout.root, "elsewhere")
        elsewhere.mkdir()
        os.symlink(elsewhere, layout.conf_dir)
        for issue in (1, 2):
            write(content(layout, issue=issue))
        assert len([name for name in os.listdir(layout.ssl_dir) if name.startswith("generation-")]) == 2

    def test_that_was_interrupted_is_done_again(self, write, layout):
        write()
        os.unlink(f"{layout.ssl_dir}/current")
        write(content(layout, issue=1))
        assert pair(layout, "etcd") == ["certificate etcd 1", "key etcd 1"]

    def test_replaces_a_generation_that_was_removed_by_hand(self, write, layout):
        write()
        generation = Path(layout.ssl_dir, os.readlink(f"{layout.ssl_dir}/current"))
        generation.rename(f"{layout.root}/away")
        write(content(layout, issue=2))
        assert pair(layout, "etcd") == ["certificate etcd 2", "key etcd 2"]

    def test_is_not_made_where_all_leaves_are_good(self, write, layout):
        write()
        before = os.readlink(f"{layout.ssl_dir}/current")
        write(content(layout, leaves=()))
        assert os.readlink(f"{layout.ssl_dir}/current") == before


class TestASecondWriting:
    def test_writes_only_what_differs(self, write, layout):
        write()
        before = os.stat(layout.link("etcdctl")).st_ino
        said = write(content(layout, leaves=(), settings="ETCD_NAME=b\n"))
        assert os.stat(layout.link("etcdctl")).st_ino == before
        assert [(one["before"], one["after"]) for one in said] == [("ETCD_NAME=a\n", "ETCD_NAME=b\n")]
        assert Path(layout.conf_file).read_text() == "ETCD_NAME=b\n"

    def test_puts_right_what_somebody_changed(self, write, layout):
        write()
        os.chmod(layout.conf_file, 0o666)
        os.unlink(layout.link("etcdctl"))
        os.symlink("/bin/true", layout.link("etcdctl"))
        write(content(layout, leaves=()))
        assert os.stat(layout.conf_file).st_mode & 0o7777 == 0o640
        assert not os.path.islink(layout.link("etcdctl"))
        assert Path("/bin/true").exists()


class TestDirectoriesThatWereThere:
    """They may be others' too: nobody gets another owner or mode without a word."""

    @pytest.mark.parametrize("where", ["wal_dir", "log_file"])
    def test_stay_as_they_are_where_etcd_can_write(self, write, layout, where):
        """As with etcd_system_user: root, to whom /var/log belongs."""
        theirs = Path(layout.root, "log")
        theirs.mkdir(mode=0o755)
        os.chmod(theirs, 0o1777)
        write(on=replace(layout, **{where: f"{theirs}/etcd.log"}))
        assert theirs.stat().st_mode & 0o7777 == 0o1777

    @pytest.mark.parametrize("where", ["conf_dir", "ssl_dir"])
    def test_stay_as_they_are_where_etcd_can_go_through(self, write, layout, where):
        theirs = Path(getattr(layout, where))
        theirs.mkdir(parents=True)
        os.chown(theirs, 0, grp.getgrnam(layout.group).gr_gid)
        os.chmod(theirs, 0o750)
        write()
        assert theirs.stat().st_mode & 0o7777 == 0o750

    @pytest.mark.parametrize(
        "owner, mode, remedy",
        [(STRANGER, 0o755, "chown root:root"), (0, 0o777, "chmod 0755"), (0, 0o700, "chmod o+x")],
    )
    def test_are_refused_where_they_are_not_suitable_and_what_is_advised_is_accepted(
        self, write, layout, owner, mode, remedy
    ):
        on = replace(layout, user="nobody", group="nogroup")
        theirs = Path(on.conf_dir)
        theirs.mkdir(parents=True)
        os.chown(theirs, owner, owner)
        os.chmod(theirs, mode)
        with pytest.raises(HostError, match=re.escape(remedy)) as caught:
            member_files.ensure_directories(on)
        found = theirs.stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (mode, owner)
        subprocess.run(str(caught.value).rpartition(": ")[2], shell=True, check=True)
        member_files.ensure_directories(on)


class TestDirectoriesBesideEachOther:
    @pytest.fixture
    def on(self, layout):
        # pytest's own directories are closed to everybody else.
        with tempfile.TemporaryDirectory(dir="/var/tmp") as top:
            os.chmod(top, 0o755)
            tree = {"data_dir": "data", "wal_dir": "wal", "log_file": "logs/etcd.log"}
            below = {name: f"{top}/srv/etcd/{path}" for name, path in tree.items()}
            trusted = {name: f"{top}/{name}" for name in ("conf_dir", "install_dir", "bin_dir")}
            yield replace(layout, user="nobody", group="nogroup", **below, **trusted)

    def test_are_all_made_for_etcd(self, write, on):
        assert member_files.unsuitable(on) == {"closed": [], "unwritable": []}
        write(on=on)
        nobody = host_files.owner_ids("nobody", "nogroup")[0]
        parent = os.path.dirname(on.wal_dir)
        for path in (parent, on.data_dir, os.path.dirname(on.log_file)):
            assert (os.stat(path).st_uid, os.stat(path).st_mode & 0o7777) == (nobody, 0o700), path
        assert not os.path.exists(on.wal_dir), "etcd makes it itself"
        assert member_files.unsuitable(on) == {"closed": [], "unwritable": []}

    def test_that_were_made_by_root_are_seen_before_and_what_is_advised_is_accepted(self, write, on):
        parent = os.path.dirname(on.wal_dir)
        os.makedirs(parent)
        (found,) = member_files.unsuitable(on)["unwritable"]
        assert found == {"setting": "etcd_wal_dir", "path": parent, "owner": "root", "group": "root", "mode": "0755"}
        with pytest.raises(HostError, match=f"Set etcd_wal_dir one directory deeper, {on.deeper(on.wal_dir)}, which"):
            write(on=on)
        advised = replace(on, wal_dir=on.deeper(on.wal_dir))
        assert member_files.unsuitable(advised)["unwritable"] == []
        write(on=advised)

    def test_below_a_home_that_is_closed_are_seen_before_and_what_is_advised_is_accepted(self, on):
        home = Path(os.path.dirname(on.wal_dir)).parent
        home.mkdir()
        os.chown(home, STRANGER, STRANGER)
        home.chmod(0o700)
        (found,) = member_files.unsuitable(on)["closed"]
        assert (found["setting"], found["path"], found["mode"]) == ("etcd_data_dir", str(home), "0700")
        home.chmod(0o701)
        assert member_files.unsuitable(on)["closed"] == []

    def test_that_a_list_of_rights_opens_are_not_judged(self, on, monkeypatch):
        home = Path(os.path.dirname(on.wal_dir)).parent
        home.mkdir(mode=0o700)
        monkeypatch.setattr(os, "listxattr", lambda path: ["system.posix_acl_access"])
        assert member_files.unsuitable(on)["closed"] == []

    def test_are_judged_as_anybodys_before_there_is_an_account(self, on):
        on = replace(on, user="nobody-yet")
        Path(on.wal_dir).parent.mkdir(parents=True)
        assert [one["setting"] for one in member_files.unsuitable(on)["unwritable"]] == ["etcd_wal_dir"]


class TestDirectoriesOfOthers:
    @pytest.mark.parametrize(
        "setting, changes", [("etcd_wal_dir", {"wal_dir": "wal"}), ("etcd_log_file", {"log_file": "etcd.log"})]
    )
    def test_are_not_taken_away_from_them(self, write, layout, setting, changes):
        theirs = Path(layout.root, "theirs")
        theirs.mkdir(mode=0o755)
        os.chown(theirs, STRANGER, STRANGER)
        where = {key: f"{theirs}/{name}" for key, name in changes.items()}
        with pytest.raises(HostError, match=f"Set {setting} one directory deeper"):
            write(on=replace(layout, **where))
        assert theirs.stat().st_uid == STRANGER


def test_a_whole_program_is_shown_by_its_checksum(layout):
    program = {"path": layout.gate_file, "mode": "0755", "owner": "root", "group": "root"}
    (said,) = member_files.differences(Content([{**program, "content": "x" * 100_001}], {}, {}, {}))
    assert said["after"].startswith("100001 characters, SHA256 ")
    (said,) = member_files.differences(Content([{**program, "content": "x" * 100_000}], {}, {}, {}))
    assert said["after"] == "x" * 100_000


class TestTheOtherForm:
    OURS = "# Managed by quorum.etcd: changes made by hand are put right at the next run.\n"

    @pytest.mark.parametrize("was, becomes", [("env", "yaml"), ("yaml", "env")])
    def test_of_the_settings_goes_once_the_member_has_its_new_one(self, write, layout, was, becomes):
        before, after = replace(layout, config_format=was), replace(layout, config_format=becomes)
        write(content(before, settings=self.OURS), before)
        write(content(after, settings=self.OURS), after)
        assert Path(after.conf_file).exists()
        assert not Path(before.conf_file).exists()

    def test_that_is_not_ours_stays(self, write, layout):
        before = Path(layout.conf_files[1])
        before.parent.mkdir(parents=True)
        before.write_text("name: mine\n")
        write()
        assert before.read_text() == "name: mine\n"

    def test_stays_where_only_certificates_are_written(self, write, layout):
        after = replace(layout, config_format="yaml")
        write(content(layout, settings=self.OURS))
        sent = content(after)
        write(replace(sent, files=sent.files[1:]), after)
        assert Path(layout.conf_file).exists()

    def test_tells_the_settings_while_the_new_one_is_not_there(self, write, layout):
        after = replace(layout, config_format="yaml")
        assert member_files.settings(after) == {}
        write(content(layout, settings='ETCD_NAME="m0"\n'))
        assert member_files.settings(after) == {"ETCD_NAME": "m0"}
        write(content(after, settings='name: "m1"\n'), after)
        assert member_files.settings(after) == {"ETCD_NAME": "m1"}
