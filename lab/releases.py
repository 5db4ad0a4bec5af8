# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd releases in upstream's own layout, official where they can be had, else made on this machine.

Below ``.cache/releases``: ``vX.Y.Z/etcd-vX.Y.Z-linux-ARCH.tar.gz`` with its ``SHA256SUMS``, and the unpacked
commands in ``bin/vX.Y.Z``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import platform
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.commands import LabError, locked, output
from lab.paths import RELEASES

#: The newest patch of each minor that the collection supports, and the 3.4 that Debian 12 ships.
VERSIONS = ("3.6.14", "3.5.33", "3.7.1", "3.4.23")

UPSTREAM = "https://github.com/etcd-io/etcd/releases/download"
MODULES = Path(__file__).parent / "releases.d"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}


def architecture(machine: str) -> str:
    """etcd's name for a machine type as the kernel gives it.

    :raises LabError: etcd publishes nothing for it.
    """
    try:
        return MACHINES[machine]
    except KeyError:
        raise LabError(f"etcd publishes no archive for {machine}, only for {', '.join(MACHINES)}.") from None


@dataclass(frozen=True)
class Release:
    """One version of etcd for one architecture, and where its files lie."""

    version: str
    arch: str
    root: Path = RELEASES

    @property
    def name(self) -> str:
        """The archive's name without its ending, which is also the name of its top directory."""
        return f"etcd-v{self.version}-linux-{self.arch}"

    @property
    def archive(self) -> Path:
        return self.root / f"v{self.version}" / f"{self.name}.tar.gz"

    @property
    def sums(self) -> Path:
        return self.archive.with_name("SHA256SUMS")

    @property
    def binaries(self) -> Path:
        return self.root / "bin" / f"v{self.version}"

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that this release has: etcdutl came with 3.5."""
        return ("etcd", "etcdctl") if self.version.startswith("3.4.") else ("etcd", "etcdctl", "etcdutl")


def checksum(text: str, file_name: str) -> str | None:
    """The SHA256 of a file in the text of a ``SHA256SUMS``."""
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if name.strip() == file_name:
            return digest
    return None


def pack(name: str, commands: Sequence[Path]) -> bytes:
    """A release archive of these commands: the same bytes whenever and wherever it is made."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        top = tarfile.TarInfo(name)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        for command in sorted(commands):
            member = tarfile.TarInfo(f"{name}/{command.name}")
            member.size, member.mode = command.stat().st_size, 0o755
            with command.open("rb") as content:
                archive.addfile(member, content)
    return packed.getvalue()


@dataclass
class Upstream:
    """The official archives. One failure to reach them is remembered, so that nobody waits for the next."""

    base: str = UPSTREAM
    timeout: float = 5.0
    reachable: bool = field(default=True, init=False)

    def archive(self, release: Release) -> bytes | None:
        """The official archive, verified against upstream's own sums; nothing where upstream cannot be reached.

        :raises LabError: what was downloaded is not what upstream's sums say.
        """
        sums = self._fetch(release, "SHA256SUMS")
        content = self._fetch(release, release.archive.name)
        if sums is None or content is None:
            return None
        if hashlib.sha256(content).hexdigest() != checksum(sums.decode(), release.archive.name):
            raise LabError(f"{release.archive.name} does not have the SHA256 that its SHA256SUMS states: try again.")
        return content

    def _fetch(self, release: Release, file_name: str) -> bytes | None:
        if not self.reachable:
            return None
        try:
            with urllib.request.urlopen(f"{self.base}/v{release.version}/{file_name}", timeout=self.timeout) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError:
            return None
        except OSError:
            self.reachable = False
            return None


