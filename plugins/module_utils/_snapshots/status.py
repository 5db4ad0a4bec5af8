# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What C(etcdctl snapshot status FILE) prints on a member: what is in a snapshot, once its checksum was compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file

_FORMATS = ("simple", "table", "json", "fields")


def main(words: Sequence[str]) -> int:
    """Print it.

    :param words: C(snapshot status FILE), with etcdctl's C(-w) or C(--write-out) anywhere among them.
    :returns: the status of the process, 1 for a file that is damaged or none.
    """
    try:
        path, form = _asked(words)
        text = _text(snapshot_file.read(path), form)
    except EtcdError as exc:
        sys.stderr.write(f"etcdctl: {exc}\n")
        return 1
    sys.stdout.write(text)
    return 0


def _asked(words: Sequence[str]) -> tuple[str, str]:
    """The file, and in what form."""
    files, form, rest = [], "simple", iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag in ("-w", "--write-out"):
            form = value if equals else next(rest, "")
        elif not word.startswith("-"):
            files.append(word)
    if len(files) != 3 or form not in _FORMATS:
        raise BadInput(f"Type: etcdctl snapshot status FILE [-w {'|'.join(_FORMATS)}]")
    return files[2], form


def _text(details: snapshot_file.Details, form: str) -> str:
    # By etcdutl's names, where it has the same. Its hash is of the keys alone, and nothing to compare a file by.
    found = {
        "sha256": details.sha256,
        "revision": details.revision,
        "totalSize": details.size,
        "members": len(details.members),
        "version": details.storage_version or details.cluster_version,
    }
    if form == "json":
        return json.dumps(found) + "\n"
    if form == "fields":
        return "".join(f'"{name}" : {json.dumps(value)}\n' for name, value in found.items())
    cells = [str(value) for value in found.values()]
    if form == "simple":
        return ", ".join(cells) + "\n"
    names = [name.upper().replace("TOTAL", "TOTAL ") for name in found]
    widths = [max(len(name), len(cell)) for name, cell in zip(names, cells)]
    line = "+".join("-" * (width + 2) for width in widths)
    rows = ["|".join(f" {one:>{width}} " for one, width in zip(row, widths)) for row in (names, cells)]
    return f"+{line}+\n|{rows[0]}|\n+{line}+\n|{rows[1]}|\n+{line}+\n"
