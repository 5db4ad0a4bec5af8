# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose member is one of three, founded as the collection founds clusters."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, first_start
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, processes
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap as _bootstrap
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.bootstrap import Offer
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms
from cluster import Cluster, Member, free_ports
from member_host import MemberHost, members_of
from reports import WITNESSES, reporting

TOKEN = "etcd-cluster"


class OneOfThree:
    """Two members that are plain processes, and one behind its unit and its gate.

    :param settings: of all three, beside what they have anyway, by etcd's own names.
    :param form: of the settings file of the host's member.
    """

    def __init__(
        self, directory: Path, version: str, settings: Mapping[str, str] | None = None, form: str = ENV
    ) -> None:
        self._directory = directory
        self._settings = dict(settings or {})
        self._reporting = contextlib.ExitStack()
        self.cluster = Cluster(directory, version, 2)
        self.host = MemberHost(directory / "host", version, 7)
        self.host.write_settings_as(form)
        urls = self.host.wanted.member
        self.others = list(self.cluster.members)
        own = Member(self.host.name, urls.client_urls[0], urls.peer_urls[0], directory / "host")
        self.cluster.members.append(own)

    def start(self) -> OneOfThree:
        host, layout = self.host, self.host.layout
        for other in self.others:
            other.extra = [f"--{name}={value}" for name, value in self._settings.items()]
            self.cluster.launch(other)
        more = "\n".join(f'{env_file.variable(name)}="{value}"' for name, value in self._settings.items())
        initial_cluster = ",".join(f"{one.name}={one.peer_url}" for one in self.cluster.members)
        text = first_start.static(initial_cluster, TOKEN)
        files = [*host.content(more).files, host.written(layout.bootstrap_file, text, "0600")]
        marker = Marker(markers.OFFERED, cluster="prod", name=host.name, token=TOKEN)
        _bootstrap.offer(layout, Content(files, {}, {}, {}), Offer(None, marker, []), host.systemd, check=False)
        offered = host.marker
        assert offered is not None
        _bootstrap.agree(layout, offered, check=False)
        service.start(host.systemd, layout, check=False)
        service.await_ready(host.systemd, layout, timeout=30)
        for other in self.others:
            self.cluster.wait_for(other)
        host.told.clear()
        self._reporting.enter_context(reporting(self.cluster.endpoints))
        return self

    def end(self) -> None:
        """End all of it. Each member's log takes 128 MB."""
        self._reporting.close()
        self.host.end_all()
        self.cluster.stop()
        shutil.rmtree(self._directory)

    @property
    def endpoints(self) -> list[str]:
        """Of the others."""
        return [other.client_url for other in self.others]

    def terms(self, **changes: Any) -> Terms:
        return Terms(**{"act": "update", "endpoints": self.endpoints, "wait": 0.0, "witnesses": WITNESSES, **changes})

    @property
    def pid(self) -> int:
        """The process of the host's member; 0 if none runs."""
        unit = self.host.systemd.show(self.host.layout.unit)
        return int(unit["pid"])

    @property
    def environment(self) -> dict[str, str]:
        """With what it runs."""
        process = processes.describe(self.pid)
        assert process is not None
        return dict(process.environment)

    @property
    def listed(self) -> ClusterMember:
        """The host's member as its cluster knows it."""
        marker = host_files.read_marker(self.host.layout)
        assert marker is not None
        return next(one for one in members_of(self.cluster) if one.id == marker.member_id)

    @property
    def leader(self) -> str:
        with self.cluster.client() as client:
            return str(client.status(self.endpoints[0]).leader)

    def move(self) -> list[str]:
        """Give the host's member another peer port from now on.

        :returns: its peer URLs by that.
        """
        self.host._ports[1] = free_ports(1)[0]
        return list(self.host.wanted.member.peer_urls)
