# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Ports whose certificates etcd makes itself (C(--auto-tls), C(--peer-auto-tls)).

Such a connection is encrypted and nobody is verified: each member signs its own certificate, its peers accept any, and
clients are asked for none. Tried with etcd 3.4.23, 3.5.33, 3.6.14 and 3.7.1.
"""

from __future__ import annotations

from typing import NamedTuple


class AutoTls(NamedTuple):
    """Which ports they are.

    :param clients: C(etcd_auto_tls).
    :param peers: C(etcd_peer_auto_tls).
    """

    clients: bool = False
    peers: bool = False

    @property
    def variables(self) -> list[str]:
        """The variables that say so."""
        return [name for name, is_auto in zip(("etcd_auto_tls", "etcd_peer_auto_tls"), self) if is_auto]


#: No port: each certificate is of a CA.
NO_PORT = AutoTls()
