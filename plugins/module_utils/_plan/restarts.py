# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Members that are restarted because the operator asks for it. Each is its member's update without another file."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model import identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster

VARIABLE = "etcd_restart"
ALL = "all"


def check(hosts: Sequence[Host]) -> None:
    """Does each word name a host?

    :raises BadInput: one names none, or two.
    """
    given = {word: None for host in hosts if host.wanted is not None for word in host.wanted.said.restart}
    identity.named(VARIABLE, [word for word in given if word != ALL], [roster.identity_of(host) for host in hosts])


def is_asked(host: Host) -> bool:
    """Is the member that runs on a host to be restarted? One that is down is started anyway."""
    given = host.wanted.said.restart if host.wanted is not None and host.runs else ()
    words = [word for one in given for word in (one, identity.normal(one))]
    return ALL in words or roster.identity_of(host).is_named_by(words)
