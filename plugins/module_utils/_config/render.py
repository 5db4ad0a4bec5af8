# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Everything that lies on a member's host, rendered from what is wanted: one source for writing and for comparing."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    auto_tls,
    container,
    env_text,
    etcdctl,
    gate,
    renamed_settings,
    snapshot_units,
    yaml_file,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    settings as _settings,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    unit as _unit,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._model import packages, releases, snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER, YAML, Layout

#: The CA bundles, and which authority each comes from.
BUNDLES = {"ca": "client", "peer-ca": "peer"}

#: Leaf certificates: file name -> profile. Each has its key beside it, C(NAME-key.pem).
LEAVES = {"etcd": "server", "peer": "peer", "admin": "client"}

#: Whoever has this name in a client certificate is root once authentication is on.
ADMINISTRATOR = "root"


@dataclass(frozen=True)
class File:
    """A file as it must be.

    :param mode: four octal digits.
    """

    path: str
    content: str
    mode: str
    owner: str = "root"
    group: str = "root"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()


def leaves(wanted: Desired) -> dict[str, str]:
    """Return the leaves that a member has, as C(LEAVES): none for a port whose certificate etcd makes itself."""
    return _of_cas(wanted, LEAVES)


def bundles(wanted: Desired) -> dict[str, str]:
    """Return the CA bundles that a member has, as C(BUNDLES)."""
    return _of_cas(wanted, BUNDLES)


def _of_cas(wanted: Desired, files: Mapping[str, str]) -> dict[str, str]:
    auto = wanted.auto_tls
    return {
        name: whose
        for name, whose in files.items()
        if wanted.tls and not (auto.peers if whose == "peer" else auto.clients)
    }


def flags(wanted: Desired, version: str) -> dict[str, Value]:
    """All settings of one member, keyed by etcd's flag names.

    :raises BadInput: a setting is wrong for this version.
    """
    minor = _settings.minor_of(version)
    # No other version means no other release on the way.
    asked = _settings.minor_of(wanted.version) if wanted.version else minor
    settings = renamed_settings.for_release(wanted.settings, minor, asked)
    found = _settings.wanted(wanted.member, wanted.layout, settings, version, wanted.auto_tls)
    if wanted.layout.install_method == CONTAINER:
        refused = [f"- {text}" for text in container.problems(found, wanted.layout, _unit.writable_dirs(wanted.layout))]
        if refused:
            raise BadInput("\n".join(["etcd is to run in a container (etcd_install_method):", *refused]))
    if wanted.layout.config_format != YAML:
        return found
    missing = [f"- {text}" for text in yaml_file.without_key(found, version)]
    if missing:
        raise BadInput("\n".join([f"etcd_config_format is {YAML}, for etcd {version}:", *missing]))
    return {**yaml_file.beside(found, minor), **found}


def files(wanted: Desired, version: str, machine: str, python: str) -> list[File]:
    """The files of one member, without those of its certificates and the program that saves snapshots.

    :param machine: the host's architecture as the kernel names it, for example C(x86_64).
    :param python: the host's interpreter.
    :raises BadInput: a setting is wrong for this version.
    """
    layout = wanted.layout
    release = layout.release_dir(version, releases.architecture(machine))
    etcd = binary(wanted, version, machine)
    watched = [layout.conf_file, layout.unit_file, etcd]
    watched += map(layout.certificate, bundles(wanted))
    endpoint = urls.local(wanted.member.listen_client_urls)
    settings = flags(wanted, version)
    locks_memory = any(settings.get(flag) for flag in _settings.LOCKING)
    image = wanted.container.image(version) if layout.install_method == CONTAINER else ""
    unit = _unit.render(
        layout, wanted.name, wanted.cluster, etcd, locks_memory, runtime=wanted.container.runtime, image=image
    )
    return [
        File(layout.conf_file, _written(settings, layout), "0640", "root", layout.group),
        # Before the unit: it knows what a unit of either form says.
        File(layout.gate_file, gate.render(layout, watched), "0755"),
        File(layout.unit_file, unit, "0644"),
        File(
            layout.link("etcdctl"),
            etcdctl.render(layout, version, release, endpoint, wanted.tls, python, not wanted.auto_tls.clients),
            "0755",
        ),
        *([File(layout.certificate("ca"), auto_tls.NO_AUTHORITIES, "0644")] if wanted.auto_tls.clients else ()),
        *_of_snapshots(wanted, endpoint, python),
    ]


