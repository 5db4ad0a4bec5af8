# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The directory of archives on the controller (C(etcd_archive_dir)): what is in it, and what is known of that."""

from __future__ import annotations

import os

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases

#: The list of checksums in it.
LIST = "SHA256SUMS"


def held(directory: str) -> tuple[str, ...]:
    """The names of the files in it; none where there is no such directory.

    :raises BadInput: it cannot be read.
    """
    try:
        return tuple(sorted(os.listdir(directory)))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as exc:
        raise BadInput(f"etcd_archive_dir is {directory}, which cannot be read: {exc.strerror}.") from exc


def verified(directory: str) -> dict[str, str]:
    """File name -> SHA256, as C(playbooks/fetch.yml) has verified and written down; empty without its list.

    A list that somebody has copied from a mirror says only that the mirror agrees with itself. What is pinned in this
    collection outranks either.
    """
    try:
        with open(os.path.join(directory, LIST), encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return {}
    if not text.startswith(releases.VERIFIED):
        return {}
    return {name: digest for name, digest in releases.checksums_in(text).items() if name not in releases.PINNED}
