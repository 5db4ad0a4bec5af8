# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Issues a certificate from a CA of the cluster, on the controller, and only when there is a reason to."""

from __future__ import annotations

import contextlib
import os
import typing as t
from datetime import datetime
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import (
    LEAF_DAYS,
    PROFILES,
    RENEW_BEFORE_DAYS,
    AuthoritySpec,
    KeySpec,
    LeafSpec,
    check_renewal,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import (
    KEY_OPTIONS,
    PKI_DIR_OPTIONS,
    PkiAction,
    vault_reader,
)

# In the order they are written: a run that is killed in between leaves a reason to go on.
FILE_MODES = {"ca_path": 0o644, "privatekey_path": 0o600, "path": 0o644}


class ActionModule(PkiAction):
    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        **PKI_DIR_OPTIONS,
        **KEY_OPTIONS,
        "path": {"type": "path", "required": True},
        "privatekey_path": {"type": "path", "required": True, "no_log": False},
        "ca_path": {"type": "path"},
        "profile": {"type": "str", "required": True, "choices": list(PROFILES)},
        "subject_alt_names": {"type": "list", "elements": "str", "default": []},
        "common_name": {"type": "str"},
        "organization": {"type": "str"},
        "days": {"type": "int", "default": LEAF_DAYS},
        "renew_before_days": {"type": "int", "default": RENEW_BEFORE_DAYS},
        "force": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, t.Any], now: datetime) -> dict[str, t.Any]:
        check, force = self._task.check_mode, arguments["force"]
        files = {option: Path(arguments[option]) for option in FILE_MODES if arguments[option]}
        if len({os.path.realpath(file) for file in files.values()}) < len(files):
            raise BadInput("Two of path, privatekey_path and ca_path name the same file. Give each its own.")
        spec = LeafSpec.for_names(
            arguments["profile"],
            arguments["subject_alt_names"],
            common_name=arguments["common_name"],
            organization=arguments["organization"],
            key=KeySpec(arguments["key_type"], arguments["key_size"] or 0),
            days=arguments["days"],
        )
        check_renewal(spec, arguments["renew_before_days"])
        authority = self._authority(arguments, now)

        with contextlib.nullcontext() if check else store.locked(arguments["pki_dir"]):
            present = {option: _read(option, file) for option, file in files.items() if os.path.lexists(file)}
            wanted = dict(present)
            reasons = _reasons(present, spec, authority, now, arguments["renew_before_days"])
            if force:
                reasons.insert(0, "it was asked for")
            if reasons:
                issued = engine.issue(authority, spec, now, None if force else present.get("privatekey_path"))
                wanted.update(path=issued.cert_pem, privatekey_path=issued.key_pem)
            if "ca_path" in files:
                wanted["ca_path"] = authority.bundle_pem
            stale = [option for option in files if wanted[option] != present.get(option)]
            if not check:
                for option in stale:
                    store.write(files[option], wanted[option], FILE_MODES[option])

        before = _describe(present.get("path"), now)
        after = engine.describe(wanted["path"], now)
        if check and reasons:
            after.update(serial_number=None, fingerprint_sha256=None)
        return {
            "changed": bool(stale),
            "certificate": after,
            "reasons": reasons,
            "written": [str(files[option]) for option in stale],
            "diff": {"before": before, "after": after},
        }

    def _authority(self, arguments: dict[str, t.Any], now: datetime) -> engine.Authority:
        directory, which = arguments["pki_dir"], PROFILES[arguments["profile"]].authority
        if self._task.check_mode and not store.exists(directory, which):
            self._display.warning(f"There is no {which} CA in {directory} yet: outside check mode there must be one.")
            return engine.new_authority(AuthoritySpec(f"etcd {which} CA"), now)
        authority = store.load_authority(directory, which, now, arguments["passphrase"], vault_reader(self._loader))
        for note in authority.notes:
            self._display.warning(note)
        return authority


def _read(option: str, file: Path) -> bytes:
    if option != "privatekey_path":
        return store.read(file)
    # What is not a key here is somebody's file, and stays.
    key_pem = store.read_private(file)
    with store.about(file):
        engine.load_key(key_pem)
    return key_pem


def _reasons(
    present: dict[str, bytes], spec: LeafSpec, authority: engine.Authority, now: datetime, renew_before_days: int
) -> list[str]:
    if "path" not in present:
        return ["there is none yet"]
    reasons = engine.why_renew(present["path"], spec, authority.bundle_pem, now, renew_before_days)
    if "privatekey_path" not in present:
        reasons.append("its private key is missing")
    elif not reasons and not engine.pair_matches(present["path"], present["privatekey_path"]):
        reasons.append("it is for another private key")
    return reasons


def _describe(cert_pem: bytes | None, now: datetime) -> dict[str, t.Any]:
    with contextlib.suppress(BadInput):
        return engine.describe(cert_pem, now) if cert_pem else {}
    return {}
