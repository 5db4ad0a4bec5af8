# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots that go off site: from a real etcd over the controller to a real server of S3's protocol, and back."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path

import boto3
import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.plugin_utils import _s3
from ansible_collections.quorum.etcd.plugins.plugin_utils._s3 import Access, Encryption, Store
from botocore.exceptions import ClientError
from cluster import DEFAULT_VERSION, Cluster
from moto.server import ThreadedMotoServer

PLAIN = Encryption()
KEYS = {"access_key": "an-access-key", "secret_key": "a-secret-key"}


@pytest.fixture(scope="module")
def server():
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    found.start()
    host, port = found.get_host_and_port()
    yield f"http://{host}:{port}"
    found.stop()


@pytest.fixture
def s3(server):
    """The storage as somebody else sees it, with an empty bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )
    client.create_bucket(Bucket="backups")
    yield client
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()


@pytest.fixture
def store(server, s3):
    return Store(Access("backups", server, **KEYS))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"a database" * 1000)
    return path


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def put(store, path, key="prod/a.db", encryption=PLAIN, **options):
    return store.put(str(path), key, digest(path), encryption, **options)


def content(s3, key="prod/a.db"):
    return s3.get_object(Bucket="backups", Key=key)["Body"].read()


class TestAFile:
    def test_lies_there_as_it_is(self, store, s3, file):
        assert put(store, file) is True
        assert content(s3) == file.read_bytes()
        told = s3.head_object(Bucket="backups", Key="prod/a.db", ChecksumMode="ENABLED")
        assert told["Metadata"] == {"sha256": digest(file)}
        assert told["ChecksumSHA256"]

    def test_lies_there_once(self, store, file):
        assert [put(store, file), put(store, file)] == [True, False]

    def test_is_never_laid_over_another(self, store, s3, file):
        s3.put_object(Bucket="backups", Key="prod/a.db", Body=b"somebody else's")
        with pytest.raises(Refused, match="has something else as prod/a.db"):
            put(store, file)
        assert content(s3) == b"somebody else's"

    def test_is_not_laid_over_one_that_came_meanwhile(self, store, s3, file, monkeypatch):
        s3.put_object(Bucket="backups", Key="prod/a.db", Body=b"somebody else's")
        monkeypatch.setattr(store, "_head", lambda key: None)
        with pytest.raises(Refused, match="has something else as prod/a.db"):
            put(store, file)
        assert content(s3) == b"somebody else's"

    def test_of_many_parts_lies_there_as_it_is(self, store, s3, tmp_path, monkeypatch):
        monkeypatch.setattr(_s3, "PART", 5 << 20)
        large = tmp_path / "large.db"
        large.write_bytes(b"0123456789abcdef" * (13 << 16))
        assert put(store, large) is True
        assert content(s3) == large.read_bytes()
        assert put(store, large) is False
        assert s3.list_multipart_uploads(Bucket="backups").get("Uploads", []) == []

    def test_that_breaks_off_leaves_no_parts(self, store, s3, tmp_path, monkeypatch):
        monkeypatch.setattr(_s3, "PART", 5 << 20)
        large = tmp_path / "large.db"
        large.write_bytes(b"0123456789abcdef" * (11 << 16))

        def broken(**_options):
            raise KeyboardInterrupt

        monkeypatch.setattr(store._client, "complete_multipart_upload", broken)
        with pytest.raises(KeyboardInterrupt):
            put(store, large)
        assert s3.list_multipart_uploads(Bucket="backups").get("Uploads", []) == []

    def test_that_is_damaged_there_is_noticed(self, store, s3, file):
        put(store, file)
        damaged = b"A" + file.read_bytes()[1:]
        s3.put_object(
            Bucket="backups",
            Key="prod/a.db",
            Body=damaged,
            Metadata={"sha256": digest(file)},
            ChecksumAlgorithm="SHA256",
        )
        with pytest.raises(HostError, match="its size or checksum is another"):
            put(store, file)

    def test_is_read_back_whole_from_a_storage_that_keeps_no_checksums(self, store, s3, file, monkeypatch):
        told = store._client.head_object

        def without(**options):
            return {name: value for name, value in told(**options).items() if name != "ChecksumSHA256"}

        monkeypatch.setattr(store._client, "head_object", without)
        assert put(store, file) is True
        s3.put_object(Bucket="backups", Key="prod/a.db", Body=b"x" * 10000, Metadata={"sha256": digest(file)})
        with pytest.raises(HostError, match="its size or checksum is another"):
            put(store, file)

    def test_in_check_mode_stays_here(self, store, s3, file):
        assert put(store, file, check=True) is True
        assert "Contents" not in s3.list_objects_v2(Bucket="backups")

    def test_is_encrypted_by_the_server_if_that_is_asked_for(self, store, s3, file):
        put(store, file, encryption=Encryption("AES256"))
        assert s3.head_object(Bucket="backups", Key="prod/a.db")["ServerSideEncryption"] == "AES256"
        put(store, file, "prod/b.db", Encryption("aws:kms", "a-key"))
        told = s3.head_object(Bucket="backups", Key="prod/b.db")
        assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", "a-key")

    def test_comes_back(self, store, file, tmp_path):
        put(store, file)
        back = tmp_path / "back.db"
        assert store.get("prod/a.db", str(back)) == digest(file) == digest(back)
        assert back.stat().st_mode & 0o777 == 0o600


class TestAStorageThatRefuses:
    def test_has_no_such_bucket(self, server, s3, file):
        with pytest.raises(HostError, match=r"The bucket nowhere .*See to etcd_s3_bucket: it must exist"):
            put(Store(Access("nowhere", server, **KEYS)), file)

    def test_does_not_know_the_key(self, server, s3, file):
        with _guarded(server), pytest.raises(HostError, match=r"InvalidAccessKeyId|403|AccessDenied"):
            put(Store(Access("backups", server, **KEYS)), file)

    def test_knows_no_conditional_writes(self, store, s3, file, monkeypatch):
        """Some say so; without them, what somebody else lays there meanwhile would be overwritten."""

        def refuse(**options):
            assert options["IfNoneMatch"] == "*"
            said = {"Code": "NotImplemented", "Message": "A header implies functionality that is not implemented."}
            raise ClientError({"Error": said}, "PutObject")

        monkeypatch.setattr(store._client, "put_object", refuse)
        with pytest.raises(
            HostError, match=r"does not take prod/a.db: .*\(NotImplemented\).*If-None-Match.*take a storage"
        ):
            put(store, file)

    @pytest.mark.parametrize("code", ["NotImplemented", "InvalidArgument"])
    @pytest.mark.parametrize("size", [1000, 6 << 20])
    def test_knows_no_checksums_and_is_given_none(self, store, s3, tmp_path, monkeypatch, code, size):
        """Cloudflare's and Backblaze's refuse the header, or did for years."""
        monkeypatch.setattr(_s3, "PART", 5 << 20)
        without_checksums(monkeypatch, store, code)
        path = tmp_path / "x.db"
        path.write_bytes(b"x" * size)
        assert put(store, path) is True
        assert content(s3) == path.read_bytes()
        assert put(store, path) is False
        assert s3.list_multipart_uploads(Bucket="backups").get("Uploads", []) == []
        s3.put_object(Bucket="backups", Key="prod/a.db", Body=b"y" * size, Metadata={"sha256": digest(path)})
        with pytest.raises(HostError, match="its size or checksum is another"):
            put(store, path)

    def test_knows_neither_checksums_nor_conditional_writes(self, store, s3, file, monkeypatch):
        without_checksums(monkeypatch, store, "NotImplemented", also=("IfNoneMatch",))
        with pytest.raises(
            HostError, match=r"take prod/a.db: IfNoneMatch is unknown\. \(NotImplemented\)\. If it means"
        ):
            put(store, file)
        assert "Contents" not in s3.list_objects_v2(Bucket="backups")

    def test_is_not_there(self, file):
        with pytest.raises(HostError, match="See to etcd_s3_endpoint"):
            put(Store(Access("backups", "http://127.0.0.1:9", **KEYS)), file)

    def test_says_what_it_is_called_by(self, monkeypatch, server, s3, file):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        with pytest.raises(HostError, match="the credentials"):
            put(Store(Access("backups", server)), file)


def without_checksums(monkeypatch, store, code, also=()):
    """A storage that refuses all headers of checksums, and others."""
    for name in ("put_object", "create_multipart_upload", "upload_part", "complete_multipart_upload", "head_object"):
        call = getattr(store._client, name)

        def refusing(call=call, name=name, **options):
            for unknown in ("ChecksumAlgorithm", "ChecksumSHA256", "ChecksumMode", *also):
                if unknown in options:
                    said = {"Code": "400", "Message": "Bad Request"}
                    if name != "head_object":
                        said = {"Code": code, "Message": f"{unknown} is unknown."}
                    raise ClientError({"Error": said}, name)
            assert not any("ChecksumSHA256" in part for part in options.get("MultipartUpload", {}).get("Parts", []))
            return call(**options)

        monkeypatch.setattr(store._client, name, refusing)


class _guarded:
    """The server asks whose keys they are, from here on."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self._count(b"0")

    def __exit__(self, *_exc):
        self._count(b"inf")

    def _count(self, count):
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{self.server}/moto-api/reset-auth", count, headers)).close()


