# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.
"""etcd's programs in a playground. What was fetched is kept beside it, so that the next one needs no network."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import install
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import ExpectedArchive, Release, Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Playground


@dataclass(frozen=True)
class Supply:
    """Where programs come from.

    :param source: as a host of the role has it, but that C(archive) is the directory of archives.
    :param cache: a directory for what was fetched.
    :param machine: the architecture as the kernel names it, like C(system).
    """

    source: Source
    cache: str
    machine: str
    system: str
    run: Run


def is_there(playground: Playground) -> bool:
    return os.path.isfile(playground.executable)


def fetch(playground: Playground, supply: Supply) -> None:
    """Unpack a release in the playground. Its directory has its name once it is whole.

    :raises BadInput: no checksum to hold it against, or an archive that is another.
    :raises HostError: it cannot be fetched, or written.
    """
    release = Release(playground.version, supply.machine, supply.system)
    wanted = install.expected(release, supply.source)
    beside = os.path.join(playground.place, "release.new")
    try:
        given = supply.source.archive
        archive = os.path.join(given, release.archive) if given else _cached(release, supply, wanted)
        install.check(archive, wanted)
        shutil.rmtree(beside, ignore_errors=True)
        install.unpack(archive, release, supply.run, beside)
        checkpoints.at("playground: release unpacked")
        os.rename(beside, playground.release_dir)
    except OSError as exc:
        raise HostError(f"{exc.filename or playground.place} cannot be written: {exc.strerror}. Make room.") from exc


def _cached(release: Release, supply: Supply, wanted: ExpectedArchive) -> str:
    path = os.path.join(supply.cache, release.archive)
    # One that is not whole any more is fetched anew.
    with contextlib.suppress(BadInput, HostError):
        install.check(path, wanted)
        return path
    os.makedirs(supply.cache, mode=0o700, exist_ok=True)
    # Two playgrounds may fetch at once; one that was killed leaves a file that the next one of its number takes.
    beside = f"{path}.{os.getpid()}"
    try:
        install.download(release, supply.source, beside)
        os.replace(beside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
    return path
