# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a snapshot from the controller to an S3-compatible storage, or back. No host is connected to."""

from __future__ import annotations

import os
import posixpath
import tempfile
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.plugin_utils import _fetched
from ansible_collections.quorum.etcd.plugins.plugin_utils._s3 import Access, Encryption, Store

_ACCESS = ("bucket", "endpoint", "region", "access_key", "secret_key")


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "state": {"type": "str", "choices": ["present", "fetched"], "default": "present"},
                "path": {"type": "path", "required": True},
                "remove": {"type": "bool", "default": False},
                "bucket": {"type": "str", "required": True},
                "prefix": {"type": "str", "default": ""},
                "key": {"type": "str", "default": ""},
                "endpoint": {"type": "str", "default": "", "aliases": ["endpoint_url"]},
                "region": {"type": "str", "default": ""},
                "access_key": {"type": "str", "default": ""},
                "secret_key": {"type": "str", "default": "", "no_log": True},
                "encryption": {"type": "str", "choices": ["", "AES256", "aws:kms"], "default": ""},
                "kms_key": {"type": "str", "default": ""},
            }
        )
        path, check = self._loader.path_dwim(arguments["path"]), bool(self._task.check_mode)
        try:
            store = Store(Access(**{name: arguments[name] for name in _ACCESS}))
            done = (_fetch if arguments["state"] == "fetched" else _put)(store, path, arguments, check)
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure}
        return {**result, **done}


def _put(store: Store, path: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    if arguments["key"]:
        raise BadInput("key names the object that state=fetched brings here. Give prefix for state=present.")
    try:
        manifest = catalog.manifest_of(path)
    except OSError as exc:
        raise BadInput(
            f"{path} has no manifest beside it: {exc.strerror}. Give the path of a fetched snapshot."
        ) from exc
    found = _fetched.digest_of(path)
    if found != manifest.sha256:
        raise Refused(
            f"{path} has sha256 {found}, and its manifest says {manifest.sha256}.",
            "One of them was damaged or replaced: it would be a backup of nothing.",
            "Fetch the snapshot again.",
            code="snapshot-mismatch",
        )
    key = posixpath.join(arguments["prefix"].strip("/"), os.path.basename(path))
    encryption = Encryption(arguments["encryption"], arguments["kms_key"])
    described = snapshot_manifest.path_of(path)
    changed = store.put(path, key, manifest.sha256, encryption, check)
    # Last: what has a manifest there is a whole snapshot.
    changed |= store.put(described, snapshot_manifest.path_of(key), _fetched.digest_of(described), encryption, check)
    if arguments["remove"] and not check:
        _fetched.remove(path)
    return {"changed": changed, "key": key, "path": path, "manifest": manifest.to_dict()}


def _fetch(store: Store, directory: str, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as own:
        warnings: list[str] = []
        if arguments["key"]:
            key = str(arguments["key"])
            manifest = _manifest_of(store, key, own)
        else:
            key, manifest, warnings = _newest(store, arguments, own)
    path = os.path.join(directory, posixpath.basename(key))
    here = _fetched.is_there(path, manifest)
    if not here and not check:
        _fetched.settle(path, manifest, lambda part: store.get(key, part))
    done = {"changed": not here, "key": key, "path": path, "manifest": manifest.to_dict()}
    return {**done, "warnings": warnings} if warnings else done


def _newest(store: Store, arguments: dict[str, Any], own: str) -> tuple[str, Manifest, list[str]]:
    """The newest snapshot below the prefix, and why others were not considered.

    :param own: a directory for what is read meanwhile.
    """
    prefix = arguments["prefix"].strip("/")
    where = f"{arguments['bucket']}/{prefix}".rstrip("/")
    names = set(store.names(f"{prefix}/" if prefix else ""))
    whole = [name for name in names if name.endswith(catalog.SUFFIX) and snapshot_manifest.path_of(name) in names]
    if not whole:
        raise BadInput(f"{where} holds no snapshot with its manifest. Prefixes below it are not searched: name one.")
    manifests: dict[str, Manifest] = {}
    warnings = []
    for name in sorted(whole):
        try:
            manifests[name] = _manifest_of(store, name, own)
        except EtcdError as exc:
            warnings.append(f"{name} was not considered: {exc}")
    if not manifests:
        raise BadInput(f"{where} holds no snapshot whose manifest can be read. {' '.join(warnings)}")
    key = snapshot_manifest.in_order(manifests, manifests.__getitem__)[-1]
    return key, manifests[key], warnings


def _manifest_of(store: Store, key: str, directory: str) -> Manifest:
    place = os.path.join(directory, "manifest")
    described = snapshot_manifest.path_of(key)
    store.get(described, place)
    with open(place, "rb") as file:
        return _fetched.manifest_in(file.read(1 << 20), described)
