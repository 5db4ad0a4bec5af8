# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which releases are unpacked on a host: a directory gets its name only when it is complete."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, Layout

_RELEASE = re.compile(r"etcd-v(\d+\.\d+\.\d+)-linux-[^/-]+(?:-([a-z]+))?")


def named_in(text: str) -> str:
    """The version of the release whose directory a path or a text names, an empty text if it names none."""
    found = _RELEASE.search(text)
    return found.group(1) if found else ""


def to_run(files: Iterable[Mapping[str, Any]], layout: Layout) -> str:
    """The version that a member starts with once these files are written, empty where its unit is not among them."""
    return next((named_in(str(file["content"])) for file in files if file["path"] == layout.unit_file), "")


def images(layout: Layout, run: Run) -> dict[str, str]:
    """Version -> runtime and ID of the image that a release was made from, of those that the runtime still has."""
    found = {}
    for version, path in _installed(layout).items() if layout.install_method == CONTAINER else ():
        with contextlib.suppress(OSError, ValueError):
            with open(f"{path}/image", encoding="ascii") as file:
                runtime, image = file.read().split()
            if image in run((runtime, "images", "--all", "--quiet", "--no-trunc")).output:
                found[version] = f"{runtime} {image}"
    return found


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
