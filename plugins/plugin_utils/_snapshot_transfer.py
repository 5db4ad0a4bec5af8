# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""An action that brings a snapshot from a host to the controller, and from there to a host."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import Fetch, Stage
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call

Run = Callable[[Call], dict[str, Any]]


class SnapshotAction(ActionBase):  # type: ignore[misc]
    def stage(self, act: Stage, call: Call, run: Run) -> dict[str, Any]:
        """Send a copy of the snapshot to the host, unless it is there, once there is known to be room for it."""
        if act.path or self._task.check_mode:
            return run(call)
        source = act.source
        file = _here(act.restoration) if source["host"] else self._loader.path_dwim(source["path"])
        place = self._place()
        roomy = run(call.having(state="roomy", arriving=place))
        if roomy.get("failed"):
            return roomy
        self._transfer_file(file, place)
        return run(call.having(snapshot=place))

    def fetch(self, act: Fetch, call: Call, run: Run) -> dict[str, Any]:
        """Bring the snapshot from the host to the controller, where it is gone with this run."""
        done = run(call.having(lend_to=self._place()))
        if not done.get("failed"):
            self._connection.fetch_file(done["path"], _here(act.restoration))
        return done

    def _place(self) -> str:
        place: str = self._connection._shell.join_path(self._make_tmp_path(), "snapshot.db")
        return place


def _here(restoration: Mapping[str, Any]) -> str:
    # Ansible removes this directory of its own at the end, and nobody else may look into it.
    return os.path.join(constants.DEFAULT_LOCAL_TMP, f"{restoration['sha256']}.db")
