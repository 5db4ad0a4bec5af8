# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which of a member's settings a throw-away member on the same host is tried with."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value

# What names a place, a port or somebody else: it is the throw-away member's own, or is not tried.
_ITS_OWN = (
    "advertise-client-urls",
    "auto-tls",
    "client-cert-allowed-hostname",
    "client-cert-auth",
    "cert-file",
    "data-dir",
    "enable-distributed-tracing",
    "enable-log-rotation",
    "experimental-enable-distributed-tracing",
    "host-whitelist",
    "key-file",
    "log-outputs",
    "log-rotation-config-json",
    "name",
    # It is at least twice the database.
    "quota-backend-bytes",
    "trusted-ca-file",
    "wal-dir",
)
_FAMILIES = ("initial-", "listen-", "peer-", "distributed-tracing-", "experimental-distributed-tracing-")


def settings(flags: Mapping[str, Value]) -> dict[str, Value]:
    """Return the settings of a member that its rehearsal has too.

    :param flags: all that the member is to have, as C(render.flags) gives them.
    """
    return {name: value for name, value in flags.items() if name not in _ITS_OWN and not name.startswith(_FAMILIES)}