class TestBadInput:
    @pytest.mark.parametrize(
        "access, why",
        [
            (Access(""), "etcd_s3_bucket is empty"),
            (Access("backups", access_key="a"), "only one is given"),
            (Access("backups", secret_key="a"), "only one is given"),
        ],
    )
    def test_is_told_before_anything_is_done(self, access, why):
        with pytest.raises(BadInput, match=why):
            Store(access)

    def test_a_key_that_nobody_would_use(self, store, file):
        with pytest.raises(BadInput, match="is not aws:kms"):
            put(store, file, encryption=Encryption("AES256", "a-key"))

    def test_without_boto3_says_what_to_install(self, monkeypatch):
        monkeypatch.setattr(_s3, "MISSING", "it cannot be imported (No module named 'boto3')")
        with pytest.raises(BadInput, match=r"No module named 'boto3'\)\. .* 'boto3>=1\.36'"):
            Store(Access("backups"))

    def test_no_key_is_shown(self):
        assert "a-secret-key" not in repr(Access("backups", **KEYS))


class TestTheWholeWay:
    """A snapshot of a real etcd, by the playbook, and back."""

    @pytest.fixture
    def snapshot(self, tmp_path):
        cluster = Cluster(tmp_path, DEFAULT_VERSION)
        try:
            cluster.start()
            yield saving.save(cluster.endpoints, Credentials(), str(tmp_path / "snapshots"), "prod")
        finally:
            cluster.stop()

    def variables(self, server, snapshot, tmp_path):
        return {
            "etcd_cluster_name": "prod",
            "etcd_snapshot_dir": str(Path(snapshot.path).parent),
            "etcd_snapshot_fetch_dir": str(tmp_path / "fetched"),
            "etcd_s3_bucket": "backups",
            "etcd_s3_endpoint": server,
            "etcd_s3_encryption": "AES256",
            **{f"etcd_s3_{name}": value for name, value in KEYS.items()},
        }

    def test_there(self, server, s3, snapshot, tmp_path, machine):
        variables = self.variables(server, snapshot, tmp_path)
        run = machine.playbook("offsite", variables, "-v")
        assert run.returncode == 0, run.stdout + run.stderr
        assert KEYS["secret_key"] not in run.stdout
        name = Path(snapshot.path).name
        assert content(s3, f"prod/{name}") == Path(snapshot.path).read_bytes()
        assert json.loads(content(s3, f"prod/{name}.json")) == snapshot.manifest.to_dict()
        assert list((tmp_path / "fetched").iterdir()) == []

        again = machine.playbook("offsite", variables)
        assert again.returncode == 0, again.stdout + again.stderr

    def test_not_where_there_is_none(self, server, s3, snapshot, tmp_path, machine):
        variables = {**self.variables(server, snapshot, tmp_path), "etcd_cluster_name": "other"}
        run = machine.playbook("offsite", variables)
        assert run.returncode != 0
        assert "other: there is no snapshot in" in run.stdout.replace("\n", " ")

    def test_and_back(self, store, server, snapshot, tmp_path, machine):
        access = {"bucket": "backups", "prefix": "prod", "endpoint": server, **KEYS}
        path, here = snapshot.path, tmp_path / "here"
        there, twice, back, again = machine.play(
            [
                ("etcd_snapshot_s3", {"path": path, **access}, False),
                ("etcd_snapshot_s3", {"path": path, **access}, False),
                ("etcd_snapshot_s3", {"state": "fetched", "path": str(here), **access}, False),
                ("etcd_snapshot_s3", {"state": "fetched", "path": str(here), **access}, False),
            ]
        )
        assert [one.changed for one in (there, twice, back, again)] == [True, False, True, False], there.message
        assert digest(here / Path(path).name) == snapshot.manifest.sha256
        assert back.result["manifest"] == snapshot.manifest.to_dict()
        assert (here / Path(path).name).stat().st_mode & 0o777 == 0o600

    def test_and_back_comes_the_newest_whatever_a_clock_said(self, s3, server, snapshot, tmp_path, machine):
        ahead = {**snapshot.manifest.to_dict(), "revision": 0, "taken_at": "2031-01-01T00:00:00Z"}
        for name, body in (("ahead.db", b"a database"), ("ahead.db.json", json.dumps(ahead).encode())):
            s3.put_object(Bucket="backups", Key=f"prod/{name}", Body=body)
        access = {"bucket": "backups", "prefix": "prod", "endpoint": server, **KEYS}
        _there, back = machine.play(
            [
                ("etcd_snapshot_s3", {"path": snapshot.path, **access}, False),
                ("etcd_snapshot_s3", {"state": "fetched", "path": str(tmp_path / "here"), **access}, False),
            ]
        )
        assert back.result["key"] == f"prod/{Path(snapshot.path).name}"

    def test_and_back_whatever_else_lies_there(self, s3, server, snapshot, tmp_path, machine):
        newer = {**snapshot.manifest.to_dict(), "revision": 1 << 40}
        for name, body in (
            ("prod/damaged.db", b"x"),
            ("prod/damaged.db.json", b"{"),
            ("prod/b/newer.db", b"x"),
            ("prod/b/newer.db.json", json.dumps(newer).encode()),
        ):
            s3.put_object(Bucket="backups", Key=name, Body=body)
        access = {"bucket": "backups", "prefix": "prod", "endpoint": server, **KEYS}
        _there, back = machine.play(
            [
                ("etcd_snapshot_s3", {"path": snapshot.path, **access}, False),
                ("etcd_snapshot_s3", {"state": "fetched", "path": str(tmp_path / "here"), **access}, False),
            ]
        )
        assert back.result["key"] == f"prod/{Path(snapshot.path).name}"
        (warning,) = back.result["warnings"]
        assert "prod/damaged.db was not considered" in warning

    def test_and_back_comes_one_that_is_named(self, s3, server, snapshot, tmp_path, machine):
        newer = {**snapshot.manifest.to_dict(), "revision": 1 << 40}
        for name, body in (("newer.db", b"x"), ("newer.db.json", json.dumps(newer).encode())):
            s3.put_object(Bucket="backups", Key=f"prod/{name}", Body=body)
        access = {"bucket": "backups", "prefix": "prod", "endpoint": server, **KEYS}
        key = f"prod/{Path(snapshot.path).name}"
        here = str(tmp_path / "here")
        _there, back = machine.play(
            [
                ("etcd_snapshot_s3", {"path": snapshot.path, **access}, False),
                ("etcd_snapshot_s3", {"state": "fetched", "path": here, "key": key, **access}, False),
            ]
        )
        assert back.changed
        assert digest(back.result["path"]) == snapshot.manifest.sha256
        refused = machine.do("etcd_snapshot_s3", path=snapshot.path, key=key, **access)
        assert "Give prefix for state=present" in refused.message
        refused = machine.do("etcd_snapshot_s3", state="fetched", path=here, key="prod/none.db", **access)
        assert "does not give prod/none.db.json" in refused.message
        assert "with its manifest beside it" in refused.message

    def test_never_with_a_file_that_its_manifest_does_not_know(self, store, server, snapshot, machine):
        access = {"bucket": "backups", "endpoint": server, **KEYS}
        with open(snapshot.path, "r+b") as file:
            file.seek(9000)
            file.write(b"x")
        outcome = machine.do("etcd_snapshot_s3", path=snapshot.path, **access)
        assert outcome.failed
        assert "It would be a backup of nothing".lower() in outcome.message.lower()
