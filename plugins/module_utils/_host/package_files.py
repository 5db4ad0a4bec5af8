# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A release out of the distribution's packages. They are unpacked and never installed.

None of their scripts runs: nothing starts the distribution's own cluster, no newer package restarts the member, and no
purge deletes its data.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import install
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import ExpectedArchive, Release
from ansible_collections.quorum.etcd.plugins.module_utils._model import packages, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout, identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.packages import Offer

_NO_DPKG = (
    "has no {program}, with which the packages of Debian and Ubuntu are read. Take upstream's archives there: "
    "etcd_install_method: archive"
)
# A source that does not answer must not hold a run for longer. Of what comes every byte is checked by apt, so that the
# account which apt would take for the download, and which cannot write there, adds nothing.
_APT = ("-q", *("-o", "APT::Sandbox::User=root"), *("-o", "Acquire::Retries=0"), *("-o", "Acquire::http::Timeout=10"))
_LONGEST_UPDATE = "45"
# Of the lists only those of packages are of use.
_NO_MORE = (
    *("-o", "Acquire::Languages=none"),
    *("-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"),
)
# Where lists lie meanwhile: NAME, the number of the process that fetches them, and what makes it new.
_TEMPORARY, _LISTS = "/var/tmp", "quorum.etcd-apt-"
_REMEDY = "Is it Debian or Ubuntu?"


@dataclass(frozen=True)
class Source:
    """Where packages come from and what they must be.

    :param files: packages that lie on the host already; empty where apt fetches them.
    :param checksums: file name -> SHA256. Those that lie there must have one; what it fetches apt checks itself.
    :param revision: the version of the packages, as the distribution writes it; empty for the newest of the release.
    """

    files: Sequence[str]
    checksums: Mapping[str, str]
    revision: str = ""


def offer(run: Run, version: str, asks: bool = True) -> Offer:
    """What apt offers this host. Nothing of the system is changed: lists that apt lacks are fetched beside its own.

    :param version: the release that is asked for; empty for any.
    :param asks: whether apt is asked at all; else only whether packages can be read.
    """
    for program in ("dpkg-deb", "apt-get") if asks else ("dpkg-deb",):
        try:
            run((program, "--version"))
        except OSError:
            return Offer(problem=_NO_DPKG.format(program=program))
    if not asks:
        return Offer()
    known = _offered(run, ())
    if _has(known, version):
        return Offer(tuple(known))
    try:
        with _fresh_lists(run) as options:
            return Offer(tuple(_offered(run, options) or known))
    except HostError as exc:
        return Offer(tuple(known), "" if known else f"is offered no etcd, and cannot fetch apt's lists: {exc}")


def _has(offered: Sequence[str], version: str) -> bool:
    return bool(packages.of_release(offered, version) if version else offered)


def _offered(run: Run, options: Sequence[str]) -> list[str]:
    """In the order of apt, whose newest is the first."""
    table = succeed(run, ("apt-cache", *options, "madison", *packages.PACKAGES), _REMEDY)
    return packages.offered(table)


