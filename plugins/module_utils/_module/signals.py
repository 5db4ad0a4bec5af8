# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A module that changes something finishes it, even when the connection that started it is gone."""

from __future__ import annotations

import signal


def ignore_disconnect() -> None:
    """Ignore what a lost terminal or a closed pipe sends: without pipelining ssh runs a module with a terminal."""
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
