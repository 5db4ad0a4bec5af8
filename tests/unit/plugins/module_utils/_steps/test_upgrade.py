# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a host keeps a release from it. Real data are looked at in tests/component/test_upgrade.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import upgrade
from layout_below import layout_below
from wal_segment import name, record

SOUND = "No custom content found in both v2store and WAL records."
LEFT = "Error: detected custom v2 content in WAL records"


@pytest.fixture
def layout(tmp_path):
    found = layout_below(tmp_path)
    os.makedirs(found.release_dir("3.5.33", "amd64"))
    return found


@pytest.fixture
def examine(layout):
    """Examines a member that stands still, and returns what etcd's tool was called with."""

    def examined(*releases, said=SOUND, code=0, crls=()):
        calls = []

        def run(arguments):
            calls.append(list(arguments))
            return Result(0, "", "") if arguments[0] == "systemctl" else Result(code, said if not code else "", said)

        upgrade.examine(run, Systemd(run), layout, "x86_64", releases, crls)
        return [call for call in calls if call[0] != "systemctl"]

    return examined


def code_of(examine, *releases, **given):
    with pytest.raises(Refused) as refused:
        examine(*releases, **given)
    return refused.value


class TestBefore36:
    def test_the_data_are_looked_at_with_the_tool_of_3_5(self, examine, layout):
        (call,) = examine("3.5.33", "3.6.14")
        assert call == [
            f"{layout.release_dir('3.5.33', 'amd64')}/etcdutl", "check", "v2store", "--data-dir", layout.data_dir
        ]  # fmt: skip

    def test_what_it_finds_is_refused_with_its_words(self, examine):
        found = code_of(examine, "3.6.14", said=f"{LEFT}\n", code=1)
        assert (found.code, LEFT in found.found) == ("v2-data-left", True)
        # Even false is refused for 3.6.
        assert "with enable-v2 taken out of etcd_settings: ansible-playbook quorum.etcd.migrate_v2" in found.remedy
        assert "take both settings out" in found.remedy

    @pytest.mark.parametrize("releases", [(), ("3.5.33",)])
    def test_alone_it_is_looked_at(self, examine, releases):
        assert examine(*releases, said=LEFT, code=1) == []

    def test_it_cannot_be_without_that_tool(self, examine, layout):
        os.rmdir(layout.release_dir("3.5.33", "amd64"))
        os.makedirs(layout.release_dir("3.5.20", "amd64"))
        with pytest.raises(HostError, match=r"No release of etcd 3\.5 from 3\.5\.32 on"):
            examine("3.6.14")

    @pytest.mark.parametrize("text, refused", [(b"-----BEGIN X509 CRL-----\n", True), (b"\x30\x82\x01\xff\xfe", False)])
    def test_a_list_of_revoked_certificates_must_be_der(self, examine, tmp_path, text, refused):
        crl = tmp_path / "crl"
        crl.write_bytes(text)
        if not refused:
            examine("3.6.14", crls=[str(crl)])
            return
        found = code_of(examine, "3.6.14", crls=[str(crl)])
        assert (found.code, f"openssl crl -in {crl}" in found.remedy) == ("crl-as-pem", True)


class TestAMemberThatWasDownWhileItsClusterGot36:
    @pytest.fixture
    def check(self, layout):
        def checked(has="3.5.33", to="3.6.14", code=0, marker=None):
            calls = []

            def run(arguments):
                calls.append(list(arguments))
                return Result(code, "", LEFT if code else SOUND)

            upgrade.check_stopped(run, layout, marker, "x86_64", has, to)
            return calls

        return checked

    @pytest.mark.parametrize("has", ["3.5.33", ""])
    def test_is_examined_where_its_data_lie(self, check, layout, has):
        marker = Marker(markers.STARTED, data_dir="/data/etcd", wal_dir="/log/etcd")
        assert check(has, marker=marker) == [
            [
                f"{layout.release_dir('3.5.33', 'amd64')}/etcdutl",
                *("check", "v2store", "--data-dir", "/data/etcd", "--wal-dir", "/log/etcd"),
            ]
        ]

    def test_is_refused_with_the_way_to_have_it_without_these_data(self, check):
        with pytest.raises(Refused, match=LEFT) as refused:
            check(code=1)
        assert refused.value.code == "v2-data-left"
        assert "etcd_member_state: absent" in refused.value.remedy
        assert "curl" not in refused.value.remedy, "no member of 3.5 serves"

    def test_is_refused_where_nothing_can_tell(self, check, layout):
        os.rmdir(layout.release_dir("3.5.33", "amd64"))
        with pytest.raises(Refused, match="cannot be told: No release of etcd 3") as refused:
            check()
        assert "etcd_member_state: absent" in refused.value.remedy

    @pytest.mark.parametrize(
        "has, to", [("3.5.20", "3.5.33"), ("3.6.11", "3.6.14"), ("3.6.14", "3.7.1"), ("3.5.33", "")]
    )
    def test_alone_is_examined(self, check, has, to):
        assert check(has, to) == []


class TestBefore37:
    @pytest.fixture
    def log(self, layout):
        """Whose third entry is a request of version 2."""
        os.makedirs(layout.log_dir)
        request = protobuf.encode("raftpb.Entry", {"term": 2, "index": 3, "data": b"\x08\x07\x12\x03PUT"})
        Path(layout.log_dir, name(0)).write_bytes(record(4, b"") + record(2, request))
        return layout

    @pytest.mark.parametrize("has", ["3.6.14", ""])
    def test_a_log_that_it_cannot_read_is_refused(self, log, has):
        """Also of a member that is down and is to come up with it."""
        with pytest.raises(Refused, match="at index 3, and no raft snapshot behind it") as refused:
            upgrade.check_log(log, None, has, "3.7.1")
        assert refused.value.code == "v2-requests-in-log"

    @pytest.mark.parametrize("has, to", [("3.5.33", "3.6.14"), ("3.7.0", "3.7.1"), ("", "3.6.14"), ("3.6.14", "")])
    def test_alone_it_is_looked_through(self, log, has, to):
        upgrade.check_log(log, None, has, to)

    def test_a_raft_snapshot_behind_it_is_all_that_it_takes(self, log):
        snapshots = Path(log.data_dir, "member", "snap")
        snapshots.mkdir(parents=True)
        (snapshots / f"{2:016x}-{3:016x}.snap").touch()
        upgrade.check_log(log, None, "3.6.14", "3.7.1")
