# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""All files of one member written in one call: the marker first, because it is the claim to this host."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import _atomic, _hostfiles, _marker, _probe, _wal
from ansible_collections.quorum.etcd.plugins.module_utils._errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._marker import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._systemd import Systemd


@dataclass(frozen=True)
class Content:
    """What is to lie on the host.

    :param files: dicts with C(path), C(content), C(mode) (four octal digits), C(owner), C(group).
    :param links: path -> target of a symbolic link.
    :param leaves: certificates to replace, by name: C(etcd), C(peer), C(admin). The others stay as they are.
    :param keys: the key of each of them, PEM. Secret.
    """

    files: Sequence[Mapping[str, str]]
    links: Mapping[str, str]
    leaves: Mapping[str, str]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Offer:
    """A host's part in founding a cluster.

    :param expected: the marker that the plan saw, None for none.
    :param wanted: the marker to write; its machine id and mount points are this host's own.
    :param listen: peer URLs on which to stand until the first start; empty for none.
    """

    expected: Marker | None
    wanted: Marker
    listen: Sequence[str]


def write(layout: Layout, content: Content, offer: Offer, systemd: Systemd, check: bool) -> dict[str, Any]:
    """Write what differs.

    :param check: only say what would be written.
    :returns: C(changed), C(diff): a list of C(before), C(after) of files that are no secrets.
    :raises Refused: this host is not as the plan saw it.
    :raises HostError: something cannot be written.
    """
    diff = [_difference(file) for file in content.files if _differs(file)]
    stale = {path: target for path, target in content.links.items() if _hostfiles.describe(path)["link"] != target}
    diff += [
        {"before_header": path, "after_header": path, "before": _hostfiles.describe(path)["link"], "after": target}
        for path, target in stale.items()
    ]
    if check:
        return {"changed": True, "diff": diff}
    with _hostfiles.acting(layout):
        if _wal.segments(layout.log_dir):
            raise Refused(
                f"There is a write-ahead log in {layout.log_dir} now.",
                "It was not there when the plan was made; its data would be put at risk.",
                "Run the same command again: it looks again and goes on from what it finds.",
            )
        _settle(layout)
        _claim(layout, offer)
        _write_all(layout, content, stale)
        systemd.control("daemon-reload")
        if offer.listen:
            _probe.listen(systemd, layout, offer.listen, _probe.greeting(offer.wanted.token, offer.wanted.name))
    return {"changed": True, "diff": diff}


def agree(layout: Layout, expected: Marker, check: bool) -> None:
    """Agree on the first start, after every peer port was reached.

    :raises Refused: the marker is not the one the plan saw.
    """
    if not check:
        with _hostfiles.acting(layout):
            _hostfiles.write_marker(layout, expected, expected.becoming(_marker.NEVER_STARTED))


def _settle(layout: Layout) -> None:
    """Directories, each with its owner. One that is there and somebody else's is not taken away from them."""
    uid, gid = _hostfiles.owner_ids(layout.user, layout.group)
    for path in (layout.state_dir, layout.run_dir):
        _hostfiles.make_directory(path, 0o700, 0, 0)
    for path in (os.path.dirname(layout.gate_file), layout.conf_dir, layout.ssl_dir):
        _hostfiles.make_directory(path, 0o755, 0, 0)
    os.makedirs(layout.bin_dir, mode=0o755, exist_ok=True)
    _hostfiles.make_directory(layout.data_dir, 0o700, uid, gid)
    if layout.wal_dir:
        _own_directory(os.path.dirname(layout.wal_dir), uid, gid, "etcd_wal_dir", "etcd makes the directory itself")
    if layout.log_file:
        _own_directory(os.path.dirname(layout.log_file), uid, gid, "etcd_log_file", "etcd rotates the file")


def _own_directory(path: str, uid: int, gid: int, setting: str, why: str) -> None:
    if os.path.isdir(path) and os.stat(path).st_uid != uid:
        raise HostError(
            f"{path} is not etcd's, and {why}, so it must be able to write there. Set {setting} one directory "
            f"deeper, below {path}/etcd, which is then made for it."
        )
    _hostfiles.make_directory(path, 0o700, uid, gid)


def _claim(layout: Layout, offer: Offer) -> None:
    own = {
        "machine_id": _hostfiles.read_text("/etc/machine-id").strip(),
        "mounts": tuple(_hostfiles.mounts_under(layout)),
    }
    _hostfiles.write_marker(layout, offer.expected, offer.wanted.becoming(offer.wanted.state, **own))


def _differs(file: Mapping[str, str]) -> bool:
    seen = _hostfiles.describe(file["path"])
    wanted = hashlib.sha256(file["content"].encode()).hexdigest()
    return bool(seen["link"]) or (seen["sha256"], seen["mode"], seen["owner"], seen["group"]) != (
        wanted,
        file["mode"],
        file["owner"],
        file["group"],
    )


def _difference(file: Mapping[str, str]) -> dict[str, str]:
    return {
        "before_header": file["path"],
        "after_header": f"{file['path']} ({file['owner']}:{file['group']} {file['mode']})",
        "before": _hostfiles.read_text(file["path"]),
        "after": file["content"],
    }


def _write_all(layout: Layout, content: Content, stale: Mapping[str, str]) -> None:
    for file in content.files:
        if _differs(file):
            uid, gid = _hostfiles.owner_ids(file["owner"], file["group"])
            _hostfiles.write(file["path"], file["content"].encode(), int(file["mode"], 8), uid, gid)
    if content.leaves:
        _new_generation(layout, content)
    for path, target in stale.items():
        _hostfiles.link(path, target)


def _new_generation(layout: Layout, content: Content) -> None:
    """Leaves and keys in a directory of their own, put in place by one rename of a link, so that no pair is ever torn.

    The generation before stays, the ones before that go.
    """
    current = os.path.join(layout.ssl_dir, "current")
    before = os.path.realpath(current) if os.path.isdir(current) else ""
    name = "generation-" + hashlib.sha256("".join(content.leaves.values()).encode()).hexdigest()[:16]
    path = os.path.join(layout.ssl_dir, name)
    if os.path.isdir(path) and path != before:
        shutil.rmtree(path)
    _hostfiles.make_directory(path, 0o755, 0, 0)
    for leaf, certificate in content.leaves.items():
        owner = _hostfiles.owner_ids(*layout.owner_of_key(leaf))
        _hostfiles.write(os.path.join(path, f"{leaf}-key.pem"), content.keys[leaf].encode(), 0o600, *owner)
        _hostfiles.write(os.path.join(path, f"{leaf}.pem"), certificate.encode(), 0o644, 0, 0)
    for old in os.listdir(before) if before and before != path else []:
        if not os.path.exists(os.path.join(path, old)):
            found = os.stat(os.path.join(before, old))
            kept = _hostfiles.read_bytes(os.path.join(before, old))
            _hostfiles.write(os.path.join(path, old), kept, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    _atomic.sync_directory(path)
    _hostfiles.link(current, name)
    for other in os.listdir(layout.ssl_dir):
        stale = os.path.join(layout.ssl_dir, other)
        if other.startswith("generation-") and stale not in (path, before):
            shutil.rmtree(stale)
