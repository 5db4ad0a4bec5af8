# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The previous set: what an update replaces, kept on the host until the update is verified.

It is one file, so that it is there whole or not at all. What it holds of a path is never overwritten: that is what the
member last ran with and served. Only a doubtful set, with which nobody has seen it serve, makes room for one with which
it serves now. No key is in it; the leaves before stay in their directory, to which a link led.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, member_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


@dataclass(frozen=True)
class Previous:
    """A previous set.

    :param entries: path -> what lay there, see C(_entry).
    :param peer_urls: what the cluster knew the member by; empty where the update did not change that.
    :param doubtful: the member did not serve when it was kept, or did not serve again once it was put back.
    :param ahead: what the update had written at these paths, as C(entries), once its way back has begun; else empty.
    """

    entries: dict[str, dict[str, Any]]
    peer_urls: tuple[str, ...] = ()
    doubtful: bool = False
    ahead: dict[str, dict[str, Any]] = field(default_factory=dict)


def path_of(layout: Layout) -> str:
    """Where it lies."""
    return f"{layout.state_dir}/previous"


def read(layout: Layout) -> Previous | None:
    """The set of an update that was not verified, None where there is none.

    :raises HostError: it cannot be understood.
    """
    path = path_of(layout)
    try:
        with open(path, "rb") as stream:
            found = json.load(stream)
        # Sets of former releases do not say all of it.
        entries, peer_urls = found["entries"], tuple(found["peer_urls"])
        return Previous(entries, peer_urls, bool(found.get("doubtful", False)), dict(found.get("ahead", {})))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise HostError(
            f"{path} cannot be read: {exc}. It holds the files of this member before its last update. If the member "
            "serves, remove it, and run again."
        ) from exc


def keep(layout: Layout, paths: Iterable[str], peer_urls: Sequence[str] = (), serves: bool = True) -> Previous:
    """Keep what lies at these paths, unless it is kept already.

    :param peer_urls: what the cluster knows the member by, where that is to change.
    :param serves: does the member serve with what lies there?
    :returns: the set.
    :raises HostError: it cannot be written, or something cannot be read.
    """
    before = read(layout)
    if before is None or (before.doubtful and serves):
        before = Previous({}, doubtful=not serves)
    wanted = (*paths, member_files.generation_link(layout))
    entries = {**{path: _entry(path) for path in wanted if path not in before.entries}, **before.entries}
    # The update that begins now writes another way ahead.
    kept = replace(before, entries=entries, peer_urls=before.peer_urls or tuple(peer_urls), ahead={})
    if kept != before:
        _write(layout, kept)
    return kept


def doubt(layout: Layout) -> None:
    """The member does not serve with what was put back: there may be nothing to go back to.

    :raises HostError: that cannot be written down.
    """
    before = read(layout)
    if before is not None and not before.doubtful:
        _write(layout, replace(before, doubtful=True))


def _write(layout: Layout, previous: Previous) -> None:
    host_files.write(path_of(layout), json.dumps(asdict(previous)).encode(), 0o600, 0, 0)


def content(previous: Previous, path: str) -> str:
    """The text of a file in the set; empty where it was none, or is not in it."""
    entry = previous.entries.get(path, {})
    return base64.b64decode(entry["content"]).decode(errors="replace") if "content" in entry else ""


def ahead(previous: Previous) -> Previous:
    """Return what the update has written: as it was kept, or as it lies there before its way back begins."""
    return Previous(previous.ahead or _beside(previous))


def keep_ahead(layout: Layout, previous: Previous) -> Previous:
    """Keep what the update has written, before the way back replaces it: that way may be closed.

    :returns: the set with it. What a way back that was interrupted has kept stays.
    :raises HostError: it cannot be written, or something cannot be read.
    """
    if previous.ahead:
        return previous
    kept = replace(previous, ahead=_beside(previous))
    _write(layout, kept)
    return kept


def is_put_back(previous: Previous) -> bool:
    """Has a way back that was interrupted replaced some of what the update had written?"""
    return bool(previous.ahead) and previous.ahead != _beside(previous)


def _beside(previous: Previous) -> dict[str, dict[str, Any]]:
    """What lies now at the paths of a set."""
    return {path: _entry(path) for path in previous.entries}


def restore(previous: Previous) -> None:
    """Put back what differs.

    :raises HostError: something cannot be written.
    """
    # What was new goes last: until then the unit that named it may be started.
    for path, entry in sorted(previous.entries.items(), key=lambda pair: not pair[1]):
        if _entry(path) == entry:
            continue
        if "link" in entry:
            host_files.link(path, entry["link"])
        elif "content" in entry:
            content = base64.b64decode(entry["content"])
            host_files.write(path, content, entry["mode"], entry["uid"], entry["gid"])
        else:
            host_files.remove(path)


def drop(layout: Layout) -> None:
    """The update is verified, or undone: its set is no longer needed.

    :raises HostError: it cannot be removed.
    """
    host_files.remove(path_of(layout))


def generations(previous: Previous, layout: Layout) -> list[str]:
    """The directories of leaves that the set needs."""
    target = previous.entries.get(member_files.generation_link(layout), {}).get("link", "")
    return [os.path.basename(target)] if target else []


def _entry(path: str) -> dict[str, Any]:
    """What lies at a path: C(link), or C(content), C(mode), C(uid), C(gid), or nothing."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return {"link": os.readlink(path)}
        content = base64.b64encode(host_files.read_bytes(path)).decode()
        return {"content": content, "mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
    return {}
