# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A data directory made of a snapshot by etcd's own tool: etcdutl, or etcdctl where there is none yet (etcd 3.4).

A restore that fails leaves C(member/snap/db) behind, and the next one then refuses the directory. So it is given a
directory of its own each time, and whoever calls renames what came out.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases


@dataclass(frozen=True)
class Recipe:
    """Which member is made of a snapshot.

    :param name: the member's name.
    :param peer_urls: its peer URLs.
    :param initial_cluster: all members, C(name=url,...).
    :param token: of the new cluster: with it the ids are others than those of any cluster before.
    :param begins: the revision at which it begins, with everything before it marked as compacted; 0 for that of the
        snapshot.
    :param allow_missing_hash: take a copied C(db), which has no checksum at its end.
    """

    name: str
    peer_urls: Sequence[str]
    initial_cluster: str
    token: str
    begins: int = 0
    allow_missing_hash: bool = False


def restore(
    run: Run, release_dir: str, version: str, snapshot: str, recipe: Recipe, into: str, log_into: str = ""
) -> None:
    """Make a member's data of a snapshot, and have them on the disk.

    :param release_dir: where the tool lies.
    :param version: its version.
    :param snapshot: the file, which is read only.
    :param into: the data directory to make. What an attempt before has left there is removed.
    :param log_into: a directory to make for the write-ahead log, where that is not to be among the data.
    :raises HostError: the tool is missing, or refuses; nothing is left of it.
    :raises BadSnapshot: the file is none.
    """
    remove(into, log_into)
    try:
        succeed(run, _command(release_dir, version, snapshot, recipe, into, log_into), "Install that release first.")
        for path in filter(None, (into, log_into)):
            _sync(path)
    except BaseException:
        remove(into, log_into)
        raise


def give(path: str, uid: int, gid: int) -> None:
    """Make all of a directory somebody's.

    :raises HostError: that is not possible.
    """
    try:
        for one in _all_of(path):
            os.chown(one, uid, gid, follow_symlinks=False)
    except OSError as exc:
        raise HostError(f"{path} cannot be given to etcd's user: {exc.strerror}.") from exc


def remove(*paths: str) -> None:
    """Remove directories that C(restore) has made; nothing happens where there are none."""
    for path in filter(None, paths):
        if os.path.isdir(path):
            try:
                shutil.rmtree(path)
            except OSError as exc:
                raise HostError(f"{path}, left by an attempt before, cannot be removed: {exc.strerror}.") from exc


def _command(release_dir: str, version: str, snapshot: str, recipe: Recipe, into: str, log_into: str) -> Sequence[str]:
    if "etcdutl" in releases.tools(version):
        tool = [posixpath.join(release_dir, "etcdutl")]
    else:
        # The variable outranks one that this process may have inherited.
        tool = ["env", "ETCDCTL_API=3", posixpath.join(release_dir, "etcdctl")]
    given = {
        "--name": recipe.name,
        "--initial-cluster": recipe.initial_cluster,
        "--initial-cluster-token": recipe.token,
        "--initial-advertise-peer-urls": ",".join(recipe.peer_urls),
        "--data-dir": into,
    }
    if log_into:
        given["--wal-dir"] = log_into
    if recipe.begins:
        # etcd's tool counts from the newest entry of the file, whatever the revision of the store is
        # (etcdutl/snapshot/v3_snapshot.go, unsafeGetLatestRevision).
        counted_from = snapshot_file.described(snapshot, "").last_key_revision
        given["--bump-revision"] = str(recipe.begins - counted_from)
    options = [part for pair in given.items() for part in pair]
    if recipe.begins:
        options.append("--mark-compacted")
    if recipe.allow_missing_hash:
        options.append("--skip-hash-check")
    return [*tool, "snapshot", "restore", snapshot, *options]


def _sync(path: str) -> None:
    for one in _all_of(path):
        if os.path.isdir(one):
            atomic.sync_directory(one)
        else:
            descriptor = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    atomic.sync_directory(os.path.dirname(path))


def _all_of(path: str) -> Iterator[str]:
    for directory, _directories, files in os.walk(path):
        yield directory
        yield from (os.path.join(directory, file) for file in files)
