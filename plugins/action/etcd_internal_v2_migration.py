# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of this name on a host, for tasks of the role alone."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import ModuleAction

ActionModule = ModuleAction