def _written(settings: dict[str, Value], layout: Layout) -> str:
    return yaml_file.render(settings) if layout.config_format == YAML else env_text.render(settings)


def binary(wanted: Desired, version: str, machine: str) -> str:
    """The path of the etcd that a member runs."""
    return posixpath.join(wanted.layout.release_dir(version, releases.architecture(machine)), "etcd")


def _of_snapshots(wanted: Desired, endpoint: str, python: str) -> list[File]:
    """What the members save snapshots by. Only the timer follows from the schedule: by hand one can always be saved."""
    layout, snapshots = wanted.layout, wanted.snapshots
    settings = snapshot_agent.Settings(
        cluster=wanted.cluster,
        endpoint=endpoint,
        ca_path=layout.certificate("ca") if wanted.tls else "",
        client_cert=layout.certificate("admin") if "admin" in leaves(wanted) else "",
        client_key=layout.certificate("admin-key") if "admin" in leaves(wanted) else "",
        user_file=layout.user_file,
        directory=snapshots.directory,
        schedule=snapshots.schedule,
        keep=snapshots.keep,
        daily=snapshots.daily,
        weekly=snapshots.weekly,
        member_dirs=layout.member_dirs,
        max_hash_size=snapshots.max_hash_size,
        after_command=snapshots.after_command,
        metrics_file=snapshots.metrics_file,
        state_file=layout.snapshot_state,
        unit=layout.unit,
    )
    found = [
        File(layout.snapshot_config, settings.to_json(), "0600"),
        File(layout.snapshot_unit_file, snapshot_units.service(layout, wanted.cluster, snapshots, python), "0644"),
    ]
    if snapshots.schedule:
        found.append(File(layout.snapshot_timer_file, snapshot_units.timer(wanted.cluster, snapshots.schedule), "0644"))
    return found


def links(wanted: Desired, version: str, machine: str) -> dict[str, str]:
    """Symbolic links of one member: where they lie and what they point to."""
    layout = wanted.layout
    release = layout.release_dir(version, releases.architecture(machine))
    found = {layout.link(tool): posixpath.join(release, tool) for tool in releases.tools(version) if tool != "etcdctl"}
    return {**found, **leaf_links(wanted)}


def leaf_links(wanted: Desired) -> dict[str, str]:
    """Symbolic links to the leaves that are in use, and to their keys."""
    names = [name for leaf in leaves(wanted) for name in (leaf, f"{leaf}-key")]
    return {wanted.layout.certificate(name): posixpath.join("current", f"{name}.pem") for name in names}


def observed_paths(layout: Layout) -> dict[str, list[str]]:
    """What to look at on a host: C(files) by their checksum, C(certificates) by their text."""
    certificates = [layout.certificate(name) for name in (*LEAVES, *BUNDLES)]
    keys = [layout.certificate(f"{leaf}-key") for leaf in LEAVES]
    files = [*layout.conf_files, layout.unit_file, layout.gate_file]
    files += [layout.link(tool) for tool in ("etcd", "etcdctl", "etcdutl")]
    files += [layout.snapshot_program, layout.snapshot_config, layout.snapshot_unit_file, layout.snapshot_timer_file]
    if layout.unit == packages.UNIT:
        # By its list dpkg has the distribution's own server, whose scripts would act on this unit.
        files.append(packages.SERVER_LIST)
    return {"files": [*files, *certificates, *keys], "certificates": certificates}


def facts(wanted: Desired) -> dict[str, Any]:
    """The options of C(etcd_node_info) for one host."""
    parsed = [urls.parse_url(url, "listen URL") for url in listening(wanted)]
    return {
        **wanted.layout.to_dict(),
        **observed_paths(wanted.layout),
        "ports": sorted({url.port for url in parsed}),
        "addresses": sorted({url.host for url in parsed if not urls.is_wildcard(url.host)}),
        "forget": list(wanted.said.forget),
        "cluster": wanted.cluster,
        "snapshot_dir": wanted.snapshots.directory,
        "snapshot_schedule": wanted.snapshots.schedule,
    }


def listening(wanted: Desired) -> list[str]:
    """The URLs at which a member listens."""
    member = wanted.member
    try:
        settings = flags(wanted, wanted.version or releases.DEFAULT_VERSION)
    except BadInput:
        # The plan says what is wrong, for the version that it decides on.
        settings = {}
    metrics = settings.get("listen-metrics-urls", [])
    return [*member.listen_peer_urls, *member.listen_client_urls, *(metrics if isinstance(metrics, list) else [])]
