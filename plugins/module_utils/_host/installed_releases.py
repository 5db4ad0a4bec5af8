# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which releases are unpacked on a host: a directory gets its name only when it is complete."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, Layout, identity

_RELEASE = re.compile(r"etcd-v(\d+\.\d+\.\d+)-linux-[^/-]+(?:-([a-z]+))?")


def named_in(text: str) -> str:
    """The version of the release whose directory a path or a text names, an empty text if it names none."""
    found = _RELEASE.search(text)
    return found.group(1) if found else ""


def to_run(files: Iterable[Mapping[str, Any]], layout: Layout) -> str:
    """The version that a member starts with once these files are written, empty where its unit is not among them."""
    return next((named_in(str(file["content"])) for file in files if file["path"] == layout.unit_file), "")


def recorded(layout: Layout, directory: str) -> str:
    """The identity of what lies in the directory of a release; empty where it has none."""
    return host_files.read_text(layout.record_file(directory)).strip()


def stored_images(layout: Layout, run: Run, runtimes: Sequence[str]) -> list[str]:
    """The identities of all images that the runtimes of this host have; none for a member that runs in no container."""
    found = []
    for runtime in runtimes if layout.install_method == CONTAINER else ():
        listed = run((runtime, "images", "--all", "--quiet", "--no-trunc")).output.split()
        found += [identity((runtime, one.rpartition(":")[2])) for one in dict.fromkeys(listed)]
    return found


def images(layout: Layout, stored: Sequence[str]) -> dict[str, str]:
    """Version -> identity of the image that a release came out of, of those that the runtime still has.

    :param stored: as C(stored_images) gives them.
    """
    found = {version: recorded(layout, path) for version, path in _installed(layout).items()} if stored else {}
    return {version: image for version, image in found.items() if image in stored}


def versions(layout: Layout) -> list[str]:
    """The versions that are there, by this member's way to install."""
    return sorted(_installed(layout))


def _installed(layout: Layout) -> dict[str, str]:
    origin = "" if layout.install_method == ARCHIVE else layout.install_method
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = {name: _RELEASE.fullmatch(name) for name in os.listdir(layout.install_dir)}
        return {
            match.group(1): f"{layout.install_dir}/{name}"
            for name, match in found.items()
            if match and (match.group(2) or "") == origin
        }
    return {}
