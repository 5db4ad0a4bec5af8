# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's releases: names, architectures, checksums and where a checksum may come from. No network here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput

#: etcd's releases that this collection knows best, each with the SHA256 of upstream's archives by architecture. To add
#: one is a line here. One without checksums is held against upstream's own list.
KNOWN: dict[str, dict[str, str]] = {
    "3.7.1": {},
    "3.6.14": {
        "amd64": "ffe840ff9295808e88cce2794a18a5ac87f12a5203c8314d0bf6aa119b41bac5",
        "arm64": "fa1b80565ee6fc2df1ae6f57a508b221f3ecc7d591c317c581cd8281b0842b3e",
    },
    "3.5.33": {
        "amd64": "5025b5b24d81a9616b6e284ccd439b9a3df055ef8fdcdc142af3ec8f6a3b3c95",
        "arm64": "0764c5c0acef155f4bfa0487791cc5776adef66315bf16ec0653883bfd463a90",
    },
}

#: When the table was compared with https://github.com/etcd-io/etcd/tags.
READ_ON = "2026-08-20"

#: Minors of etcd 3 that upstream maintained then: the current one and the one before (https://etcd.io/docs/latest/).
MAINTAINED = (6, 7)


def _newest(minor: int) -> str:
    return max((one for one in KNOWN if order(one)[1] == minor), key=order, default="")


#: The first minor without the API of version 2: it does not start on what that has left.
WITHOUT_V2 = 6
#: The first minor that ends on requests of that API in the log, with which members of 3.5 register themselves.
CANNOT_READ_V2 = 7


def order(version: str) -> tuple[int, ...]:
    """A version as numbers, to compare it by."""
    return tuple(int(part) for part in version.split("."))


def minor(version: str) -> int:
    """The minor of etcd 3 that a version is of."""
    return order(version)[1]


#: What a new cluster gets without C(etcd_version): the newest patch of the older one that is maintained.
DEFAULT_VERSION = _newest(MAINTAINED[0])

#: Bytes that an install directory must have free: an archive of 25 MiB, the 80 MiB it unpacks to, and some room.
ROOM = 160 << 20

#: How the C(SHA256SUMS) begins that C(playbooks/fetch.yml) writes of what it has verified.
VERIFIED = "# Verified by quorum.etcd"

UPSTREAM = "https://github.com/etcd-io/etcd/releases/download"

#: The kernel's name of an architecture -> etcd's (https://github.com/etcd-io/etcd/releases).
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}

#: The kernel's name of itself -> what etcd calls it, its architectures, and how its archives end. Darwin's name arm64
#: is etcd's own.
SYSTEMS = {
    "Linux": ("linux", ARCHITECTURES, ".tar.gz"),
    "Darwin": ("darwin", {"x86_64": "amd64", "arm64": "arm64"}, ".zip"),
}

#: SHA256 of upstream's archives, by their names.
PINNED = {
    f"etcd-v{version}-linux-{architecture}.tar.gz": checksum
    for version, checksums in KNOWN.items()
    for architecture, checksum in checksums.items()
}

#: The first patch of each minor whose tool knows C(--bump-revision); 3.6 and newer always did.
RAISING = ((3, 4, 27), (3, 5, 10))

