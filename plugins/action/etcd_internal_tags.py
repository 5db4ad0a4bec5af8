# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warns, from a task that runs always, where tags have selected no other of the role."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction, is_of_role, role_of

_NOTHING = (
    "{role}: {given} selects nothing of this role, so nothing was looked at. Parts of the role are "
    "not safe alone, and its tasks have no tags of their own. Run without, or tag the role or its play and select that "
    "tag (tags: [etcd], with include_role in apply, too)."
)


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    @property
    def _is_at_home(self) -> bool:
        return is_of_role(self._task)

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec({"selected": {"type": "bool", "required": True}})
        if not arguments["selected"]:
            run_tags, skip_tags = (",".join(sorted(task_vars[f"ansible_{kind}_tags"])) for kind in ("run", "skip"))
            given = f"--skip-tags {skip_tags}" if run_tags == "all" else f"--tags {run_tags}"
            result["warnings"] = [_NOTHING.format(role=role_of(self._task), given=given)]
        return {**result, "changed": False}
