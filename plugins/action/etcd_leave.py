# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announces its step, then runs the module of its name on the host."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.plugin_utils._announcing import AnnouncingAction


class ActionModule(AnnouncingAction):
    pass
