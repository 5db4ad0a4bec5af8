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
from ansible_collections.quorum.etcd.plugins.plugin_utils import _archives


class ArchiveAction(ActionBase):  # type: ignore[misc]
    def with_archive(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a module, with the paths on the host of the archive or packages that were sent there,
        and with the checksums that C(playbooks/fetch.yml) has written down beside them.

        :raises BadInput: there is no such file.
        """
        archive, packages = options.get("archive"), options.get("packages") or ()
        paths = [*([archive] if archive else ()), *packages]
        if not paths:
            return options
        known = {name: digest for path in paths for name, digest in _archives.verified(os.path.dirname(path)).items()}
        # What the user has given outranks what was written down beside the archives.
        options = {**options, "checksums": {**known, **(options.get("checksums") or {})}}
        if self._task.check_mode:
            return options
        sent = {path: self._send(path) for path in paths}
        return {
            **options,
            **({"archive": sent[archive]} if archive else {}),
            **({"packages": [sent[path] for path in packages]} if packages else {}),
        }

    def _send(self, path: str) -> str:
        if not os.path.isfile(path):
            raise BadInput(f"{path} is no file on the controller. Put the archive there by its upstream name.")
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        place = self._connection._shell.join_path(self._connection._shell.tmpdir, os.path.basename(path))
        return str(self._transfer_file(path, place))
