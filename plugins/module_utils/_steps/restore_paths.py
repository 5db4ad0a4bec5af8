# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a restore leaves on a host until it is over: what is restored, the data before and after it, and who runs."""

from __future__ import annotations

import glob
import json
import os
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import etcdutl, host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration

#: The transient unit of a restored member that no client reaches yet, see C(_host.isolated_member).
PURPOSE = "restored"

_RECORD = "restore.json"


def record_file(layout: Layout) -> str:
    """Where it is written down what is restored."""
    return os.path.join(layout.state_dir, _RECORD)


def read_record(layout: Layout) -> Restoration | None:
    """The restore that is under way on this host, None if none is.

    :raises BadInput: it cannot be understood.
    """
    text = host_files.read_text(record_file(layout))
    if not text:
        return None
    try:
        return Restoration.from_dict(json.loads(text))
    except (BadInput, ValueError) as exc:
        raise BadInput(f"{record_file(layout)}: {exc}") from exc


def write_record(layout: Layout, restoration: Restoration) -> None:
    """From here on this host knows what is restored, whoever asks.

    :raises HostError: it cannot be written.
    """
    text = json.dumps(restoration.to_dict(), indent=2, sort_keys=True) + "\n"
    host_files.write(record_file(layout), text.encode(), 0o600, 0, 0)


@dataclass(frozen=True)
class Places:
    """A member's data, where they were before and where those are that come.

    All of it is on the data's own file system, and has names of which nobody takes any for data.

    :param log: the directory of the log, where that does not lie among the data; so are the others that end so.
    """

    data: str
    log: str
    old: str
    old_log: str
    new: str
    new_log: str
    unfinished: str
    unfinished_log: str

    @classmethod
    def of_restore(cls, layout: Layout, restoration: Restoration) -> Places:
        data, log, began = os.path.join(layout.data_dir, "member"), layout.wal_dir, restoration.began
        return cls(
            data,
            log,
            f"{data}.restore-{began}",
            log and f"{log}.restore-{began}",
            f"{data}.restoring-{began}",
            log and f"{log}.restoring-{began}",
            f"{data}.preparing-{began}",
            log and f"{log}.preparing-{began}",
        )

    @property
    def has_moved(self) -> bool:
        """Have the new data left the directory they were made in?"""
        return os.path.isdir(self.new) and not os.path.isdir(os.path.join(self.new, "member"))

    def take(self) -> None:
        """Give the new data their place; what is left of that is done.

        :raises Refused: something else is there.
        """
        if not self.has_moved:
            for path in filter(None, (self.data, self.log)):
                if os.path.lexists(path):
                    raise Refused(
                        f"{path} is there.", "It was to be archived, and is not overwritten.", AGAIN, code="path-taken"
                    )
            host_files.rename(os.path.join(self.new, "member"), self.data)
        if self.log and os.path.isdir(self.new_log):
            host_files.rename(self.new_log, self.log)

    def leave(self) -> None:
        """Take the new data out of their place again, if they had begun to get there."""
        if self.has_moved and os.path.isdir(self.data):
            if self.log and not os.path.isdir(self.new_log) and os.path.isdir(self.log):
                host_files.rename(self.log, self.new_log)
            host_files.rename(self.data, os.path.join(self.new, "member"))

    def bring_back(self) -> None:
        """Give the old data their place again. The log last: while it is not there the rest is not taken for whole."""
        for old, place in ((self.old, self.data), (self.old_log, self.log)):
            if old and os.path.isdir(old):
                host_files.rename(old, place)


def clear(layout: Layout) -> None:
    """Remove what was made of snapshots and never got its place. Nothing that ever was a member's is among it."""
    for stem in filter(None, (os.path.join(layout.data_dir, "member"), layout.wal_dir)):
        for what in ("preparing", "restoring"):
            etcdutl.remove(*glob.glob(f"{glob.escape(stem)}.{what}-*"))
