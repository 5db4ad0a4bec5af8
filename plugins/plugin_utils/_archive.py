# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""An action that sends the archive of a release from the controller, where there is one."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput


class ArchiveAction(ActionBase):  # type: ignore[misc]
    def with_archive(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a module, with the path on the host of the archive that was sent there.

        :raises BadInput: there is no such file.
        """
        archive = options.get("archive")
        if not archive or self._task.check_mode:
            return options
        if not os.path.isfile(archive):
            raise BadInput(f"{archive} is no file on the controller. Put the archive there by its upstream name.")
        place = self._connection._shell.join_path(self._make_tmp_path(), os.path.basename(archive))
        return {**options, "archive": self._transfer_file(archive, place)}
