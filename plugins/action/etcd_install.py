# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announces its step, sends the archive where there is one, and runs the module of its name on the host."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.quorum.etcd.plugins.plugin_utils._announcing import AnnouncingAction


class ActionModule(AnnouncingAction):
    def arguments(self) -> dict[str, Any]:
        given = super().arguments()
        archive = given.get("archive")
        if archive and not self._task.check_mode:
            if not os.path.isfile(archive):
                raise AnsibleError(
                    f"{archive} is no file on the controller. Put the archive there by its upstream name."
                )
            place = self._connection._shell.join_path(self._make_tmp_path(), os.path.basename(archive))
            given["archive"] = self._transfer_file(archive, place)
        return given
