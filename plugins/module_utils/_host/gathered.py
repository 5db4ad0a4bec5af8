# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A directory of releases for hosts that fetch nothing themselves: each file verified, and listed with its checksum.

A file has its name once it is whole. A run that was killed is continued with those that are missing, and a second run
changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import install, package_files
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Release, Source
from ansible_collections.quorum.etcd.plugins.module_utils._model import gathering, packages, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, PACKAGE

LIST = "SHA256SUMS"
_HEAD = f"{releases.VERIFIED}: each was held against a checksum that is given, pinned, upstream's or apt's own.\n"
# Whatever is being fetched; gone with the next run.
_PARTS = ".fetching"


@dataclass(frozen=True)
class Gathered:
    """What a directory has now.

    :param names: the files that were asked for.
    :param fetched: those of them that were not there.
    """

    names: Sequence[str]
    fetched: Sequence[str]


@dataclass(frozen=True)
class Place:
    """The directory, and where its files come from.

    :param source: of archives.
    :param run: runs apt, for packages.
    :param check: only say what would be fetched.
    """

    directory: str
    source: Source
    run: Run
    check: bool


def gather(place: Place, method: str, wanted: Sequence[Release]) -> Gathered:
    """Have every release in the directory, each file verified.

    :param method: C(etcd_install_method) of the hosts.
    :raises BadInput: a file is another than it should be, or has nothing to be held against.
    :raises HostError: it cannot be fetched or written.
    """
    if place.check:
        known = _listed(place.directory)
        names = [name for release in wanted for name in _NAMES[method](files(place.directory), release)]
        return Gathered(names, [name for name in names if name not in known])
    with _alone(place.directory):
        known, fetched, names = _listed(place.directory), [], []
        for release in wanted:
            for name, checksum in _FETCH[method](place, release, known).items():
                names.append(name)
                if name not in known:
                    fetched.append(name)
                    known[name] = checksum
                    # After each, so that a run that is killed has lost none.
                    _write(place.directory, known)
        return Gathered(names, fetched)


def files(directory: str) -> list[str]:
    """The names of what a directory has; none where there is no such directory."""
    return os.listdir(directory) if os.path.isdir(directory) else []


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Two runs would write one list."""
    try:
        os.makedirs(directory, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(os.path.join(directory, _PARTS), ignore_errors=True)
            os.mkdir(os.path.join(directory, _PARTS), 0o700)
            yield
        finally:
            shutil.rmtree(os.path.join(directory, _PARTS), ignore_errors=True)
            os.close(lock)
    except OSError as exc:
        raise HostError(f"{exc.filename or directory} cannot be written: {exc.strerror or exc}.") from exc


def _listed(directory: str) -> dict[str, str]:
    """What earlier runs have verified, as far as it is still there."""
    try:
        with open(os.path.join(directory, LIST), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    if not text.startswith(releases.VERIFIED):
        raise BadInput(
            f"{directory} has a {LIST} that quorum.etcd has not written. Nothing was touched. Name another directory: "
            "-e etcd_fetch_dir=DIRECTORY"
        )
    here = set(files(directory))
    return {name: checksum for name, checksum in releases.checksums_in(text).items() if name in here}


def _write(directory: str, known: Mapping[str, str]) -> None:
    lines = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(known.items()))
    atomic.replace(os.path.join(directory, LIST), f"{_HEAD}{lines}".encode(), 0o644)


def _check_listed(directory: str, name: str, checksum: str) -> None:
    remedy = f"Remove {os.path.join(directory, name)} and run again: it is fetched anew."
    install.check(os.path.join(directory, name), install.ExpectedArchive(checksum, f"{directory}/{LIST}", remedy))


def _keep(directory: str, path: str) -> None:
    """Give a file that was verified its name."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    os.chmod(path, 0o644)
    os.replace(path, os.path.join(directory, os.path.basename(path)))
    atomic.sync_directory(directory)


# -- by C(etcd_install_method) -----------------------------------------------------------------------------------------


def _archive(place: Place, release: Release, known: Mapping[str, str]) -> dict[str, str]:
    name, directory = release.archive, place.directory
    given = releases.known_checksum(name, place.source.checksums)
    if name in known and given in ("", known[name]):
        _check_listed(directory, name, known[name])
        return {name: known[name]}
    wanted = install.expected(release, place.source)
    there = os.path.join(directory, name)
    if os.path.lexists(there):
        # Brought by hand, and not listed: it counts once it is what it should be.
        wanted = replace(wanted, remedy=f"Move {there} away and run again: it is fetched then. {wanted.remedy}")
        install.check(there, wanted)
        return {name: wanted.sha256}
    part = os.path.join(directory, _PARTS, name)
    install.download(release, place.source, part)
    install.check(part, wanted)
    _keep(directory, part)
    return {name: wanted.sha256}


def _packages(place: Place, release: Release, known: Mapping[str, str]) -> dict[str, str]:
    """By apt, whose signatures vouch for what it fetches: this machine's apt must offer what the hosts need."""
    held = gathering.are_held(files(place.directory), release.version, release.machine)
    if held and all(name in known for name in held):
        for name in held:
            _check_listed(place.directory, name, known[name])
        return {name: known[name] for name in held}
    parts = os.path.join(place.directory, _PARTS)
    found: dict[str, str] = {}
    for path in package_files.fetch(place.run, release, parts):
        name = os.path.basename(path)
        found[name] = _digest(path)
        there = os.path.join(place.directory, name)
        if os.path.lexists(there):
            expected = install.ExpectedArchive(found[name], "what apt has fetched", f"Move {there} away and run again.")
            install.check(there, expected)
            os.unlink(path)
        else:
            _keep(place.directory, path)
    return found


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _archive_named(_there: Sequence[str], release: Release) -> list[str]:
    return [release.archive]


def _packages_named(there: Sequence[str], release: Release) -> list[str]:
    held = gathering.are_held(there, release.version, release.machine)
    return held or [f"{one}_{release.version}-*.deb" for one in packages.PACKAGES]


_FETCH = {ARCHIVE: _archive, PACKAGE: _packages}
_NAMES = {ARCHIVE: _archive_named, PACKAGE: _packages_named}
