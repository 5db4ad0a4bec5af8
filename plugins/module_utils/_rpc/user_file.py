# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A user of etcd and his password, in a file of a host: for clusters with authentication and without certificates."""

from __future__ import annotations

import os
import stat

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused


def read(path: str) -> tuple[str, str]:
    """Name and password.

    :param path: a file whose first line is C(NAME:PASSWORD).
    :raises HostError: it cannot be read, or holds something else.
    :raises Refused: others than its owner could read the password.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            name, colon, password = stream.readline().rstrip("\n").partition(":")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise HostError(f"{path} (etcd_user_file) cannot be read: {why}.") from exc
    if stat.S_IMODE(mode) & 0o077:
        raise Refused(
            f"{path} may be read by others than its owner.",
            "It holds a password.",
            f"chmod 0600 {path}",
            code="secret-readable",
        )
    if not name or not colon:
        raise HostError(f"{path} (etcd_user_file) does not hold NAME:PASSWORD on its first line.")
    return name, password
