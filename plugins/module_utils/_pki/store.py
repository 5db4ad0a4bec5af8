# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where the CAs of a cluster live on the controller: C(etcd_pki_dir), and who may read and write what in it.

A key is written before its certificate and never replaced. So a certificate without a key means a lost key, and a
key without a certificate a making that was interrupted: the first is refused, the second completed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec

AUTHORITIES = ("client", "peer")

VAULT_HEADER = b"$ANSIBLE_VAULT;"

# A CA is replaced step by step over all hosts. Half a year is time to plan that.
_EXPIRES_SOON = timedelta(days=180)

Unvault = t.Callable[[str], bytes]
"""Returns the plain content of a file encrypted with ansible-vault, or raises BadInput."""


def certificate_path(directory: str, which: str) -> Path:
    """Where the certificate of a CA lives, C(client) or C(peer). The file is a bundle while a CA is being replaced."""
    return Path(directory) / f"{which}-ca.pem"


def key_path(directory: str, which: str) -> Path:
    """Where the key of a CA lives."""
    return Path(directory) / f"{which}-ca-key.pem"


def exists(directory: str, which: str) -> bool:
    """Whether there is anything of this CA, be it complete or not."""
    return os.path.lexists(certificate_path(directory, which)) or os.path.lexists(key_path(directory, which))


def is_made(directory: str, which: str) -> bool:
    """Whether this CA is complete as far as its makers know: its certificate is written last.

    A key alone is what an interrupted making has left, and the next one completes it.
    """
    return os.path.lexists(certificate_path(directory, which))


def load_authority(
    directory: str,
    which: str,
    now: datetime,
    passphrase: str | None = None,
    unvault: Unvault | None = None,
) -> engine.Authority:
    """A CA with its key, ready to sign.

    :param which: C(client) or C(peer).
    :raises BadInput: it is not there; it is no CA; the passphrase is missing or wrong; the vault cannot be opened.
    :raises Refused: its key is lost, belongs to another certificate or can be read by others; it has expired.
    :raises HostError: a file cannot be read.
    """
    certificate, key = certificate_path(directory, which), key_path(directory, which)
    _check_directory(directory)
    if not exists(directory, which):
        raise BadInput(
            f"There is no {which} CA in {directory}: neither {certificate.name} nor {key.name} exists. "
            "Name the directory that has them, put them there, or make a CA with quorum.etcd.etcd_ca."
        )
    if not os.path.lexists(certificate):
        raise Refused(
            f"{key} exists without its certificate {certificate.name}.",
            "Either the making of this CA was interrupted or its certificate was lost.",
            f"Put {certificate.name} back if hosts have certificates of this CA; "
            "if not, let quorum.etcd.etcd_ca complete it.",
            code="ca-incomplete",
        )
    bundle_pem = read(certificate)
    with about(certificate):
        first = engine.describe(bundle_pem, now)
    if not os.path.lexists(key):
        raise Refused(
            f"{certificate} (fingerprint {first['fingerprint_sha256']}) exists without its key {key.name}.",
            "A new CA in its place would cut off every host that has certificates of this one.",
            f"Put the key back as {key}, from where it was saved.",
            code="ca-incomplete",
        )
    private_key, notes = _load_key(key, passphrase, unvault)
    return usable(str(certificate), bundle_pem, str(key), private_key, now, notes)


def usable(
    certificate: str,
    bundle_pem: bytes,
    key: str,
    private_key: engine.PrivateKey,
    now: datetime,
    notes: tuple[str, ...] = (),
) -> engine.Authority:
    """A CA of a bundle and a key, which fit each other and can sign.

    :param certificate: what has the bundle, a file or a variable, and C(key) what has the key.
    :raises BadInput: it is no CA.
    :raises Refused: the key belongs to another certificate; the CA has expired.
    """
    with about(certificate):
        candidates = engine.certificates(bundle_pem)
        first = engine.describe(candidates[0], now)
    own = next((candidate for candidate in candidates if engine.is_key_of(private_key, candidate)), None)
    if own is None:
        raise Refused(
            f"{key} is not the key of {certificate} (fingerprint {first['fingerprint_sha256']}).",
            "What it signs, no host would accept.",
            "Put the key or the certificate back that belongs to the other one.",
            code="ca-key-mismatch",
        )
    seen = engine.describe(own, now)
    if not seen["is_ca"]:
        raise BadInput(f"{certificate} (fingerprint {seen['fingerprint_sha256']}) is not a CA. Put a CA there.")
    if seen["days_left"] < 0:
        raise Refused(
            f"{certificate} (fingerprint {seen['fingerprint_sha256']}) expired on {seen['not_after']}.",
            "No host accepts what it signs.",
            "If the controller's clock is right, replace this CA by a new one.",
            code="ca-expired",
        )
    if seen["days_left"] < _EXPIRES_SOON.days:
        notes += (f"{certificate} expires on {seen['not_after']}: plan to replace this CA.",)
    return engine.Authority(own, private_key, bundle_pem, notes)


