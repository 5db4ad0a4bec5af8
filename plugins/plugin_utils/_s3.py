# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Files in an S3-compatible storage: laid there with a checksum that is read back, and never over something else.

The only file that imports boto3, which the controller needs for this alone.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.python_library import Python

#: First version that can leave out checksums which other storages than Amazon's do not know.
MINIMUM = "1.36"


def shortcoming(version: str) -> str:
    """What is wrong with a library of this version, or an empty string."""
    found, needed = (tuple(map(int, text.split(".")[:2])) for text in (version, MINIMUM))
    return f"{version} was found" if found < needed else ""


try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    MISSING = shortcoming(boto3.__version__)
except ImportError as exc:
    # Without it nothing is ever raised that would have to be caught by these names.
    BotoCoreError, ClientError = (type(name, (EtcdError,), {}) for name in ("BotoCoreError", "ClientError"))
    MISSING = f"it cannot be imported ({exc})"

# Bytes that are sent at once, and held in memory. S3 takes no parts below 5 MiB, and no more than 10,000 of them.
PART = 16 << 20
_PIECE = 1 << 20

#: What an object tells of the file that it is.
_DIGEST = "sha256"

_ABSENT = ("404", "NoSuchKey", "NotFound")
# How storages refuse a header that they do not know. What answers HEAD has no body, and so a number only.
_UNKNOWN_HEADER = ("NotImplemented", "InvalidArgument", "InvalidRequest", "501", "400")


@dataclass(frozen=True)
class Access:
    """Where the storage is and who asks; what is empty is what boto3 finds in its own files and environment.

    :param secret_key: secret.
    """

    bucket: str
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""

    def __repr__(self) -> str:
        return f"Access({self.bucket!r}, {self.endpoint!r})"


@dataclass(frozen=True)
class Encryption:
    """What the server does with what it gets.

    :param algorithm: C(AES256), C(aws:kms), or empty for what the bucket does by itself.
    :param kms_key: id of the key for C(aws:kms); empty for the bucket's own.
    """

    algorithm: str = ""
    kms_key: str = ""

    def options(self) -> dict[str, str]:
        """As S3's calls take it."""
        if self.kms_key and self.algorithm != "aws:kms":
            raise BadInput("etcd_s3_kms_key is given, and etcd_s3_encryption is not aws:kms: nobody would use the key.")
        found = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": self.kms_key}
        return {name: value for name, value in found.items() if value}