_VERSION = re.compile(r"3\.([4-9]|[1-9]\d+)\.\d+")
# Such as 3.4.23-4+b4, as a distribution writes it (deb-version(7)).
_OF_A_PACKAGE = re.compile(r"(\d+\.\d+\.\d+)(?:[+~](?:dfsg|ds)[0-9.]*)?-[0-9]")
_OLD = re.compile(r"(2\.\d+|3\.[0-3])(\.\d+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def plain(version: str) -> str:
    """A version as etcd itself tells it: C(v3.6.14), the name of its tag, is C(3.6.14)."""
    return version.strip().removeprefix("v")


def check_version(version: str) -> None:
    """Is this a version that can be installed?

    :raises BadInput: it is not written like C(3.6.14), or below 3.4.
    """
    package = _OF_A_PACKAGE.match(version)
    if package:
        raise BadInput(
            f"etcd_version is {version!r}, the version of a package. Give the release of etcd in it: "
            f"{package.group(1)}."
        )
    if not _VERSION.fullmatch(version):
        old = "It is too old: what this collection asks of a member came with 3.4. " if _OLD.fullmatch(version) else ""
        raise BadInput(
            f"etcd_version is {version!r}. {old}Give a full version of 3.4 or newer, such as {DEFAULT_VERSION}."
        )


def of_minor(version: str) -> str:
    """The newest release that this collection knows of a minor.

    :param version: of any patch, or the minor alone.
    :returns: an empty string for a minor without a release here.
    """
    return _newest(minor(version))


def architecture(machine: str, system: str = "Linux") -> str:
    """etcd's name of an architecture.

    :param machine: the kernel's name, C(uname -m).
    :param system: the kernel's name of itself, C(uname -s), one of C(SYSTEMS).
    :raises BadInput: there are no archives for it.
    """
    known = SYSTEMS[system][1]
    if machine not in known:
        raise BadInput(f"etcd has no archive for {machine}; there are {', '.join(sorted(known.values()))}.")
    return known[machine]


def tools(version: str) -> tuple[str, ...]:
    """What an archive holds; etcdutl came with 3.5."""
    return ("etcd", "etcdctl") if version.startswith("3.4.") else ("etcd", "etcdctl", "etcdutl")


def can_raise_revision(version: str) -> bool:
    """Can a restore with this release begin at a later revision than the snapshot?"""
    return all(order(version) >= first or order(version)[:2] != first[:2] for first in RAISING)


def archive(version: str, machine: str, system: str = "Linux") -> str:
    """The name of an archive.

    :raises BadInput: there are no archives for that architecture or system.
    """
    if system not in SYSTEMS:
        raise BadInput(f"etcd has no archive for {system} here; there are those for {' and '.join(SYSTEMS)}.")
    name, _architectures, ending = SYSTEMS[system]
    return f"etcd-v{version}-{name}-{architecture(machine, system)}{ending}"


def directory(archive_name: str) -> str:
    """The top directory of an archive."""
    return archive_name.removesuffix(".tar.gz").removesuffix(".zip")


def checksums(given: Mapping[str, str]) -> dict[str, str]:
    """C(etcd_checksums) with the names that archives have, whether the version in them has its C(v) or not.

    :raises BadInput: it is no dictionary.
    """
    if not isinstance(given, Mapping):
        raise BadInput(f"etcd_checksums is {given!r}. Give a dictionary of archives and their SHA256.")
    return {re.sub(r"^etcd-(?=\d)", "etcd-v", str(name)): str(checksum) for name, checksum in given.items()}


def check_checksum(name: str, given: Collection[str], listed: bool) -> None:
    """Is there anything to hold an archive against?

    :param given: names of archives in C(etcd_checksums).
    :param listed: whether the C(SHA256SUMS) of the place that it is fetched from is believed.
    :raises BadInput: there is not.
    """
    if not listed and name not in given and name not in PINNED:
        raise BadInput(
            f"No checksum is known for {name}, and a mirror's own list only says that it agrees with itself. Give it: "
            f"etcd_checksums: {{{name}: SHA256}}; or believe the mirror: etcd_checksums_from_mirror: true."
        )


def known_checksum(name: str, given: Mapping[str, str]) -> str:
    """The SHA256 that an archive must have: what the user gave, else the pinned one, else empty.

    :raises BadInput: the given one is no SHA256.
    """
    checksum = str(given.get(name, "")).lower() or PINNED.get(name, "")
    if checksum and not _SHA256.fullmatch(checksum):
        raise BadInput(f"etcd_checksums has {checksum!r} for {name}, which is no SHA256 of 64 hexadecimal digits.")
    return checksum


def checksums_url(url: str, version: str, from_mirror: bool) -> str:
    """Where the release's own C(SHA256SUMS) may be fetched, or empty.

    A mirror's list says only that the mirror agrees with itself, so it is believed on request alone, and upstream's
    only over HTTPS.
    """
    if url.rstrip("/") == UPSTREAM or from_mirror:
        return f"{url.rstrip('/')}/v{version}/SHA256SUMS"
    return ""


def checksum_in(listing: str, name: str) -> str:
    """The checksum of an archive in a C(SHA256SUMS), or empty."""
    return checksums_in(listing).get(name, "")


def checksums_in(listing: str) -> dict[str, str]:
    """File name -> checksum, out of a C(SHA256SUMS)."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        digest, _space, file = line.partition(" ")
        if _SHA256.fullmatch(digest.lower()):
            found.setdefault(file.strip().lstrip("*"), digest.lower())
    return found