def ensure_authority(
    directory: str,
    which: str,
    spec: AuthoritySpec,
    now: datetime,
    *,
    passphrase: str | None = None,
    unvault: Unvault | None = None,
    check: bool = False,
) -> tuple[engine.Authority, bool]:
    """The CA that is there, else a new one; and whether it was made. With C(check) a new one is not written.

    Safe from processes side by side, and continued where a killed one stopped.

    :param spec: what a new CA is like. One that is there stays as it is.
    :raises BadInput: as :func:`load_authority`.
    :raises Refused: as :func:`load_authority`.
    :raises HostError: a file cannot be read or written.
    """
    certificate, key = certificate_path(directory, which), key_path(directory, which)
    # The certificate is written last: where it is, there is nothing to wait for.
    if os.path.lexists(certificate):
        return load_authority(directory, which, now, passphrase, unvault), False
    if os.path.lexists(directory):
        _check_directory(directory)
    if check:
        return _new_authority(key, spec, now, passphrase, unvault)[0], True
    _make_directory(directory)
    with locked(directory):
        if os.path.lexists(certificate):
            return load_authority(directory, which, now, passphrase, unvault), False
        authority, key_pem = _new_authority(key, spec, now, passphrase, unvault)
        # Keys do not belong into the repository that the inventory lives in.
        if not os.path.lexists(ignore := Path(directory) / ".gitignore"):
            write(ignore, b"*\n", 0o600)
        if key_pem is not None:
            write(key, key_pem, 0o600)
        write(certificate, authority.cert_pem, 0o644)
        return authority, True


@contextlib.contextmanager
def locked(directory: str) -> t.Iterator[None]:
    """Holds the lock of a directory, waiting for it if need be. The lock of a process ends with the process.

    :raises HostError: the lock file cannot be made.
    """
    with _os_errors("lock", Path(directory)):
        descriptor = os.open(os.path.join(directory, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes, mode: int) -> None:
    """Puts a file in place whole or not at all, and on the disk before it returns. Call it under :func:`locked`.

    :raises HostError: it cannot be written.
    """
    with _os_errors("write", path):
        atomic.replace(str(path), content, mode)


def read(path: Path) -> bytes:
    """The content of a file.

    :raises BadInput: there is a link or a directory in its place.
    :raises HostError: it cannot be read.
    """
    with _os_errors("read", path):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise BadInput(f"{path} is {kind}. Put the file itself there.")
        return path.read_bytes()


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner may read.

    :raises BadInput: it is not a file.
    :raises Refused: others can read it.
    :raises HostError: it cannot be read.
    """
    content = read(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Refused(
            f"{path} is a private key, and its mode {mode:04o} lets others read it.",
            "Who has this key can pass for any host or client of the cluster.",
            f"If nobody has read it, run: chmod 600 {path}",
            code="secret-readable",
        )
    return content


def _load_key(path: Path, passphrase: str | None, unvault: Unvault | None) -> tuple[engine.PrivateKey, tuple[str, ...]]:
    key_pem = read_private(path)
    with about(path):
        if key_pem.startswith(VAULT_HEADER):
            if unvault is None:
                raise BadInput("It is encrypted with ansible-vault, which cannot be opened here.")
            key_pem = unvault(str(path))
        notes: tuple[str, ...] = ()
        if passphrase is not None and not engine.is_encrypted(key_pem):
            notes = (f"{path} is not encrypted: the passphrase given for it is not needed.",)
        return engine.load_key(key_pem, passphrase), notes


def _new_authority(
    key: Path, spec: AuthoritySpec, now: datetime, passphrase: str | None, unvault: Unvault | None
) -> tuple[engine.Authority, bytes | None]:
    """A new CA, and the content of its key file unless that was already written by a making that was interrupted."""
    if os.path.lexists(key):
        private_key, notes = _load_key(key, passphrase, unvault)
        return replace(engine.new_authority(spec, now, private_key), notes=notes), None
    authority = engine.new_authority(spec, now)
    return authority, engine.dump_key(authority.key, passphrase)


def _check_directory(directory: str) -> None:
    path = Path(directory)
    with _os_errors("read", path):
        if not path.exists():
            raise BadInput(
                f"There is no directory {path} with the CAs of this cluster. "
                "Name the one that has them, or make them with quorum.etcd.etcd_ca."
            )
        if not path.is_dir():
            raise BadInput(f"{path} is not a directory. It should be the one with the CAs.")
        mode = stat.S_IMODE(path.stat().st_mode)
        os.listdir(path)
    if mode & 0o077:
        raise Refused(
            f"{path} holds CA keys, and its mode {mode:04o} lets others in.",
            "Who has such a key can make certificates for this cluster.",
            f"If nobody has taken them, run: chmod 700 {path}",
            code="secret-readable",
        )


def _make_directory(directory: str) -> None:
    path = Path(directory)
    with _os_errors("make", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
    _check_directory(directory)


@contextlib.contextmanager
def about(path: object) -> t.Iterator[None]:
    """Names the file, or the variable, in what is said about its content."""
    try:
        yield
    except BadInput as exc:
        raise BadInput(f"{path}: {exc}") from exc


@contextlib.contextmanager
def _os_errors(act: str, path: Path) -> t.Iterator[None]:
    try:
        yield
    except PermissionError as exc:
        blocking = path
        while not os.path.exists(blocking):
            blocking = blocking.parent
        found = blocking.stat()
        raise HostError(
            f"Cannot {act} {path}: {blocking} belongs to user id {found.st_uid} with mode "
            f"{stat.S_IMODE(found.st_mode):04o}, and this runs as user id {os.geteuid()}. "
            "Run as its owner, or change the owner."
        ) from exc
    except OSError as exc:
        raise HostError(f"Cannot {act} {path}: {exc.strerror}.") from exc
