# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The hosts of the other members, which report whom they reach before one is stopped, removed or promoted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


def of_act(host: Host, hosts: Sequence[Host], serving: Sequence[Host]) -> dict[str, Any]:
    """What an act on the member of a host carries: who reports, and the nonce under which they do.

    :param hosts: all of the group; each has drawn a part of the nonce.
    :param serving: those that serve at that moment.
    """
    drawn = "".join(sorted(one.seen.host.nonce for one in hosts if not one.silent))
    others = [one for one in serving if one.name != host.name]
    return {
        "nonce": hashlib.sha256(f"report {drawn}".encode()).hexdigest()[:16],
        "witnesses": {one.name: _asked_there(one.wanted.layout) for one in others if one.wanted is not None},
    }


def _asked_there(layout: Layout) -> dict[str, str]:
    """What a host must be told of its own member so that it can report."""
    return {"instance": layout.instance, "conf_dir": layout.conf_dir, "user_file": layout.user_file}