def build(release: Release, directory: Path) -> list[Path]:
    """Build the commands from etcd's Go modules, at the versions pinned beside this file.

    :raises LabError: the version is not pinned, Go is missing, or the build fails.
    """
    module = MODULES / f"v{release.version}"
    if not module.is_dir():
        raise LabError(
            f"etcd {release.version} cannot be downloaded here, and is not among those that can be built: "
            f"{', '.join(sorted(path.name for path in MODULES.iterdir()))}."
        )
    if shutil.which("go") is None:
        raise LabError(f"etcd {release.version} cannot be downloaded here, and Go is missing to build it: install Go.")
    built = []
    for command in release.commands:
        # etcd's own command lives in the module "server"; the other two in modules of their own name.
        package = "server" if command == "etcd" else command
        output(
            ["nice", "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(directory / command),
             f"go.etcd.io/etcd/{package}/v3"],
            environment={
                "CGO_ENABLED": "0",
                "GOOS": "linux",
                "GOARCH": release.arch,
                "GOFLAGS": "-mod=readonly",
                "GOTOOLCHAIN": "auto",
            },
            directory=module,
        )  # fmt: skip
        built.append(directory / command)
    return built


def from_debian(release: Release, directory: Path) -> list[Path]:
    """Take the commands out of Debian's packages: the module path of etcd 3.4 cannot be required by Go.

    :raises LabError: this system's packages offer another version, or none.
    """
    found = []
    for package, command in (("etcd-server", "etcd"), ("etcd-client", "etcdctl")):
        offered = output(["apt-cache", "madison", package]) if shutil.which("apt-cache") else ""
        exact = next(
            (line.split("|")[1].strip() for line in offered.splitlines() if f"| {release.version}-" in line), None
        )
        if exact is None:
            raise LabError(
                f"etcd {release.version} cannot be downloaded here, and this system's packages do not offer it "
                f"(Debian 12 does, as {package}). Put the official archive and its SHA256SUMS into "
                f"{release.archive.parent}."
            )
        output(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", f"{package}={exact}"], directory=directory
        )
        (downloaded,) = directory.glob(f"{package}_*.deb")
        output(["dpkg", "-x", str(downloaded), str(directory / package)])
        found.append(directory / package / "usr" / "bin" / command)
    return found


def make(release: Release, upstream: Upstream) -> bool:
    """Bring the archive, its sums and the unpacked commands of a release into the cache.

    :returns: whether anything had to be made.
    :raises LabError: it can neither be downloaded nor made on this machine.
    """
    with locked(release.root / f".v{release.version}.lock"):
        if _cached(release):
            return False
        with tempfile.TemporaryDirectory(dir=release.root) as scratch:
            content = upstream.archive(release)
            if content is None:
                source = from_debian if release.version.startswith("3.4.") else build
                content = pack(release.name, source(release, Path(scratch)))
        _store(release, content)
        return True


def _cached(release: Release) -> bool:
    if not (release.archive.is_file() and release.sums.is_file()):
        return False
    digest = hashlib.sha256(release.archive.read_bytes()).hexdigest()
    if checksum(release.sums.read_text(encoding="utf-8"), release.archive.name) != digest:
        return False
    if not all((release.binaries / command).is_file() for command in release.commands):
        _unpack(release, release.archive.read_bytes())
    return True


def _store(release: Release, content: bytes) -> None:
    release.archive.parent.mkdir(parents=True, exist_ok=True)
    _unpack(release, content)
    _replace(release.archive, content, 0o644)
    # The sums come last: an archive without them is made anew.
    digest = hashlib.sha256(content).hexdigest()
    _replace(release.sums, f"{digest}  {release.archive.name}\n".encode(), 0o644)


def _unpack(release: Release, content: bytes) -> None:
    release.binaries.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for command in release.commands:
            member = archive.extractfile(f"{release.name}/{command}")
            if member is None:
                raise LabError(f"{release.archive.name} holds no {command}: delete {release.archive.parent}.")
            _replace(release.binaries / command, member.read(), 0o755)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file beside its place and rename it there: a binary may be running from the old one."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    beside.chmod(mode)
    beside.replace(path)


def here(version: str) -> Release:
    """A version for this machine's architecture."""
    return Release(version.removeprefix("v"), architecture(platform.machine()))


def checksums(root: Path = RELEASES) -> dict[str, str]:
    """The SHA256 of every archive in the cache, by its file name."""
    found: dict[str, str] = {}
    for sums in sorted(root.glob("v*/SHA256SUMS")):
        for archive in sorted(sums.parent.glob("*.tar.gz")):
            digest = checksum(sums.read_text(encoding="utf-8"), archive.name)
            if digest is not None:
                found[archive.name] = digest
    return found
