# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What lies on a member's host, and how it gets there: what differs is written, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, Layout

# Characters of a file that a comparison shows.
_LARGEST_SHOWN = 100_000


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

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Content:
        """From the options C(CONTENT) of a module."""
        return cls(params["files"], params["links"], params["certificates"], params["private_keys"])


def differences(content: Content) -> list[dict[str, str]]:
    """What writing it would change, without keys and certificates: C(before), C(after) and their headers."""
    found = [_difference(file) for file in content.files if _differs(file)]
    for path, target in content.links.items():
        has = host_files.describe(path)["link"]
        if has != target:
            found.append({"before_header": path, "after_header": path, "before": has, "after": target})
    return found


def read_otherwise(content: Content, record: Mapping[str, str]) -> list[str]:
    """The files that a process read at its start and that had another content then.

    :param record: see C(host_files.read_record).
    """
    written = {file["path"]: hashlib.sha256(file["content"].encode()).hexdigest() for file in content.files}
    return [path for path, digest in written.items() if record.get(path, digest) != digest]


def ensure_directories(layout: Layout) -> None:
    """Directories, each with its owner. What may be others' too stays as it is; the data directory is etcd's alone.

    :raises HostError: one cannot be made, or is not suitable.
    """
    uid, gid = host_files.owner_ids(layout.user, layout.group)
    for path in (layout.state_dir, layout.run_dir):
        host_files.make_directory(path, 0o700, 0, 0)
    host_files.make_directory(os.path.dirname(layout.gate_file), 0o755, 0, 0)
    for path in (layout.conf_dir, layout.ssl_dir):
        host_files.open_directory(path, uid, gid)
    os.makedirs(layout.bin_dir, mode=0o755, exist_ok=True)
    remedies = {os.path.dirname(path): _deeper(layout, setting, path, why) for setting, path, why in layout.lent}
    # From the top down: a parent that is made on the way to what lies deeper would be root's.
    for path in sorted({layout.data_dir, *remedies}, key=lambda one: one.count("/")):
        if path == layout.data_dir:
            host_files.make_directory(path, 0o700, uid, gid)
        else:
            host_files.lend_directory(path, uid, gid, remedies[path])


def _deeper(layout: Layout, setting: str, path: str, why: str) -> str:
    return f"{why}. Set {setting} one directory deeper, {layout.deeper(path)}, which is then made for it."


def unsuitable(layout: Layout) -> dict[str, list[dict[str, str]]]:
    """What C(ensure_directories) or etcd itself would stumble over, of the directories that are there already.

    :returns: C(closed), through which etcd's account cannot go (C(path), C(owner), C(mode), C(setting), which lies
        below it), and C(unwritable), in which it must write and cannot (the same, C(setting) being the one that says
        so).
    """
    try:
        account = host_files.owner_ids(layout.user, layout.group)
    except HostError:
        # It will be made, and is as good as any other until then.
        account = (-1, -1)
    parents = [(setting, os.path.dirname(path)) for setting, path, _why in layout.lent]
    own = [("etcd_data_dir", os.path.dirname(layout.data_dir)), *layout.trusted.items()]
    closed: dict[str, dict[str, str]] = {}
    for setting, path in [*own, *((setting, os.path.dirname(parent)) for setting, parent in parents)]:
        for place in _way_to(path):
            if not host_files.may_pass(place, *account):
                closed.setdefault(place, _described(setting, place))
    unwritable = [
        _described(setting, parent)
        for setting, parent in parents
        if parent != layout.data_dir and os.path.isdir(parent) and not host_files.may_write(parent, *account)
    ]
    return {"closed": list(closed.values()), "unwritable": unwritable}


def _way_to(path: str) -> list[str]:
    """The directories on the way to a path, links resolved, as far as they are there; itself the last."""
    steps = [way.split("/") for way in (path, os.path.realpath(path))]
    ways = {"/".join(names[:depth]) for names in steps for depth in range(2, len(names) + 1)}
    return sorted(filter(os.path.isdir, ways))


def _described(setting: str, path: str) -> dict[str, str]:
    seen = host_files.describe(path)
    return {"setting": setting, "path": path, **{key: seen[key] for key in ("owner", "group", "mode")}}


def _differs(file: Mapping[str, str]) -> bool:
    seen = host_files.describe(file["path"])
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
        "before": _readable(host_files.read_text(file["path"])),
        "after": _readable(file["content"]),
    }


def _readable(text: str) -> str:
    """A text as a person wants it in a comparison: a whole program by its checksum."""
    if len(text) <= _LARGEST_SHOWN:
        return text
    return f"{len(text)} characters, SHA256 {hashlib.sha256(text.encode()).hexdigest()}\n"


def write(layout: Layout, content: Content, keep: Collection[str] = ()) -> None:
    """Write what differs.

    :param keep: directories of certificates that are still needed, beside those before and after.
    :raises HostError: something cannot be written.
    """
    for file in content.files:
        if _differs(file):
            uid, gid = host_files.owner_ids(file["owner"], file["group"])
            host_files.write(file["path"], file["content"].encode(), int(file["mode"], 8), uid, gid)
    if content.leaves:
        _new_generation(layout, content, keep)
    for path, target in content.links.items():
        if host_files.describe(path)["link"] != target:
            host_files.link(path, target)
    _remove_other_form(layout, content)


def _remove_other_form(layout: Layout, content: Content) -> None:
    """Nothing reads the settings file of the other form any more. One of a foreign hand stays."""
    written, other = layout.conf_files
    is_written = any(file["path"] == written for file in content.files)
    if is_written and host_files.read_text(other).startswith(SIGNATURE):
        host_files.remove(other)


def settings(layout: Layout) -> dict[str, str]:
    """The settings that lie on the host, as variables, whichever form they have; that of the layout comes first."""
    return next(filter(None, (env_file.read(host_files.read_text(path)) for path in layout.conf_files)), {})


def generation_link(layout: Layout) -> str:
    """The link to the directory of the leaves that are in use."""
    return os.path.join(layout.ssl_dir, "current")


def _new_generation(layout: Layout, content: Content, keep: Collection[str]) -> None:
    """Leaves and keys in a directory of their own, put in place by one rename of a link, so that no pair is ever torn.

    The generation before stays, the ones before that go.
    """
    current = generation_link(layout)
    before = os.path.realpath(current) if os.path.isdir(current) else ""
    name = "generation-" + hashlib.sha256("".join(content.leaves.values()).encode()).hexdigest()[:16]
    path = os.path.join(layout.ssl_dir, name)
    if os.path.isdir(path) and path != before:
        shutil.rmtree(path)
    host_files.make_directory(path, 0o755, 0, 0)
    for leaf, certificate in content.leaves.items():
        owner = host_files.owner_ids(*layout.owner_of_key(leaf))
        host_files.write(os.path.join(path, f"{leaf}-key.pem"), content.keys[leaf].encode(), 0o600, *owner)
        host_files.write(os.path.join(path, f"{leaf}.pem"), certificate.encode(), 0o644, 0, 0)
    for old in os.listdir(before) if before and before != path else []:
        if not os.path.exists(os.path.join(path, old)):
            found = os.stat(os.path.join(before, old))
            kept = host_files.read_bytes(os.path.join(before, old))
            host_files.write(os.path.join(path, old), kept, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    atomic.sync_directory(path)
    host_files.link(current, name)
    for other in os.listdir(layout.ssl_dir):
        if other.startswith("generation-") and other not in (name, os.path.basename(before), *keep):
            shutil.rmtree(os.path.join(layout.ssl_dir, other))
