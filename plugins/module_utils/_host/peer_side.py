# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The files with which this host's running member opens connections to its peers."""

from __future__ import annotations

import os

from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side


def of_running(layout: Layout, process: Process) -> Side:
    """Return them: the bundle that the process read at its start, and the certificate and key that it reads each time.

    Where no gate of ours has kept a copy of the bundle for it, what lies there now must do.

    """
    kept = bool(host_files.read_record(layout, process.identity.invocation)) and os.path.exists(layout.peer_bundle)
    return Side.from_environment(process.environment, layout.peer_bundle if kept else "")
