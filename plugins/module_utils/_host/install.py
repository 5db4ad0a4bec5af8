# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Installing a release beside those that are there: it changes nothing that runs."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import re
import shutil
import tarfile
import urllib.error
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Callable, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import account, host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout, identity

#: Opens a URL; raises urllib's errors.
Opener = Callable[[str], BinaryIO]

# Unpacked in pieces of 1 MiB a release costs a third more processor time.
#: Seconds. Whoever holds it may be fetching an archive.
WAIT = 600.0

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Source:
    """Where an archive comes from and what it must be.

    :param url: the base of C(vVERSION/ARCHIVE).
    :param archive: an archive that lies on the host already, or an empty string.
    :param checksums: archive name -> SHA256, before the pinned ones.
    :param opener: opens a URL.
    :param from_mirror: believe the C(SHA256SUMS) of C(url) even where that is not upstream.
    """

    url: str
    archive: str
    checksums: Mapping[str, str]
    from_mirror: bool
    opener: Opener


@dataclass(frozen=True)
class Release:
    """One release for one host.

    :param machine: the architecture as the kernel names it.
    :param system: the kernel's name of itself.
    """

    version: str
    machine: str
    system: str = "Linux"

    @property
    def archive(self) -> str:
        return releases.archive(self.version, self.machine, self.system)

    @property
    def directory(self) -> str:
        """The top directory of the archive."""
        return releases.directory(self.archive)


@dataclass(frozen=True)
class ExpectedArchive:
    """What an archive must be.

    :param said_by: who says so.
    :param remedy: what to do where it is another.
    """

    sha256: str
    said_by: str
    remedy: str


class Made(NamedTuple):
    """The programs of a release, where they are made.

    :param directory: it holds them and nothing else.
    :param identity: what they came out of, see C(layout.identity).
    :param checksum: of what was fetched for them; empty where nothing was.
    """

    directory: str
    identity: str
    checksum: str


#: Makes the programs of a release below a directory that is for nothing else.
Make = Callable[[str], Made]


# What a proxy, a firewall or a mirror answers in place of a file, often with status 200.
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)

_SEE_THE_PAGE = (
    "See what it says, with curl on that host: a proxy or a mirror may ask for a login, or have no such file. A proxy "
    "is named in etcd_download_environment, and a mirror in etcd_download_url."
)


def _is_page(begins: bytes) -> bool:
    return bool(_PAGE.match(begins))


def install(layout: Layout, release: Release, source: Source, run: Run, check: bool) -> dict[str, Any]:
    """Fetch the archive, verify it and unpack it under its version, and make the account.

    :param check: only say what would be done.
    :returns: C(changed), C(directory), C(checksum) of the archive (empty when nothing was fetched).
    :raises BadInput: no such version, no checksum to hold it against, or an archive that is another.
    :raises HostError: the host or the download would not.
    """
    return bring(layout, release, run, check, lambda scratch: _fetched_and_unpacked(release, source, run, scratch))


def bring(
    layout: Layout, release: Release, run: Run, check: bool, make: Make, is_there: Callable[[str], bool] | None = None
) -> dict[str, Any]:
    """Bring a release into the directory of its version, whichever way it comes, and make the account.

    :param check: only say what would be done.
    :param is_there: does its directory hold what C(make) would make? Else what lies there makes room. Without it
        whatever etcd is there stays.
    :returns: as C(install).
    :raises EtcdError: that of C(make), or the host would not. Nothing is left behind.
    """
    releases.check_version(release.version)
    directory = layout.release_dir(release.version, releases.architecture(release.machine))
    with contextlib.nullcontext() if check else on_machine(layout):
        # Not before: another instance or another run may have brought it while this one waited for the lock.
        commands = account.missing(layout)
        present = is_there(directory) if is_there else os.path.isfile(os.path.join(directory, "etcd"))
        result = {"changed": bool(commands) or not present, "directory": directory, "checksum": ""}
        if not check:
            if not present:
                result["checksum"] = _put_in_place(layout, directory, make, is_there is not None)
            # Last, so that an archive that is refused leaves nothing behind.
            account.make(run, commands)
    return result


