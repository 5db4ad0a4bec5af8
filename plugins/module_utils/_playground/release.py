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
    fetched = os.path.join(playground.place, release.archive)
    given = supply.source.archive
    try:
        archive = os.path.join(given, release.archive) if given else _kept(release, supply, wanted)
        if not archive:
            archive = fetched
            install.download(release, supply.source, fetched)
        install.check(archive, wanted)
        shutil.rmtree(beside, ignore_errors=True)
        install.unpack(archive, release, supply.run, beside)
        checkpoints.at("playground: release unpacked")
        os.rename(beside, playground.release_dir)
    except OSError as exc:
        raise HostError(f"{exc.filename or playground.place} cannot be written: {exc.strerror}. Make room.") from exc
    if archive == fetched:
        _keep(fetched, supply.cache)


def _kept(release: Release, supply: Supply, wanted: ExpectedArchive) -> str:
    """The archive that was fetched before; empty where there is none, or it is not whole any more."""
    path = os.path.join(supply.cache, release.archive)
    with contextlib.suppress(BadInput, HostError):
        install.check(path, wanted)
        return path
    return ""


def _keep(archive: str, cache: str) -> None:
    # Its checksum is looked at each time, so that half a copy does no harm; and without one it is fetched again.
    with contextlib.suppress(OSError):
        os.makedirs(cache, mode=0o700, exist_ok=True)
        shutil.move(archive, os.path.join(cache, os.path.basename(archive)))
