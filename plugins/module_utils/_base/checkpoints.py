# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where an act on a host is: between two of its own steps it says so, and fault tests end it just there."""

from __future__ import annotations

import os
import signal

# Made by root on hosts that exist to be broken; nothing in this collection writes it.
_END_AT = "/run/quorum.etcd/end-at"


def at(step: str) -> None:
    """Say that the next step begins.

    :param step: act and step, short and always the same: C(update: files written).
    """
    try:
        with open(_END_AT, encoding="utf-8") as stream:
            wanted = stream.read().strip()
    except OSError:
        return
    if wanted == step:
        os.unlink(_END_AT)
        os.kill(os.getpid(), signal.SIGKILL)
