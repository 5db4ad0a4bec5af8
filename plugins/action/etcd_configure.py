# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders a member's files and issues its certificates on the controller, and sends them in one call to its host."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._rendering import RenderingAction


class ActionModule(RenderingAction):
    module = "quorum.etcd.etcd_files"
    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "version": {"type": "str", "required": True},
        "initial_cluster": {"type": "str", "required": True},
        "token": {"type": "str", "required": True},
        "kept": {"type": "bool", "default": False},
        "accepted": {"type": "bool", "default": False},
        "pki": {"type": "dict", "required": True, "no_log": True},
    }

    def sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_of(host)
        expected = host.marker.to_dict() if host.marker else None
        if arguments["accepted"]:
            return {**wanted.layout.to_dict(), "files": [], "expected": expected, "wanted": expected}
        content = self.content(host, arguments)
        if arguments["kept"]:
            return {**content, "expected": expected, "wanted": _kept(wanted, host.seen["data"]).to_dict()}
        bootstrap = render.bootstrap(wanted, arguments["initial_cluster"], arguments["token"])
        return {
            **content,
            "files": [*content["files"], vars(bootstrap)],
            "expected": expected,
            "wanted": _marker_wanted(host.marker, wanted, arguments).to_dict(),
            "listen": [*wanted.member.listen_peer_urls, *wanted.member.listen_client_urls],
        }


def _marker_wanted(marker: Marker | None, wanted: Desired, arguments: dict[str, Any]) -> Marker:
    # What it was in a cluster that it has left says nothing about this one.
    begun = marker is not None and marker.state != markers.REMOVED
    return Marker(
        state=marker.state if marker and begun else markers.OFFERED,
        cluster=wanted.cluster,
        name=wanted.name,
        token=arguments["token"],
        initial_cluster=arguments["initial_cluster"],
    )


def _kept(wanted: Desired, data: dict[str, Any]) -> Marker:
    """Of a system that was built anew beside the data of a member."""
    ids = {key: data[key] for key in ("member_id", "cluster_id")}
    return Marker(markers.STARTED, origin=markers.KEPT, cluster=wanted.cluster, name=wanted.name, **ids)
