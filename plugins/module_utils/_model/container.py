# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The container that a member may run in: which runtime runs it, and which images it may be made of.

An image is known by its ID, the SHA256 of its configuration, which is the same in each archive, each registry and each
runtime. The digest of a manifest is not: an archive has another one than the registry, and C(docker load) none at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import identity

PODMAN, DOCKER = "podman", "docker"
#: By their commands, the preferred one first.
RUNTIMES = (PODMAN, DOCKER)

#: Where images of etcd have its programs, as upstream's do.
PROGRAMS = "/usr/local/bin"

_ID = re.compile(r"[0-9a-f]{64}")
# A name that a shell, a unit and both runtimes take as one word.
_NAME = re.compile(r"[a-z0-9][A-Za-z0-9._:/@{}-]*")
_RELEASE = re.compile(r"\d+\.\d+\.\d+")
_VERSION = "{version}"
_CHANGES_ETCD = re.compile(r"ETCD_.*|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy")

_HOW_TO_LEARN = (
    "Where the image is known to be good, this prints its ID: podman image inspect --format {{.Id}} IMAGE, or docker "
    "image inspect --format {{.Id}} IMAGE."
)


@dataclass(frozen=True)
class Container:
    """What the inventory says about containers, and what was found of it on a host.

    :param runtime: C(podman) or C(docker); empty while nobody has looked which of them the host has.
    :param name: of the image at a registry, in which C({version}) stands for the version; empty for archives.
    :param ids: version -> image ID, 64 hexadecimal digits.
    """

    runtime: str = ""
    name: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Container:
        return cls(str(values["runtime"]), str(values["name"]), dict(values["ids"]))

    def image(self, version: str) -> str:
        """The ID of the image of a version.

        :raises BadInput: none is known.
        """
        if version not in self.ids:
            raise BadInput(
                f"etcd_container_image_ids has no ID for etcd {version}. An image that is not held against its ID "
                f"could be any program. {_HOW_TO_LEARN} Write it down: etcd_container_image_ids: {{{version}: ID}}."
            )
        return self.ids[version]

    def reference(self, version: str) -> str:
        """By what the image of a version is pulled; empty without a registry."""
        return self.name.replace(_VERSION, version)

    def record(self, version: str) -> str:
        """What the directory of a release says of the image that it came out of.

        :raises BadInput: there is no ID for this version.
        """
        return identity((self.runtime, self.image(version)))

    def on_host(self, runtimes: Sequence[str], images: Mapping[str, str]) -> Container:
        """Settle what depends on the host: its runtime, and the images of releases that it has already.

        :param runtimes: those that the host has.
        :param images: version -> C(record) of what is installed.
        :raises BadInput: there is no runtime, or two and no choice.
        """
        asked = [self.runtime] if self.runtime else list(RUNTIMES)
        found = [runtime for runtime in asked if runtime in runtimes]
        if len(found) > 1:
            raise BadInput(
                "podman and Docker are both there, and nothing says which of them is to run etcd. Set "
                f"etcd_container_runtime: {PODMAN} or etcd_container_runtime: {DOCKER}. For a member that runs in a "
                "container already, name the one that runs it."
            )
        if not found:
            both = " or ".join(asked)
            raise BadInput(
                f"etcd is to run in a container (etcd_install_method), and {both} is not there. Install it, for "
                f"example with: apt-get install {asked[0] if asked[0] == PODMAN else 'docker.io'}. Or set "
                "etcd_install_method: archive."
            )
        there = {version: words.split()[-1] for version, words in images.items() if words.split()[:1] == found}
        return replace(self, runtime=found[0], ids={**there, **self.ids})


def tag(version: str) -> str:
    """How the image of a version is called on a host, whatever else it is called."""
    return f"quorum-etcd:v{version}"


def baked_in(environment: Sequence[str]) -> list[str]:
    """Return the variables of an image that would change how etcd runs: settings of its own, and proxies, through which
    etcd would send its peer traffic.

    :param environment: C(NAME=VALUE), as the configuration of an image has them.
    """
    names = (entry.partition("=")[0] for entry in environment)
    return [name for name in names if _CHANGES_ETCD.fullmatch(name)]


#: Of a member that runs in none.
NO_CONTAINER = Container()


def read(runtime: Any, name: Any, ids: Any) -> Container:
    """C(etcd_container_runtime), C(etcd_container_image) and C(etcd_container_image_ids).

    :raises BadInput: one of them is wrong.
    """
    if runtime not in ("", None, *RUNTIMES):
        raise BadInput(f"etcd_container_runtime is {runtime!r}. Write {' or '.join(RUNTIMES)}, or leave it unset.")
    if name and not _NAME.fullmatch(str(name)):
        raise BadInput(
            f"etcd_container_image is {name!r}. Give the name of an image at a registry, such as "
            "registry.example.com/etcd:v{version}."
        )
    if not isinstance(ids, Mapping):
        raise BadInput(f"etcd_container_image_ids is {ids!r}. Give a dictionary of versions and their images' IDs.")
    known = {_version(version): _id(version, value) for version, value in ids.items()}
    return Container(str(runtime or ""), str(name or ""), known)


def _version(given: Any) -> str:
    version = str(given).removeprefix("v")
    if not _RELEASE.fullmatch(version):
        raise BadInput(f"etcd_container_image_ids has {given!r}, which is no full version such as 3.6.14.")
    return version


def _id(version: Any, given: Any) -> str:
    found = str(given).removeprefix("sha256:").lower()
    if not _ID.fullmatch(found):
        raise BadInput(
            f"etcd_container_image_ids has {given!r} for {version}, which is no image ID of 64 hexadecimal digits. "
            f"{_HOW_TO_LEARN}"
        )
    return found


def archive(version: str, machine: str) -> str:
    """The name of the archive in which an image lies on the controller.

    :param machine: the architecture as the kernel names it.
    """
    return f"etcd-v{version}-linux-{releases.architecture(machine)}-container.tar"


def saving(path: str, image: str, machine: str) -> str:
    """The commands that make an archive of an image, by either runtime.

    :param path: of the archive, see C(archive).
    :param image: its name at a registry; empty where the inventory has none.
    """
    name, platform = image or "IMAGE", releases.architecture(machine)
    return (
        f"podman pull --arch {platform} {name} && podman save --format docker-archive --output {path} {name}, or "
        f"docker pull --platform linux/{platform} {name} && docker save --output {path} {name}"
    )
