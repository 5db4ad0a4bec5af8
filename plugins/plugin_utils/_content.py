# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""All that lies on a member's host, rendered and issued on the controller, sent in the one call that writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.plugin_utils import _authorities, _program

if TYPE_CHECKING:
    from ansible_collections.quorum.etcd.plugins.module_utils._pki.store import Unvault


def wanted_of(host: Host) -> Desired:
    """What a host should be, where that must be known.

    :raises EtcdError: the observation does not say.
    """
    if host.wanted is None:
        raise EtcdError("The observation says nothing of what this host should be.")
    return host.wanted


def content_of(host: Host, version: str, pki: Mapping[str, Any], unvault: Unvault, check: bool) -> dict[str, Any]:
    """The options that say what a member's host is to hold: its layout, and the fragment C(content).

    :param version: the etcd version that the files are for, without C(v).
    :param pki: the role's C(__etcd_pki).
    :param unvault: opens keys that are encrypted with ansible-vault.
    :param check: issue no certificates.
    :raises EtcdError: a setting is wrong for this version, or an authority is missing or cannot be used.
    """
    wanted, machine = wanted_of(host), host.seen.host.architecture
    python = host.seen.host.interpreter
    issued: dict[str, Any] = {"leaves": {}, "keys": {}, "bundles": {}}
    if render.leaves(wanted) and not check:
        held = _authorities.Pki.from_inputs(pki, unvault)
        issued = _authorities.issue(held, wanted, host.authorities.renew, datetime.now(timezone.utc))
    files = render.files(wanted, version, machine, python)
    files.append(render.File(wanted.layout.snapshot_program, _program.text(), "0755"))
    files += [render.File(path, text, "0644") for path, text in issued["bundles"].items()]
    return {
        **wanted.layout.to_dict(),
        "files": [vars(file) for file in files],
        "links": render.links(wanted, version, machine),
        "certificates": issued["leaves"],
        "private_keys": issued["keys"],
    }
