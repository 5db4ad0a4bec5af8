# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of real clusters: saved, judged, damaged, and compared with what etcd's own tools make of them.

The tools get copies, for some of them change the file that they look at.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import BadSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, saving, store
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved
from cluster import EVERY_VERSION, Cluster, binary, free_ports, switch_authentication_on

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

KEYS = 120


def write(cluster: Cluster) -> int:
    """Some history: many writes, a compaction, a deletion. The revision after it."""
    with cluster.client() as client:
        for at in range(KEYS):
            client.put(f"key/{at:04}", os.urandom(500))
        client.call("KV.Compact", {"revision": 50, "physical": True})
        client.put("key/0001", "again")
        return client.delete("key/0000")


def save(cluster: Cluster, directory: Path, **options: Any) -> Saved:
    return saving.save(cluster.endpoints, cluster.credentials, str(directory), "prod", **options)


def tool(version: str) -> list[str]:
    """etcd's tool for snapshot files: that of 3.4 is etcdctl itself."""
    return [binary(version, "etcdctl" if version.startswith("3.4") else "etcdutl"), "snapshot"]


def restored(version: str, saved: str, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What etcd's tool says to a restore of a copy."""
    copy = shutil.copy(saved, directory.with_suffix(".copy"))
    return subprocess.run(
        [*tool(version), "restore", copy, "--data-dir", str(directory), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ETCDCTL_API": "3"},
        check=False,
    )


def test_a_snapshot_is_what_the_member_has_and_what_etcds_tool_finds(every_version, make_cluster, tmp_path):
    cluster = make_cluster(every_version, size=3)
    revision = write(cluster)
    cluster.agree_on_a_version()
    saved = save(cluster, tmp_path / "saved")
    with cluster.client() as client:
        listed = client.member_list()
        truth = client.hash_kv(revision)
        statuses = [client.status(endpoint) for endpoint in cluster.endpoints]
    manifest = saved.manifest
    assert (manifest.revision, manifest.compact_revision, manifest.key_count) == (revision, 50, KEYS - 1)
    assert manifest.hash_kv == truth["hash"]
    assert (manifest.cluster, manifest.cluster_id) == ("prod", listed.cluster_id)
    assert manifest.etcd_version == every_version
    # A member says which it would be before it has written it down.
    assert manifest.storage_version in ("", statuses[0].storage_version)
    assert manifest.members == [asdict(one) for one in listed.members]
    source = next(one for one in statuses if one.member_id == manifest.member_id)
    assert not source.is_leader
    assert manifest.member in [one.name for one in listed.members if one.id == manifest.member_id]

    details, beside = store.checked(saved.path)
    assert beside == manifest
    assert details.storage_version == manifest.storage_version
    assert details.size == os.stat(saved.path).st_size
    assert details.cluster_version == f"{every_version.rpartition('.')[0]}.0"
    copy = shutil.copy(saved.path, tmp_path / "copy.db")
    told = json.loads(
        subprocess.run(
            [*tool(every_version), "status", copy, "-w", "json"],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "ETCDCTL_API": "3"},
        ).stdout
    )
    # It counts the checksum out.
    assert (told["revision"], told["totalSize"]) == (revision, details.size - 32)
    assert told.get("version", "") == details.storage_version


def test_a_restored_snapshot_has_all_keys(every_version, make_cluster, tmp_path):
    cluster = make_cluster(every_version)
    revision = write(cluster)
    saved = save(cluster, tmp_path / "saved")
    (member,) = cluster.members
    cluster.end(member)
    member.directory = tmp_path / "restored"
    told = restored(
        every_version,
        saved.path,
        member.directory,
        f"--name={member.name}",
        f"--initial-cluster={member.name}={member.peer_url}",
        f"--initial-advertise-peer-urls={member.peer_url}",
    )
    assert told.returncode == 0, told.stdout
    cluster.start()
    with cluster.client() as client:
        assert client.read("", prefix=True, revision=revision)["count"] == saved.manifest.key_count
        assert client.hash_kv(revision)["hash"] == saved.manifest.hash_kv


def test_whatever_etcdctl_saves_is_read_alike(every_version, make_cluster, tmp_path):
    cluster = make_cluster(every_version)
    revision = write(cluster)
    theirs = tmp_path / "theirs.db"
    subprocess.run(
        [binary(every_version, "etcdctl"), f"--endpoints={cluster.endpoints[0]}", "snapshot", "save", str(theirs)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ETCDCTL_API": "3"},
    )
    ours = save(cluster, tmp_path / "saved")
    assert snapshot_file.read(str(theirs)).revision == ours.manifest.revision == revision


def test_an_empty_cluster_is_at_revision_1(every_version, make_cluster, tmp_path):
    saved = save(make_cluster(every_version), tmp_path / "saved")
    assert (saved.manifest.revision, saved.manifest.key_count) == (1, 0)


def test_a_compacted_deletion_is_counted(every_version, make_cluster, tmp_path):
    """Nothing of the newest revision is in the tree of keys any more; the compaction tells it."""
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        client.put("a", "1")
        revision = client.delete("a")
        client.call("KV.Compact", {"revision": revision, "physical": True})
        saved = save(cluster, tmp_path / "saved")
        assert saved.manifest.revision == revision == client.status().revision


def test_a_copied_database_of_a_stopped_member_is_told_from_a_snapshot(every_version, make_cluster, tmp_path):
    cluster = make_cluster(every_version)
    revision = write(cluster)
    cluster.end(cluster.members[0], signal.SIGTERM)
    copied = str(cluster.members[0].directory / "member" / "snap" / "db")
    with pytest.raises(BadSnapshot, match="does not end with etcd's checksum: it is a copied database"):
        snapshot_file.read(copied)
    found = snapshot_file.read(copied, allow_missing_hash=True)
    assert (found.revision, found.has_hash, len(found.members)) == (revision, False, 1)


def test_nobody_but_its_owner_can_read_it(version, make_cluster, tmp_path):
    saved = save(make_cluster(version), tmp_path / "saved")
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (saved.path, f"{saved.path}.json", tmp_path / "saved")]
    assert modes == [0o600, 0o600, 0o700]


@pytest.mark.parametrize("every", EVERY_VERSION)
def test_with_authentication_root_saves(every, make_cluster, tmp_path):
    cluster = make_cluster(every, size=3)
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret")
    with pytest.raises((RpcError, TransportError), match="user name is empty"):
        save(cluster, tmp_path / "saved")
    assert not list(tmp_path.glob("saved/*"))
    cluster.login = ("root", "secret")
    saved = save(cluster, tmp_path / "saved")
    assert saved.manifest.hash_kv
    assert store.checked(saved.path)[1] == saved.manifest


def test_over_mutual_tls(version, make_cluster, tmp_path, tls):
    cluster = make_cluster(version, size=3, tls=tls)
    write(cluster)
    saved = save(cluster, tmp_path / "saved")
    assert store.checked(saved.path)[1] == saved.manifest


def test_a_follower_is_asked_else_whoever_is_there(version, make_cluster, tmp_path):
    cluster = make_cluster(version, size=3)
    leader = cluster.members[1]
    cluster.lead(leader)
    first = save(cluster, tmp_path / "saved")
    assert first.manifest.member in ("m0", "m2")
    cluster.end(next(one for one in cluster.members if one.name == first.manifest.member))
    second = save(cluster, tmp_path / "saved", timeout=1.0)
    assert {first.manifest.member, second.manifest.member} == {"m0", "m2"}


def test_a_member_that_is_named_is_asked_and_nobody_else(version, make_cluster, tmp_path):
    cluster = make_cluster(version, size=3)
    cluster.lead(cluster.members[1])
    named = cluster.members[1]
    assert save(cluster, tmp_path / "saved", endpoint=named.client_url).manifest.member == "m1"
    cluster.end(named)
    with pytest.raises(TransportError, match=f"^{re.escape(named.client_url)}: "):
        save(cluster, tmp_path / "saved", endpoint=named.client_url)


def test_a_member_that_ends_in_the_middle_is_followed_by_the_next(version, make_cluster, tmp_path, monkeypatch):
    cluster = make_cluster(version, size=3)
    write(cluster)
    asked: list[str] = []
    stream = Client.snapshot

    def cut(self: Client, endpoint: str, idle: float) -> Iterator[bytes]:
        asked.append(endpoint)
        for at, piece in enumerate(stream(self, endpoint, idle)):
            if len(asked) == 1 and at == 2:
                raise TransportError(endpoint, "the connection was closed from the other side.")
            yield piece

    monkeypatch.setattr(Client, "snapshot", cut)
    saved = save(cluster, tmp_path / "saved")
    assert len(asked) == 2
    assert saved.endpoint == asked[1]
    assert set(os.listdir(tmp_path / "saved")) == _with_manifests([saved.path])


def test_bytes_that_change_on_the_way_are_noticed_and_nothing_stays(version, make_cluster, tmp_path, monkeypatch):
    cluster = make_cluster(version)
    stream = Client.snapshot

    def changed(self: Client, endpoint: str, idle: float) -> Iterator[bytes]:
        for at, piece in enumerate(stream(self, endpoint, idle)):
            yield piece[:-1] + bytes([piece[-1] ^ 1]) if at == 1 else piece

    monkeypatch.setattr(Client, "snapshot", changed)
    with pytest.raises(TransportError, match="what it sent as a snapshot is damaged: its checksum says"):
        save(cluster, tmp_path / "saved")
    assert os.listdir(tmp_path / "saved") == []


def test_a_disk_that_is_full_is_told_and_nothing_stays(version, make_cluster, tmp_path, monkeypatch):
    cluster = make_cluster(version)
    (tmp_path / "saved").mkdir()
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(
        HostError, match="saved takes no snapshot: No space left on device. Nothing of it is left there"
    ):
        save(cluster, tmp_path / "saved")
    assert os.listdir(tmp_path / "saved") == []


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_compaction_meanwhile_leaves_count_and_hash_open(version, make_cluster, tmp_path, monkeypatch):
    cluster = make_cluster(version)
    revision = write(cluster)
    described = snapshot_file.described

    def compacted(*arguments: Any) -> snapshot_file.Details:
        with cluster.client() as client:
            client.put("more", "1")
            client.call("KV.Compact", {"revision": revision + 1, "physical": True})
        return described(*arguments)

    monkeypatch.setattr(snapshot_file, "described", compacted)
    manifest = save(cluster, tmp_path / "saved").manifest
    assert (manifest.revision, manifest.key_count, manifest.hash_kv) == (revision, 0, 0)


def room_for(*paths: str) -> int:
    """The bytes of a disk that takes these snapshots and half of one more, for etcd's database grows by pages."""
    sizes = [os.stat(path).st_size for path in paths]
    return (64 << 20) + sum(sizes) + min(sizes) // 2


def test_a_full_directory_takes_the_next_snapshot_instead_of_the_oldest(version, make_cluster, tmp_path, monkeypatch):
    """Later ones must not wait for a person, and what the refusal advises must be accepted."""
    cluster = make_cluster(version)
    write(cluster)
    directory = tmp_path / "saved"
    times = iter((0.0, 86400.0))
    first, second = (save(cluster, directory, clock=lambda: next(times)).path for _time in range(2))
    size = room_for(first, second)
    monkeypatch.setattr(
        disk_space, "free", lambda _path: size - sum(one.stat().st_size for one in directory.glob("*.db"))
    )
    with pytest.raises(HostError, match="Make room, or name another directory"):
        save(cluster, directory)
    third = save(cluster, directory, retention=Retention(2))
    assert third.deleted == (first,)
    assert [one.path for one in catalog.found(str(directory))] == [second, third.path]
    size -= os.stat(second).st_size
    with pytest.raises(HostError, match="Make room, or name another directory"):
        save(cluster, directory, retention=Retention(1))
    assert [one.path for one in catalog.found(str(directory))] == [second, third.path]
    size += os.stat(second).st_size
    with pytest.raises(HostError, match=r"keep fewer snapshots \(there are 2 of this cluster\)"):
        save(cluster, directory, retention=Retention(3))
    assert save(cluster, directory, retention=Retention(1)).deleted == (second, third.path)


def test_what_made_room_is_told_although_the_first_member_fails(version, make_cluster, tmp_path, monkeypatch):
    cluster = make_cluster(version, size=3)
    directory = tmp_path / "saved"
    times = iter((0.0, 86400.0))
    first, second = (save(cluster, directory, clock=lambda: next(times)).path for _time in range(2))
    size = room_for(first, second)
    monkeypatch.setattr(
        disk_space, "free", lambda _path: size - sum(one.stat().st_size for one in directory.glob("*.db"))
    )
    stream = Client.snapshot
    asked: list[str] = []

    def cut(self: Client, endpoint: str, idle: float) -> Iterator[bytes]:
        asked.append(endpoint)
        if len(asked) == 1:
            raise TransportError(endpoint, "the connection was closed from the other side.")
        yield from stream(self, endpoint, idle)

    monkeypatch.setattr(Client, "snapshot", cut)
    saved = save(cluster, directory, retention=Retention(2))
    assert (len(asked), saved.deleted) == (2, (first,))


@pytest.mark.parametrize("hashed", [True, False])
def test_the_member_is_asked_for_a_hash_of_a_small_database_only(version, make_cluster, tmp_path, monkeypatch, hashed):
    cluster = make_cluster(version)
    write(cluster)
    asked = []
    call = Client.call

    def noted(self: Client, method: str, *arguments: Any, **options: Any) -> Any:
        asked.append(method)
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(Client, "call", noted)
    size = save(cluster, tmp_path / "saved").manifest.size
    asked.clear()
    manifest = save(cluster, tmp_path / "saved", max_hash_size=size if hashed else size - 1).manifest
    assert ("Maintenance.HashKV" in asked, manifest.hash_kv != 0) == (hashed, hashed)
    assert manifest.key_count == KEYS - 1


def test_an_interrupted_run_leaves_nothing_that_lies_and_the_next_one_removes_it(version, make_cluster, tmp_path):
    cluster = make_cluster(version)
    write(cluster)
    kill_at = """
import os, signal, sys
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
checkpoints.at = lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == sys.argv[3] else None
saving.save([sys.argv[1]], Credentials(), sys.argv[2], "prod")
"""
    directory = tmp_path / "saved"
    expected = 0
    for step in ("snapshot: streaming", "snapshot: written", "snapshot: kept"):
        done = subprocess.run([sys.executable, "-c", kill_at, cluster.endpoints[0], str(directory), step], check=False)
        assert done.returncode == -signal.SIGKILL
        expected += step == "snapshot: kept"
        assert len(catalog.found(str(directory), "prod")) == expected
    saved = save(cluster, directory)
    found = [one.path for one in catalog.found(str(directory), "prod")]
    assert len(found) == 2
    assert found[-1] == saved.path
    assert sorted(os.listdir(directory)) == sorted(
        os.path.basename(path) + more for path in found for more in ("", ".json")
    )


def _with_manifests(paths: Iterable[str]) -> set[str]:
    return {os.path.basename(path) + more for path in paths for more in ("", ".json")}


# -- damage ----------------------------------------------------------------------------------------------------------


def truncated(content: bytes, kind: str, dice: random.Random) -> bytes:
    """What is left when the end is missing, at the places where something begins and anywhere."""
    body = len(content) - 32
    lengths = {
        "checksum": dice.randrange(body, len(content)),
        "first bytes": dice.randrange(200),
        "page": dice.randrange(body // 4096) * 4096,
        "page and 32 bytes": dice.randrange(body // 4096) * 4096 + 32,
        "sector": dice.randrange(body // 512) * 512,
        "sector and 32 bytes": dice.randrange(body // 512) * 512 + 32,
        "anywhere": dice.randrange(len(content)),
    }
    return content[: lengths[kind]]


def changed(content: bytes, kind: str, dice: random.Random) -> bytes:
    """What is there when nothing is missing."""
    at = dice.randrange(len(content))
    page, another = (dice.randrange(len(content) // 4096) * 4096 for _page in range(2))
    written = {
        "a bit": (at, bytes([content[at] ^ 1 << dice.randrange(8)])),
        "a byte": (at, dice.randbytes(1)),
        "a sector of zeros": (at // 512 * 512, bytes(min(512, len(content) - at // 512 * 512))),
        "a page from elsewhere": (page, content[another : another + 4096]),
        "a bit of the first pages": (at % 8192, bytes([content[at % 8192] ^ 1 << dice.randrange(8)])),
        "a byte of the checksum": (len(content) - 1 - at % 32, dice.randbytes(1)),
    }
    at, bytes_ = written[kind]
    return content[:at] + bytes_ + content[at + len(bytes_) :]


DAMAGE = [
    *((truncated, kind) for kind in ("checksum", "first bytes", "page", "page and 32 bytes", "sector")),
    *((truncated, kind) for kind in ("sector and 32 bytes", "anywhere")),
    *((changed, kind) for kind in ("a bit", "a byte", "a sector of zeros", "a page from elsewhere")),
    *((changed, kind) for kind in ("a bit of the first pages", "a byte of the checksum")),
]


def test_no_damaged_snapshot_is_ever_taken(every_version, make_cluster, tmp_path, request):
    """10,000 of them with C(--matrix), a sample of hundreds without."""
    cluster = make_cluster(every_version)
    write(cluster)
    content = Path(save(cluster, tmp_path / "saved").path).read_bytes()
    count = 2500 if request.config.getoption("--matrix") else 78
    dice = random.Random(f"damage {every_version}")
    victim = tmp_path / "damaged.db"
    tried = 0
    while tried < count:
        damage, kind = DAMAGE[tried % len(DAMAGE)]
        bad = damage(content, kind, dice)
        # A byte may be what it was.
        if bad == content:
            continue
        victim.write_bytes(bad)
        with pytest.raises(BadSnapshot) as caught:
            snapshot_file.read(str(victim))
        assert len(str(caught.value)) < 400, (damage, kind)
        tried += 1


def test_what_etcds_tool_refuses_to_restore_is_refused_and_more(every_version, make_cluster, tmp_path):
    """The judge: whatever it refuses because of the checksum, so do we; its C(status) passes such files."""
    cluster = make_cluster(every_version)
    write(cluster)
    content = Path(save(cluster, tmp_path / "saved").path).read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 4
    files = {"last bytes": content[:-100], "half": content[: len(content) // 2], "flipped": bytes(flipped)}
    files |= {"no checksum": content[:-32], "empty": b"", "random": random.Random(1).randbytes(100_000)}
    for name, bad in files.items():
        path = tmp_path / name
        path.write_bytes(bad)
        assert restored(every_version, str(path), tmp_path / f"{name} restored").returncode != 0
        with pytest.raises(BadSnapshot):
            snapshot_file.read(str(path))


# -- the modules -----------------------------------------------------------------------------------------------------


def test_the_module_saves_and_the_other_one_finds_it_good(every_version, make_cluster, run_module, tmp_path):
    cluster = make_cluster(every_version, size=3)
    revision = write(cluster)
    options = {"endpoints": cluster.endpoints, "directory": str(tmp_path / "saved"), "cluster": "prod"}
    result = run_module("etcd_snapshot", **options).result
    assert result["changed"]
    assert result["manifest"]["revision"] == revision
    assert result["diff"]["after"]["snapshots"] == [result["path"]]
    judged = run_module("etcd_snapshot_info", path=result["path"]).result
    assert (judged["good"], judged["problem"], judged["changed"]) == (True, "", False)
    assert judged["manifest"] == result["manifest"]
    assert judged["details"]["revision"] == revision


def test_check_mode_tells_what_would_be_saved_and_deleted(version, make_cluster, run_module, tmp_path):
    cluster = make_cluster(version)
    revision = write(cluster)
    directory = tmp_path / "saved"
    options = {"endpoints": cluster.endpoints, "directory": str(directory), "cluster": "prod", "keep": 1}
    foreseen = run_module("etcd_snapshot", check_mode=True, **options).result
    assert not directory.exists()
    assert (foreseen["changed"], foreseen["manifest"]["revision"], foreseen["deleted"]) == (True, revision, [])
    first = run_module("etcd_snapshot", **options).result["path"]
    foreseen = run_module("etcd_snapshot", check_mode=True, **options).result
    assert foreseen["diff"]["before"]["snapshots"] == foreseen["deleted"] == [first]
    assert Path(first).exists()


def test_older_ones_go_and_the_new_one_stays(version, make_cluster, run_module, tmp_path):
    cluster = make_cluster(version)
    directory = tmp_path / "saved"
    options = {"endpoints": cluster.endpoints, "directory": str(directory), "cluster": "prod"}
    strange = directory / "of-somebody-else.db"
    old = [run_module("etcd_snapshot", **options).result["path"] for _time in range(3)]
    strange.write_bytes(b"x")
    # What was saved in one second cannot be told apart by its time.
    for at, path in enumerate(old):
        beside = Path(f"{path}.json")
        beside.write_text(json.dumps({**json.loads(beside.read_text()), "taken_at": f"2020-01-0{at + 1}T00:00:00Z"}))
    result = run_module("etcd_snapshot", **options, keep=2).result
    assert result["deleted"] == old[:2]
    assert set(os.listdir(directory)) == {strange.name, *_with_manifests([old[2], result["path"]])}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": "a/b"}, "cluster 'a/b' is no name for files"),
        ({"directory": "relative"}, "directory .*relative is not absolute|no answer|connection refused"),
        ({"keep": -1}, "keep is -1; give 0 or more"),
        ({"password": "x"}, "password is given without username"),
        ({"endpoints": ["ftp://x:1"]}, "endpoints: 'ftp://x:1' has the scheme ftp"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(run_module, tmp_path, options, message):
    given = {"endpoints": ["http://127.0.0.1:1"], "directory": str(tmp_path / "saved"), "cluster": "prod", **options}
    refused = run_module("etcd_snapshot", **given)
    assert refused.failed
    assert re.search(message, refused.result["msg"])
    assert not (tmp_path / "saved").exists()


def test_no_answer_is_a_failure_with_each_endpoint(run_module, tmp_path):
    endpoints = [f"http://127.0.0.1:{port}" for port in free_ports(2)]
    refused = run_module("etcd_snapshot", endpoints=endpoints, directory=str(tmp_path / "saved"), cluster="prod")
    assert refused.failed
    assert all(f"{endpoint}: connection refused" in refused.result["msg"] for endpoint in endpoints)
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"x" * 10_000), "is no etcd snapshot"),
        (lambda path: path.mkdir(), "is no regular file"),
        (lambda path: None, "No such file"),
    ],
)
def test_a_bad_file_is_a_result_and_no_failure(run_module, tmp_path, make, problem):
    path = tmp_path / "x.db"
    make(path)
    told = run_module("etcd_snapshot_info", path=str(path))
    assert not told.failed
    assert not told.result["good"]
    assert problem in told.result["problem"]
    assert told.result["details"] == told.result["manifest"] == {}


def test_a_manifest_of_another_file_makes_it_bad(version, make_cluster, run_module, tmp_path):
    cluster = make_cluster(version)
    first = save(cluster, tmp_path / "saved").path
    write(cluster)
    second = save(cluster, tmp_path / "saved").path
    shutil.copy(f"{second}.json", f"{first}.json")
    told = run_module("etcd_snapshot_info", path=first).result
    assert not told["good"]
    assert "disagree: size is" in told["problem"]


def test_a_large_database_takes_no_more_memory(version, make_cluster, tmp_path):
    """Beyond what Python itself needs: a stream that were collected would show."""
    cluster = make_cluster(version)
    with cluster.client(timeout=60.0) as client:
        for at in range(96):
            client.put(f"{at}", os.urandom(1 << 20))
    measure = """
import re, sys
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
saved = saving.save([sys.argv[1]], Credentials(), sys.argv[2], "prod")
snapshot_file.read(saved.path)
print(saved.manifest.size >> 20, int(re.search(r"VmHWM:\\s*([0-9]+)", open("/proc/self/status").read())[1]) >> 10)
"""
    told = subprocess.run(
        [sys.executable, "-c", measure, cluster.endpoints[0], str(tmp_path / "saved")],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout.split()
    size, memory = map(int, told)
    assert size >= 96
    assert memory < 64