@contextlib.contextmanager
def _fresh_lists(run: Run, own: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the options by which apt uses lists that it has just fetched, beside the system's.

    :param own: options that it has anyhow.
    :raises HostError: they cannot be fetched.
    """
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=f"{_LISTS}{os.getpid()}-", dir=_TEMPORARY) as place:
        os.mkdir(os.path.join(place, "lists"))
        options = (
            *own,
            *("-o", f"Dir::State::Lists={place}/lists"),
            *("-o", f"Dir::Cache::pkgcache={place}/pkgcache.bin"),
            *("-o", f"Dir::Cache::srcpkgcache={place}/srcpkgcache.bin"),
        )
        command = ("timeout", _LONGEST_UPDATE, "apt-get", *_APT, *_NO_MORE, *options, "update")
        succeed(run, command, _REMEDY)
        yield options


def _remove_left() -> None:
    """Remove the lists of runs that were killed: those of which the process is gone."""
    for path in glob.glob(os.path.join(_TEMPORARY, f"{_LISTS}*")):
        owner = os.path.basename(path)[len(_LISTS) :].partition("-")[0]
        if not os.path.exists(f"/proc/{owner}"):
            shutil.rmtree(path, ignore_errors=True)


def bring(layout: Layout, release: Release, source: Source, run: Run, check: bool) -> dict[str, Any]:
    """Unpack the programs of a release into the directory of its version, and make the account.

    :param check: only say what would be done.
    :returns: as C(install.install).
    :raises BadInput: a package is damaged, of another version or architecture, or has no checksum.
    :raises HostError: the host or apt would not.
    """
    return install.bring(layout, release, run, check, lambda scratch: _unpacked(release, source, run, scratch))


def _unpacked(release: Release, source: Source, run: Run, scratch: str) -> install.Made:
    found = list(source.files) or _fetched(release, source, run, scratch)
    identities, digests = [], []
    for path in found:
        digests.append(_check_sum(path, source))
        identities.append(_check_fields(path, release, source, run))
    target = os.path.join(scratch, "release")
    os.mkdir(target, 0o700)
    wanted = set(releases.tools(release.version))
    for path in found:
        wanted -= _take_programs(path, wanted, run, scratch, target)
    if wanted:
        raise BadInput(
            f"{' and '.join(map(os.path.basename, found))} do not hold {', '.join(sorted(wanted))}. Nothing was "
            "installed."
        )
    install.check_binary(run, os.path.join(target, "etcd"), release.version, "The package")
    checksums = " ".join(digest for digest in digests if digest)
    return install.Made(target, identity(*identities), checksums)


def _fetched(release: Release, source: Source, run: Run, scratch: str) -> list[str]:
    """What apt fetches, and checks by its signatures.

    :raises HostError: it would not.
    """
    _remove_left()
    known = _offered(run, ())
    if source.revision in known if source.revision else _has(known, release.version):
        with contextlib.suppress(HostError):
            # A mirror that has gone on has it no more under the name that old lists know.
            return _download(release, source, run, scratch, known, ())
    with _fresh_lists(run) as options:
        return _download(release, source, run, scratch, _offered(run, options), options)


def fetch(run: Run, release: Release, directory: str) -> list[str]:
    """Have apt fetch the newest packages of a release, for whichever architecture, and return their paths.

    :raises HostError: the apt of this machine does not offer them.
    """
    name = packages.ARCHITECTURES[release.machine]
    architecture = ("-o", f"APT::Architecture={name}", "-o", f"APT::Architectures::={name}")
    with _fresh_lists(run, architecture) as options:
        return _download(release, Source((), {}), run, directory, _offered(run, options), options)


def _download(
    release: Release, source: Source, run: Run, scratch: str, offered: Sequence[str], options: Sequence[str]
) -> list[str]:
    revision = source.revision or packages.of_release(offered, release.version)
    if revision not in offered:
        raise HostError(
            f"apt offers this machine no {revision or f'package of etcd {release.version}'}; it offers "
            f"{', '.join(offered) or 'none'}."
        )
    names = [f"{package}={revision}" for package in packages.PACKAGES]
    succeed(run, ("env", f"--chdir={scratch}", "apt-get", *_APT, *options, "download", *names), _REMEDY)
    found = [os.path.join(scratch, packages.file_name(one, revision, release.machine)) for one in packages.PACKAGES]
    missing = [path for path in found if not os.path.isfile(path)]
    if missing:
        raise HostError(f"apt has fetched no {os.path.basename(missing[0])}: is its architecture that of this machine?")
    return found


def _check_sum(path: str, source: Source) -> str:
    """Hold a package against its checksum, where it has one or must have one.

    :returns: the checksum; empty where apt vouches for it.
    """
    name = os.path.basename(path)
    known = releases.known_checksum(name, source.checksums)
    if known:
        said = "etcd_checksums, or the SHA256SUMS beside it,"
        install.check(path, ExpectedArchive(known, said, "Fetch it anew, from where your distribution publishes it."))
    elif source.files:
        releases.check_checksum(name, (), False)
    return known


def _check_fields(path: str, release: Release, source: Source, run: Run) -> tuple[str, str]:
    """See that a package is the one that it is called.

    :returns: its name and version.
    """
    name = os.path.basename(path)
    done = run(("dpkg-deb", "--field", path, "Package", "Version", "Architecture"))
    if done.code:
        raise BadInput(f"{name} is no whole package: {done.words} Nothing was installed.")
    fields = dict(line.split(": ", 1) for line in done.output.splitlines() if ": " in line)
    package, version, architecture = (fields.get(one, "") for one in ("Package", "Version", "Architecture"))
    expected = packages.ARCHITECTURES.get(release.machine, release.machine)
    if package not in packages.PACKAGES or packages.upstream(version) != release.version:
        raise BadInput(
            f"{name} is the package {package} {version}, and none of etcd {release.version}. Nothing was installed."
        )
    if source.revision and version != source.revision:
        raise BadInput(f"{name} is of version {version}, and not {source.revision}. Nothing was installed.")
    if architecture != expected:
        raise BadInput(
            f"{name} is for {architecture}, and this host is {expected}. Nothing was installed. Put the package for "
            f"{expected} into etcd_archive_dir."
        )
    return package, version


def _take_programs(path: str, wanted: set[str], run: Run, scratch: str, target: str) -> set[str]:
    """Copy those of the wanted programs that a package has; it writes nowhere but where it is told.

    :returns: the names of those that it had.
    :raises BadInput: it is damaged.
    """
    name, packed = os.path.basename(path), os.path.join(scratch, "files.tar")
    # Its output is no text.
    done = run(("sh", "-c", 'exec dpkg-deb --fsys-tarfile "$1" > "$2"', "sh", path, packed))
    if done.code:
        raise BadInput(f"{name} is no whole package: {done.words} Nothing was installed.")
    members = {f"./usr/bin/{tool}": tool for tool in wanted}
    found = set()
    try:
        with tarfile.open(packed, "r:") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.name in members and member.isfile() else None
                if stream is not None:
                    install.write_program(os.path.join(target, members[member.name]), stream)
                    found.add(members[member.name])
    except tarfile.TarError as exc:
        raise BadInput(f"{name} is no whole package: {exc}. Nothing was installed.") from exc
    finally:
        os.unlink(packed)
    return found
