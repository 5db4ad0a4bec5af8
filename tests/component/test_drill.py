# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots restored for a trial, beside whatever runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import text_of
from ansible_collections.quorum.etcd.plugins.module_utils._host import isolated_member
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drill as _drill
from ansible_collections.quorum.etcd.plugins.module_utils._steps.drill import Drill
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import throwaway
from cluster import Cluster, Tls, binary, switch_authentication_on
from member_host import MemberHost
from restored import run, written_down

MakeCluster = Callable[..., Cluster]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")


@pytest.fixture
def host(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MemberHost]:
    """A host on which no member runs."""
    version = request.getfixturevalue("every_version" if "every_version" in request.fixturenames else "version")
    host = MemberHost(tmp_path / "host", version, 1)
    yield host
    host.end_all()


def saved_of(cluster: Cluster, directory: Path, compacted: bool = False) -> Saved:
    with cluster.client() as client:
        for number in range(60):
            client.put(f"key{number % 20}", f"value {number}")
        client.delete("key3")
        if compacted:
            client.compact(30, physical=True)
    return saving.save(cluster.endpoints, Credentials(), str(directory / "snapshots"), "prod")


def drill(host: MemberHost, snapshot: str, check: bool = False, user_file: str = "", **more: Any) -> dict[str, Any]:
    layout = replace(host.layout, user_file=user_file)
    given = Drill(snapshot, str(Path(binary(host.version)).parent), host.version, **{"timeout": 40.0, **more})
    return _drill.run(run, host.systemd, layout, given, check)


def check_nothing_is_left(host: MemberHost) -> None:
    data = Path(host.layout.data_dir)
    assert not data.exists() or list(data.iterdir()) == []
    assert host.systemd.show("quorum-etcd-drill-etcd.service")["load_state"] == "not-found"
    assert not Path(host.layout.run_dir, "drill.env").exists()


@pytest.mark.parametrize("compacted", [False, True], ids=["whole history", "compacted"])
def test_a_snapshot_is_what_its_manifest_says(
    every_version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path, compacted: bool
) -> None:
    saved = saved_of(make_cluster(every_version), tmp_path, compacted)
    before = Path(saved.path).read_bytes()
    found = drill(host, saved.path)
    assert (found["revision"], found["key_count"]) == (saved.manifest.revision, 19)
    assert found["hash_kv"] == saved.manifest.hash_kv != 0
    assert found["compared"] == ["revision", "key_count", "hash_kv"]
    assert Path(saved.path).read_bytes() == before
    check_nothing_is_left(host)


def test_a_snapshot_without_a_hash_is_compared_in_the_rest(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path
) -> None:
    cluster = make_cluster(version)
    saved = saving.save(cluster.endpoints, Credentials(), str(tmp_path / "snapshots"), "prod", max_hash_size=0)
    found = drill(host, saved.path)
    assert found["hash_kv"]
    assert found["compared"] == ["revision"]
    saved = saved_of(cluster, tmp_path)
    assert drill(host, saved.path, manifest=replace(saved.manifest, hash_kv=0))["compared"] == ["revision", "key_count"]