def on_machine(layout: Layout) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of the machine while changing what all instances on it share: releases and the account.

    :raises Refused: somebody else holds it for longer than C(WAIT) seconds.
    """
    return host_files.locked(lock_of_machine(layout), WAIT)


def lock_of_machine(layout: Layout) -> str:
    """The path of that lock. No instance is called like its directory."""
    return os.path.join(os.path.dirname(layout.run_dir), "machine", "lock")


def _check_room(directory: str) -> None:
    free = shutil.disk_usage(directory).free
    if free < releases.ROOM:
        raise HostError(
            f"{directory} has {free >> 20} MiB free, and a release needs {releases.ROOM >> 20} MiB. Make room, or set "
            "etcd_install_dir to another file system."
        )


def _put_in_place(layout: Layout, directory: str, make: Make, replaces: bool) -> str:
    parent = os.path.dirname(directory)
    with scratch(parent) as place:
        made = make(place)
        atomic.replace(layout.record_file(made.directory), f"{made.identity}\n".encode(), 0o644)
        os.chmod(made.directory, 0o755)
        if os.path.isdir(directory):
            if not replaces:
                raise HostError(f"{directory} is there and holds no etcd. Move it away, then run again.")
            # It goes with what is left of the making, after an interruption too.
            os.rename(directory, os.path.join(place, "before"))
        os.rename(made.directory, directory)
        atomic.sync_directory(parent)
    return made.checksum


def _fetched_and_unpacked(release: Release, source: Source, run: Run, scratch: str) -> Made:
    wanted = expected(release, source)
    archive = source.archive
    if not archive:
        archive = os.path.join(scratch, release.archive)
        download(release, source, archive)
    check(archive, wanted)
    unpacked = os.path.join(scratch, "release")
    unpack(archive, release, run, unpacked)
    return Made(unpacked, identity((release.archive, wanted.sha256)), wanted.sha256)


def expected(release: Release, source: Source) -> ExpectedArchive:
    """What the archive of a release must be: by what was given, what is pinned, or a list that is believed.

    :raises BadInput: there is nothing to hold it against.
    :raises HostError: the list cannot be fetched.
    """
    known = releases.known_checksum(release.archive, source.checksums)
    if not known:
        return _listed_checksum(release, source)
    if release.archive in source.checksums:
        return ExpectedArchive(known, "etcd_checksums", "Correct it there if this archive is the one that you mean.")
    return ExpectedArchive(
        known,
        "what is pinned in this collection",
        "Fetch the archive anew from where etcd is published. If it is your own build, give its checksum in "
        "etcd_checksums.",
    )


def _listed_checksum(release: Release, source: Source) -> ExpectedArchive:
    name = release.archive
    url = releases.checksums_url(source.url, release.version, source.from_mirror)
    releases.check_checksum(name, (), bool(url))
    with _opened(url, source.opener) as stream:
        listing = stream.read(_CHUNK)
    checksum = releases.checksum_in(listing.decode(errors="replace"), name)
    if not checksum:
        page = _is_page(listing)
        raise BadInput(
            f"{url} is a web page and no list of checksums. {_SEE_THE_PAGE}"
            if page
            else f"{url} has no checksum of {name}. See that this version exists for this architecture."
        )
    return ExpectedArchive(
        checksum, url, "Where a mirror and its own list do not agree, have it mirror that release anew."
    )


@contextlib.contextmanager
def scratch(parent: str) -> Iterator[str]:
    """A directory for as long as a release is made there, beside those that there are.

    :raises HostError: it cannot be written, or there is no room.
    """
    was_there = os.path.isdir(parent)
    host_files.open_directory(parent)
    # Always the same place: what an installation that was killed has left is taken away by the next.
    path = os.path.join(parent, ".fetch")
    shutil.rmtree(path, ignore_errors=True)
    try:
        os.mkdir(path, 0o700)
        _check_room(parent)
        yield path
    except OSError as exc:
        raise HostError(f"{path} cannot be written: {exc.strerror}. Make room, or mount its file system.") from exc
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if not was_there:
            with contextlib.suppress(OSError):
                os.rmdir(parent)


@contextlib.contextmanager
def _opened(url: str, opener: Opener) -> Iterator[BinaryIO]:
    try:
        with contextlib.closing(opener(url)) as stream:
            yield stream
    except urllib.error.HTTPError as exc:
        hint = " See that this version exists, and that a mirror is laid out like upstream." if exc.code == 404 else ""
        raise HostError(f"{url} answers {exc.code} {exc.reason}.{hint}") from exc
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise HostError(
            f"{url} cannot be fetched: {reason}. Without a way out from the hosts, set etcd_download_url to a "
            "mirror, etcd_download_environment to a proxy, or etcd_archive_dir to archives on the "
            "controller."
        ) from exc


def download(release: Release, source: Source, path: str) -> None:
    """Fetch the archive of a release.

    :raises HostError: it cannot be fetched, or the file cannot be written.
    """
    url = f"{source.url.rstrip('/')}/v{release.version}/{release.archive}"
    with _opened(url, source.opener) as stream, open(path, "wb") as target:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            try:
                target.write(chunk)
            except OSError as exc:
                raise HostError(f"{path} cannot be written: {exc.strerror}.") from exc


def check(path: str, wanted: ExpectedArchive) -> None:
    """Hold an archive against its checksum.

    :raises BadInput: it is another.
    :raises HostError: it cannot be read.
    """
    digest, size, begins = hashlib.sha256(), 0, b""
    try:
        with open(path, "rb") as stream:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                begins = begins or chunk
                size += len(chunk)
                digest.update(chunk)
    except OSError as exc:
        raise HostError(f"{path} cannot be read: {exc.strerror}.") from exc
    if digest.hexdigest() == wanted.sha256:
        return
    name = os.path.basename(path)
    if _is_page(begins):
        raise BadInput(f"{name} is a web page of {size} bytes. Nothing was installed. {_SEE_THE_PAGE}")
    raise BadInput(
        f"{name} has {size} bytes and the SHA256 {digest.hexdigest()}, not {wanted.sha256}, as {wanted.said_by} says: "
        f"it is damaged, or not what it says. Nothing was installed. {wanted.remedy}"
    )


def unpack(archive: str, release: Release, run: Run, target: str) -> None:
    """Make a directory with the tools of a release and nothing else: an archive writes nowhere but where it is told.

    :raises BadInput: it is no whole archive of that release, or its etcd does not run here.
    """
    os.mkdir(target, 0o700)
    tools = releases.tools(release.version)
    wanted = {f"{release.directory}/{tool}": os.path.join(target, tool) for tool in tools}
    try:
        for name, stream in _files_in(archive, wanted):
            write_program(wanted.pop(name), stream)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile) as exc:
        raise BadInput(f"{os.path.basename(archive)} is no whole archive: {exc}. Nothing was installed.") from exc
    if wanted:
        raise BadInput(
            f"{os.path.basename(archive)} does not hold {', '.join(sorted(wanted))}: it is an archive of another "
            "version or architecture. Nothing was installed."
        )
    check_binary(run, os.path.join(target, "etcd"), release.version, "The archive")


def _files_in(archive: str, wanted: Mapping[str, str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Those of the wanted files that an archive has, each to be read before the next."""
    if archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as packed:
            for name in [one for one in packed.namelist() if one in wanted]:
                yield name, packed.open(name)
        return
    # As a stream: looking a member up by its name would unpack everything twice.
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.name in wanted and member.isfile() else None
            if stream is not None:
                yield member.name, stream


def write_program(path: str, stream: IO[bytes]) -> None:
    """Write a program that is on the disk once this returns."""
    with open(path, "wb") as file:
        shutil.copyfileobj(stream, file, _CHUNK)
        os.fchmod(file.fileno(), 0o755)
        file.flush()
        os.fsync(file.fileno())


def check_binary(run: Run, path: str, version: str, origin: str) -> None:
    """Let a release's etcd say its version, on the host that is to run it.

    :param origin: what it came in, in the words that begin a sentence.
    :raises BadInput: it does not run here, or says another.
    """
    try:
        done = run((path, "--version"))
    except OSError as exc:
        raise BadInput(
            f"{origin}'s etcd does not run on this host: {exc.strerror}. It is for another architecture, or the "
            "file system allows no programs (noexec)."
        ) from exc
    # What lacks a library of its own distribution says so where errors go.
    said = (done.output or done.errors).splitlines()
    if said[:1] != [f"etcd Version: {version}"]:
        raise BadInput(
            f"{origin}'s etcd says {said[0] if said else 'nothing'!r}, not version {version}. Nothing was installed."
        )
