# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A file that only root may read, for the user with whom Ansible is connected."""

from __future__ import annotations

import os
import shutil

from ansible_collections.quorum.etcd.plugins.module_utils._errors import HostError


def lend(path: str, to: str) -> str:
    """Lay a file where whoever owns a directory can read it, and nobody else.

    :param to: a path in that directory.
    :returns: where it is to be read: where it lies, for root.
    :raises HostError: there is no room, or no such directory.
    """
    try:
        owner = os.stat(os.path.dirname(to))
        if owner.st_uid == 0:
            return path
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as there, open(path, "rb") as here:
            shutil.copyfileobj(here, there, 1 << 20)
            os.fchown(there.fileno(), owner.st_uid, owner.st_gid)
    except OSError as exc:
        raise HostError(f"{path} cannot be copied to {to}: {exc.strerror}.") from exc
    return to