class TestWithAuthentication:
    """A member that is restored tells nobody anything who does not log in."""

    @pytest.fixture
    def saved(self, make_cluster: MakeCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Saved:
        every = "every_version" in request.fixturenames
        cluster = make_cluster(request.getfixturevalue("every_version" if every else "version"))
        with cluster.client() as client:
            client.put("key", "value")
            switch_authentication_on(client, "root", "secret:word")
        cluster.login = ("root", "secret:word")
        return saving.save(cluster.endpoints, cluster.credentials, str(tmp_path / "snapshots"), "prod")

    def test_it_is_tried_by_a_user_of_the_snapshot(
        self, every_version: str, saved: Saved, host: MemberHost, tmp_path: Path
    ) -> None:
        user = written_down(tmp_path / "user", "root", "secret:word")
        found = drill(host, saved.path, user_file=str(user))
        assert (found["key_count"], found["compared"]) == (1, ["revision", "key_count", "hash_kv"])
        check_nothing_is_left(host)

    @pytest.mark.parametrize("check", [True, False])
    def test_nothing_is_begun_where_nobody_could_log_in(
        self, version: str, saved: Saved, host: MemberHost, check: bool
    ) -> None:
        with pytest.raises(Refused, match="Authentication is on in .* etcd_user_file"):
            drill(host, saved.path, check)
        assert host.told == []
        assert not Path(host.layout.data_dir).exists()

    def test_a_password_that_others_may_read_is_none(
        self, version: str, saved: Saved, host: MemberHost, tmp_path: Path
    ) -> None:
        user = written_down(tmp_path / "user", "root", "secret:word")
        user.chmod(0o640)
        with pytest.raises(Refused, match=f"chmod 0600 {user}"):
            drill(host, saved.path, user_file=str(user))
        assert host.told == []

    def test_a_password_that_it_was_not_is_told_by_etcd(
        self, version: str, saved: Saved, host: MemberHost, tmp_path: Path
    ) -> None:
        user = written_down(tmp_path / "user", "root", "another")
        with pytest.raises(HostError, match="authentication failed") as caught:
            drill(host, saved.path, timeout=6.0, user_file=str(user))
        assert "another" not in str(caught.value)
        check_nothing_is_left(host)


class TestOfAClusterWithTls:
    """On a machine that has no certificates yet, of a cluster whose root has no password."""

    @pytest.fixture
    def saved(self, make_cluster: MakeCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Saved:
        cluster = make_cluster(request.getfixturevalue("every_version"), tls=Tls.make(tmp_path))
        with cluster.client() as client:
            client.put("key", "value")
            client.call("Auth.UserAdd", {"name": "root", "options": {"no_password": True}})
            client.call("Auth.RoleAdd", {"name": "root"})
            client.call("Auth.UserGrantRole", {"user": "root", "role": "root"})
            client.call("Auth.AuthEnable")
        return saving.save(cluster.endpoints, cluster.credentials, str(tmp_path / "snapshots"), "prod")

    def test_no_other_user_of_the_host_reads_it(
        self, every_version: str, saved: Saved, host: MemberHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[dict[str, Any]] = []
        start = isolated_member.start
        monkeypatch.setattr(isolated_member, "start", lambda *given: started.append(given[4]) or start(*given))
        made = throwaway(datetime.now(timezone.utc))
        found = drill(host, saved.path, tls=True, certificates={**made["certificates"], **made["private_keys"]})
        assert (found["key_count"], found["compared"]) == (1, ["revision", "key_count", "hash_kv"])
        (settings,) = started
        urls = [*settings["listen-client-urls"], *settings["listen-peer-urls"]]
        assert all(url.startswith("https://127.0.0.1:") for url in urls)
        assert settings["client-cert-auth"] is settings["peer-client-cert-auth"] is True
        check_nothing_is_left(host)

    @pytest.mark.parametrize("check", [True, False])
    def test_it_is_never_tried_without_certificates(
        self, every_version: str, saved: Saved, host: MemberHost, check: bool
    ) -> None:
        with pytest.raises(Refused, match=r"this host has no certificate .*etcd\.yml issues those that are missing"):
            drill(host, saved.path, check, tls=True)
        assert host.told == []
        assert not Path(host.layout.data_dir).exists()


def test_a_copied_database_is_tried_if_that_is_said(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path
) -> None:
    cluster = make_cluster(version)
    saved_of(cluster, tmp_path)
    (member,) = cluster.members
    cluster.stop()
    copied = member.directory / "member" / "snap" / "db"
    with pytest.raises(EtcdError, match="does not end with etcd's checksum"):
        drill(host, str(copied))
    found = drill(host, str(copied), allow_missing_hash=True)
    assert (found["key_count"], found["compared"]) == (19, [])
    check_nothing_is_left(host)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"key_count": 18}, "key_count is 19, and the manifest says 18"), ({"hash_kv": 5}, "hash_kv is .* says 5")],
)
def test_a_snapshot_that_is_not_what_its_manifest_says_fails(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path, changes: dict[str, int], said: str
) -> None:
    saved = saved_of(make_cluster(version), tmp_path)
    with pytest.raises(HostError, match=said):
        drill(host, saved.path, manifest=replace(saved.manifest, **changes))
    check_nothing_is_left(host)


def test_a_snapshot_that_disagrees_with_its_manifest_is_not_even_tried(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path
) -> None:
    saved = saved_of(make_cluster(version), tmp_path)
    with pytest.raises(Refused, match="disagree: revision"):
        drill(host, saved.path, manifest=replace(saved.manifest, revision=3))
    check_nothing_is_left(host)


def test_a_member_that_does_not_start_is_cleaned_up_with_its_last_words(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = saved_of(make_cluster(version), tmp_path)
    monkeypatch.setattr(_drill, "_LEAST_QUOTA", "none")
    monkeypatch.setattr(_drill, "max", lambda least, _twice: least, raising=False)
    with pytest.raises(HostError, match=r"quorum-etcd-drill-etcd.service ended: .*"):
        drill(host, saved.path)
    check_nothing_is_left(host)


def test_what_a_killed_drill_leaves_the_next_one_takes_away(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path
) -> None:
    """Its member goes on, and its directory stays."""
    saved = saved_of(make_cluster(version), tmp_path)
    left = Path(host.layout.data_dir, "member.drill-20260101T000000Z")
    Path(host.layout.run_dir).mkdir(parents=True)
    settings = isolated_member.alone(host.layout, "drill", str(left))
    alone = {"initial-cluster": f"drill={text_of(settings['initial-advertise-peer-urls'])}"}
    isolated_member.start(host.systemd, host.layout, "drill", binary(version), {**settings, **alone})
    isolated_member.wait(host.systemd, host.layout, "drill", 40.0)
    assert left.exists()
    drill(host, saved.path)
    check_nothing_is_left(host)


def test_check_mode_judges_the_file_and_starts_nothing(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path
) -> None:
    saved = saved_of(make_cluster(version), tmp_path)
    host.told.clear()
    assert drill(host, saved.path, check=True)["revision"] == saved.manifest.revision
    assert host.told == []
    assert not Path(host.layout.data_dir).exists()


def test_no_room_is_said_before_anything_is_written(
    version: str, make_cluster: MakeCluster, host: MemberHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = saved_of(make_cluster(version), tmp_path)
    monkeypatch.setattr(_drill.disk_space, "beside_member", lambda _size: 1 << 60)
    with pytest.raises(HostError, match=r"MiB free, and a restored copy of the snapshot needs .* Make room there"):
        drill(host, saved.path)
    assert not Path(host.layout.data_dir).exists()
