# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The call that brings a release to its host, by the way in which hosts get theirs (C(etcd_install_method))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, packages
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, PACKAGE
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given


def install(act: acts.Install, given: Given) -> Call:
    """Return the call that installs a release."""
    own = _BY_METHOD[given.place.install_method](act, given)
    return Call("etcd_install", {**given.layout, "version": act.version, **own})


def _archive(act: acts.Install, given: Given) -> dict[str, Any]:
    options = {name: given.source[name] for name in ("url", "checksums", "checksums_from_mirror")}
    sent = {"archive": f"{_directory(given)}/{act.archive}"} if _directory(given) else {}
    return {**options, **sent}


def _package(act: acts.Install, given: Given) -> dict[str, Any]:
    directory, machine = _directory(given), given.host.seen.host.architecture
    names = [packages.file_name(one, act.archive, machine) for one in packages.PACKAGES] if directory else []
    return {
        "revision": act.archive,
        "checksums": given.source["checksums"],
        "packages": [f"{directory}/{name}" for name in names],
    }


def _image(act: acts.Install, given: Given) -> dict[str, Any]:
    wanted, directory = given.wanted.container, _directory(given)
    options = {"image_runtime": wanted.runtime, "image_id": wanted.image(act.version)}
    if directory:
        return {**options, "archive": f"{directory}/{act.archive}"}
    return {**options, "image": wanted.reference(act.version)}


def _directory(given: Given) -> str:
    return str(given.source["archive_dir"])


#: What etcd_install is told beside the version.
_BY_METHOD: dict[str, Callable[[acts.Install, Given], dict[str, Any]]] = {
    ARCHIVE: _archive,
    PACKAGE: _package,
    CONTAINER: _image,
}