class Store:
    """One bucket.

    :raises BadInput: boto3 is not there, or something is not given.
    """

    def __init__(self, access: Access) -> None:
        if MISSING:
            raise BadInput(
                f"S3 is reached from the controller with the Python library boto3 {MINIMUM} or newer, and {MISSING}. "
                f"{Python.running().installing(f'boto3>={MINIMUM}')}"
            )
        if not access.bucket:
            raise BadInput("etcd_s3_bucket is empty. Name the bucket; it must exist.")
        if bool(access.access_key) != bool(access.secret_key):
            raise BadInput("Of etcd_s3_access_key and etcd_s3_secret_key only one is given. Give both, or none.")
        self._access = access
        # Until the storage refuses them.
        self._knows_checksums = True
        with self._told("reach"):
            self._client = boto3.client(
                "s3",
                endpoint_url=access.endpoint or None,
                region_name=access.region or ("us-east-1" if access.endpoint else None),
                aws_access_key_id=access.access_key or None,
                aws_secret_access_key=access.secret_key or None,
                # Many a compatible storage takes none of the checksums that boto3 would add by itself.
                config=Config(
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    connect_timeout=10,
                    retries={"max_attempts": 3},
                ),
            )

    def put(self, path: str, key: str, sha256: str, encryption: Encryption, check: bool = False) -> bool:
        """Lay a file under a name, and see that it arrived as it is.

        :param sha256: of the file, hex.
        :param check: only say whether anything would be done.
        :returns: whether anything was to be done.
        :raises Refused: the name is taken by something else.
        :raises EtcdError: the storage does not take it, or does not give it back as it is.
        """
        options = encryption.options()
        size = os.stat(path).st_size
        there = self._head(key)
        if there is not None:
            if (there["ContentLength"], there.get("Metadata", {}).get(_DIGEST)) != (size, sha256):
                raise self._taken(key)
        elif not check:
            with self._told(f"take {key}", key):
                self._send(path, key, size, {**options, "Metadata": {_DIGEST: sha256}})
        if there is not None or not check:
            self._check(key, path, sha256)
        return there is None

    def get(self, key: str, path: str) -> str:
        """Bring an object here, into a file that is this user's alone.

        :returns: the SHA256 of what came, hex.
        :raises EtcdError: it is not there, or the storage does not give it.
        """
        digest = hashlib.sha256()
        with self._told(f"give {key}"):
            body = self._client.get_object(Bucket=self._access.bucket, Key=key)["Body"]
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file, contextlib.closing(body):
                for piece in body.iter_chunks(_PIECE):
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        return digest.hexdigest()

    def names(self, prefix: str) -> list[str]:
        """The names that begin so and have no further slash, in order.

        :raises EtcdError: the storage does not tell.
        """
        with self._told("list what it has"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._access.bucket, Prefix=prefix, Delimiter="/"
            )
            return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))

    def _send(self, path: str, key: str, size: int, options: dict[str, Any]) -> None:
        where = {"Bucket": self._access.bucket, "Key": key}
        try:
            self._send_once(path, where, size, options)
        except ClientError as exc:
            if _code(exc) not in _UNKNOWN_HEADER or not self._knows_checksums:
                raise
            # All of it is read back then.
            self._knows_checksums = False
            self._send_once(path, where, size, options)

    def _send_once(self, path: str, where: dict[str, str], size: int, options: dict[str, Any]) -> None:
        algorithm = {"ChecksumAlgorithm": "SHA256"} if self._knows_checksums else {}
        with open(path, "rb") as file:
            if size <= PART:
                body = file.read()
                checked = {**algorithm, **self._checked(body)}
                self._client.put_object(**where, Body=body, IfNoneMatch="*", **checked, **options)
                return
            upload = self._client.create_multipart_upload(**where, **algorithm, **options)["UploadId"]
            try:
                parts = list(self._send_parts(iter(lambda: file.read(PART), b""), {**where, "UploadId": upload}))
                self._client.complete_multipart_upload(
                    **where, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            except BaseException:
                # Parts that nobody completes are paid for, and seen by nobody.
                with contextlib.suppress(BotoCoreError, ClientError):
                    self._client.abort_multipart_upload(**where, UploadId=upload)
                raise

    def _send_parts(self, bodies: Iterator[bytes], where: dict[str, str]) -> Iterator[dict[str, Any]]:
        for number, body in enumerate(bodies, 1):
            checked = self._checked(body)
            sent = self._client.upload_part(**where, PartNumber=number, Body=body, **checked)
            yield {"PartNumber": number, "ETag": sent["ETag"], **checked}

    def _checked(self, body: bytes) -> dict[str, str]:
        return {"ChecksumSHA256": _base64(body)} if self._knows_checksums else {}

    def _check(self, key: str, path: str, sha256: str) -> None:
        """Is what lies there the file? Where the storage's own checksum does not say so, all of it is read back."""
        there = self._head(key) or {}
        if there.get("ContentLength") == os.stat(path).st_size:
            if there.get("ChecksumSHA256") in (_checksum(path), _composite(path)):
                return
            if self._read_back(key) == sha256:
                return
        raise HostError(
            f"What lies in the bucket {self._access.bucket} as {key} is not {path}: its size or checksum is another. "
            "Remove it there, and run again."
        )

    def _read_back(self, key: str) -> str:
        digest = hashlib.sha256()
        with self._told(f"give {key}"):
            body = self._client.get_object(Bucket=self._access.bucket, Key=key)["Body"]
            with contextlib.closing(body):
                for piece in body.iter_chunks(_PIECE):
                    digest.update(piece)
        return digest.hexdigest()

    def _head(self, key: str) -> dict[str, Any] | None:
        with self._told(f"tell of {key}"):
            try:
                found = self._told_of(key)
            except ClientError as exc:
                if _code(exc) not in _ABSENT:
                    raise
                # The same answer as for a bucket that is not there.
                self._client.head_bucket(Bucket=self._access.bucket)
                return None
        return found

    def _told_of(self, key: str) -> dict[str, Any]:
        where = {"Bucket": self._access.bucket, "Key": key}
        try:
            mode = {"ChecksumMode": "ENABLED"} if self._knows_checksums else {}
            found: dict[str, Any] = self._client.head_object(**where, **mode)
        except ClientError as exc:
            if _code(exc) not in _UNKNOWN_HEADER or not self._knows_checksums:
                raise
            self._knows_checksums = False
            found = self._client.head_object(**where)
        return found

    @contextlib.contextmanager
    def _told(self, what: str, key: str = "") -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            code = _code(exc)
            if code in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
                raise self._taken(key) from exc
            said = exc.response.get("Error", {}).get("Message") or code
            raise HostError(
                f"The bucket {self._access.bucket} does not {what}: {said} ({code}). {_hint(code)}"
            ) from exc
        except BotoCoreError as exc:
            where = self._access.endpoint or "S3"
            raise HostError(f"{where} does not {what}: {exc}. See to etcd_s3_endpoint and the credentials.") from exc

    def _taken(self, key: str) -> Refused:
        return Refused(
            f"The bucket {self._access.bucket} has something else as {key}.",
            "It may be somebody else's, or another cluster's snapshot: it is not overwritten.",
            "Give this cluster a prefix of its own (etcd_s3_prefix), or remove that object.",
            code="path-taken",
        )


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _hint(code: str) -> str:
    if code == "NoSuchKey":
        return "Name an object that is there, with its manifest beside it (the same name and .json)."
    if code in ("NoSuchBucket", *_ABSENT):
        return "See to etcd_s3_bucket: it must exist, and is not made here."
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        return "These credentials need s3:PutObject, s3:GetObject and s3:ListBucket there."
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
        return "See to etcd_s3_access_key and etcd_s3_secret_key."
    if code in ("NotImplemented", "501"):
        return (
            "If it means conditional writes (If-None-Match): without them an object that came meanwhile would be "
            "overwritten, so take a storage that knows them. Checksums (x-amz-checksum-*) are not needed. Nothing was "
            "overwritten."
        )
    return "Nothing was overwritten."


def _base64(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _checksum(path: str) -> str:
    """What the storage tells of an object that was sent at once."""
    with open(path, "rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


def _composite(path: str) -> str:
    """What it tells of one that was sent in parts: the checksum of their checksums, and their number."""
    with open(path, "rb") as file:
        digests = [hashlib.sha256(body).digest() for body in iter(lambda: file.read(PART), b"")]
    return f"{_base64(b''.join(digests))}-{len(digests)}"
