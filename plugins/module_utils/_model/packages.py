# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The distribution's packages of etcd: their names, their versions, and what a host is offered. No host here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import PACKAGE

#: Debian's and Ubuntu's packages that hold the programs of a release.
PACKAGES = ("etcd-server", "etcd-client")

#: The kernel's name of an architecture -> dpkg's (dpkg-architecture(1)).
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "s390x": "s390x"}

#: Is there where the package of the server is installed, and after a removal until it is purged.
SERVER_LIST = "/var/lib/dpkg/info/etcd-server.list"

#: The unit of that package, and the directory that its scripts delete at a purge (debian/etcd-server.postrm).
UNIT, DATA_DIR = "etcd.service", "/var/lib/etcd"

# Upstream's version, perhaps repacked, and the distribution's revision (deb-version(7)). Not a preview (3.6.0~rc1).
_VERSION = re.compile(r"(\d+\.\d+\.\d+)(?:[+~](?:dfsg|ds)[0-9.]*)?-[A-Za-z0-9.+~]+")
_FILE = re.compile(r"(etcd-server|etcd-client)_([A-Za-z0-9.+~-]+)_([a-z0-9]+)\.deb")
_INSTALLED = re.compile(rf"/etcd-v(\d+\.\d+\.\d+)-linux-[^/-]+-{PACKAGE}/")


@dataclass(frozen=True)
class Offer:
    """What apt offers a host.

    :param versions: of both packages, as the distribution writes them, such as C(3.4.23-4+b4); the newest first.
    :param problem: why there is nothing to choose from, as the end of a sentence about the host; empty where there is.
    """

    versions: Sequence[str] = ()
    problem: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Offer:
        return cls(tuple(values["versions"]), str(values["problem"]))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def upstream(version: str) -> str:
    """etcd's own version of a package, such as C(3.4.23); empty where it names none."""
    found = _VERSION.fullmatch(version)
    return found.group(1) if found else ""


def of_release(versions: Iterable[str], version: str) -> str:
    """The newest package of a release; empty without one.

    :param versions: of packages, the newest first.
    """
    return next((one for one in versions if upstream(one) == version), "")


def file_name(package: str, version: str, machine: str) -> str:
    """How C(apt-get download) calls a package.

    :param machine: the architecture as the kernel names it.
    """
    return f"{package}_{version}_{ARCHITECTURES.get(machine, machine)}.deb"


def in_files(names: Iterable[str], machine: str) -> list[str]:
    """The versions of which both packages are among files, in the order of their names.

    :param machine: the architecture as the kernel names it.
    """
    found: dict[str, set[str]] = {}
    for name in sorted(names):
        read = _FILE.fullmatch(name)
        if read and read.group(3) == ARCHITECTURES.get(machine) and upstream(read.group(2)):
            found.setdefault(read.group(2), set()).add(read.group(1))
    return [version for version, packages in found.items() if packages == set(PACKAGES)]


def is_settled(asked: str, unpacked: Sequence[str], executable: str) -> bool:
    """Is it known without apt what a host runs and is to run?

    :param asked: C(etcd_version); empty for none.
    :param unpacked: the releases of packages that are there.
    :param executable: the path of the etcd that runs; empty where none does.
    """
    found = _INSTALLED.search(executable)
    return bool(found and found.group(1) in unpacked and asked in ("", found.group(1)))


def offered(table: str) -> list[str]:
    """The versions that both packages have, in the order of apt, out of what C(apt-cache madison) prints."""
    found: dict[str, list[str]] = {package: [] for package in PACKAGES}
    for line in table.splitlines():
        name, *rest = (part.strip() for part in line.split("|"))
        if rest and name in found and rest[0] not in found[name]:
            found[name].append(rest[0])
    server, client = (found[package] for package in PACKAGES)
    return [version for version in server if version in client and upstream(version)]
