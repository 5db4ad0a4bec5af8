# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that save snapshots by themselves, as the role sets them up."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Settings
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import calendar, catalog
from ansible_collections.quorum.etcd.plugins.plugin_utils import _program
from cluster import Cluster
from machine import pythons
from prometheus_client.parser import text_string_to_metric_families


class Hosts:
    """The members of a cluster, each with a directory, settings and the program of its own."""

    def __init__(self, directory: Path, cluster: Cluster, **settings) -> None:
        self.cluster = cluster
        self.directory = directory
        self._settings = settings
        self.program = directory / "snapshot"
        self.program.write_text(_program.text())
        with cluster.client() as client:
            self.ids = {one.name: one.id for one in client.member_list().members}

    def settings(self, member, **changes):
        place = self.directory / f"host of {member.name}"
        place.mkdir(exist_ok=True)
        tls = self.cluster.tls
        files = (
            {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key} if tls else {}
        )
        settings = Settings(
            cluster="prod",
            endpoint=member.client_url,
            directory=str(place / "snapshots"),
            state_file=str(place / "state.json"),
            unit="etcd.service",
            metrics_file=str(place / "etcd.prom"),
            second_look=0.0,
            await_member=0.0,
            **{name: str(path) for name, path in files.items()},
        )
        return replace(settings, **self._settings, **changes)

    def run(self, member, python="3.9", **changes):
        """What a timer does: one run of the program."""
        settings = self.settings(member, **changes)
        config = Path(settings.state_file).with_name("config.json")
        config.write_text(settings.to_json())
        return subprocess.run(
            [pythons()[python], "-I", self.program, config], capture_output=True, text=True, check=False, timeout=120
        )

    def run_all(self):
        """On every host whose member runs; who has saved."""
        before = {member.name: len(self.kept(member)) for member in self.cluster.members}
        for member in self.cluster.members:
            if member.process is not None:
                run = self.run(member)
                assert run.returncode == 0, run.stderr
        return [one.name for one in self.cluster.members if len(self.kept(one)) > before[one.name]]

    def kept(self, member):
        return catalog.found(self.settings(member).directory, "prod")

    def state(self, member):
        return json.loads(Path(self.settings(member).state_file).read_text())

    def metrics(self, member):
        text = Path(self.settings(member).metrics_file).read_text()
        judged = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert judged.returncode == 0, judged.stdout + judged.stderr
        return {one.name: one.samples[0].value for one in text_string_to_metric_families(text)}

    @property
    def order(self):
        """The members as all of them rank them today: by their ids, each day beginning with the next."""
        ordered = sorted(self.cluster.members, key=lambda member: int(self.ids[member.name], 16))
        first = calendar.elapsed_days("", time.time()) % len(ordered)
        return ordered[first:] + ordered[:first]
