# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What the inventory says about one host, out of the role's inputs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls, values
from ansible_collections.quorum.etcd.plugins.module_utils._config import settings as _settings
from ansible_collections.quorum.etcd.plugins.module_utils._model import container, instances, releases, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import (
    Checksums,
    Confirmations,
    Desired,
    SnapshotPolicy,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER, ENV, YAML, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.plugin_utils import _archives, _bootstrap, _program

# Where nobody has looked at a host yet: an address for documentation (RFC 5737), never used for anything.
NOWHERE = "192.0.2.1"

# They mean something in a unit, a settings file or a shell line.
_AWKWARD = "'\"\\ \t\n%$:"


def wanted_of(host: str, inputs: Mapping[str, Any], observed: str) -> Desired:
    """What one host should be.

    :param inputs: the role's C(__etcd_inputs), templated for this host.
    :param observed: the host's default address, or C(NOWHERE) before it was looked at.
    :raises BadInput: a variable is wrong.
    """
    _check_each(host, inputs, observed)
    return Desired(
        cluster=str(inputs["cluster"]),
        member=topology.member_of(host, inputs["variables"], observed),
        tls=bool(inputs["tls"]),
        version=_version(inputs),
        settings=_settings_in(inputs),
        layout=_layout(inputs),
        present=_present(host, inputs["state"]),
        said=_said(inputs),
        snapshots=_snapshots(inputs["snapshots"]),
        checksums=_checksums(inputs["checksums"]),
        upgrade_stop_at=releases.plain(str(inputs["upgrade_stop_at"] or "")),
        bootstrap=_source(inputs),
        auto_tls=_auto_tls(inputs),
        container=_container(inputs),
    )


def on_host(wanted: Desired, seen: Observation) -> Desired:
    """What a host should be, with what follows from what is there.

    :raises BadInput: it cannot be that as it is.
    """
    if wanted.layout.install_method != CONTAINER:
        return wanted
    try:
        return replace(wanted, container=wanted.container.on_host(seen.host.runtimes, seen.images))
    except BadInput:
        # One that leaves needs none any more.
        if wanted.present:
            raise
        return wanted


def _check_each(host: str, inputs: Mapping[str, Any], observed: str) -> None:
    """Check every variable by itself, so that all wrong ones are named at once.

    :raises BadInput: with a text for each.
    """
    findings = Findings()
    findings.run(topology.member_of, host, inputs["variables"], observed)
    for name, path in _paths(_layout(inputs)):
        findings.run(_check_path, name, path)
    findings.run(instances.check, str(inputs["layout"]["instance"]))
    findings.run(_check_apart, _layout(inputs))
    findings.run(_check_format, _layout(inputs).config_format)
    findings.run(_present, host, inputs["state"])
    findings.run(_said, inputs)
    findings.run(_snapshots, inputs["snapshots"])
    findings.run(_checksums, inputs["checksums"])
    findings.run(_source, inputs)
    findings.run(_container, inputs)
    settings = findings.run(_settings_in, inputs)
    findings.run(auto_tls.check, _auto_tls(inputs), bool(inputs["tls"]), settings or {})
    if findings:
        # This host is not observed then. Otherwise the plan judges these two, for the version that it decides on.
        version = _version(inputs)
        if version:
            findings.run(releases.check_version, version)
        findings.run(_settings.check_any_version, settings or {})
    findings.end()


def _source(inputs: Mapping[str, Any]) -> Source:
    return _bootstrap.source_of(inputs["bootstrap"], inputs["variables"].get("ETCD_NODES"))


def _auto_tls(inputs: Mapping[str, Any]) -> AutoTls:
    return AutoTls(bool(inputs["auto_tls"]), bool(inputs["peer_auto_tls"]))


def _container(inputs: Mapping[str, Any]) -> Container:
    given = inputs["container"]
    return container.read(given["runtime"], given["image"], given["ids"])


def _version(inputs: Mapping[str, Any]) -> str:
    return releases.plain(str(inputs["version"] or ""))


def _settings_in(inputs: Mapping[str, Any]) -> dict[str, Any]:
    settings = inputs["settings"]
    if not isinstance(settings, Mapping):
        raise BadInput(f"etcd_settings is {settings!r}; it must be a dictionary of etcd's settings.")
    return dict(settings)


def _layout(inputs: Mapping[str, Any]) -> Layout:
    return Layout.from_dict({key: _normal(value) for key, value in inputs["layout"].items()})


def _paths(layout: Layout) -> Iterator[tuple[str, str]]:
    """The paths that must be good, by their variables; some may be empty."""
    yield "etcd_data_dir", layout.data_dir
    yield "etcd_conf_dir", layout.conf_dir
    yield "etcd_install_dir", layout.install_dir
    yield "etcd_bin_dir", layout.bin_dir
    for name, path in (
        ("etcd_wal_dir", layout.wal_dir),
        ("etcd_log_file", layout.log_file),
        ("etcd_user_file", layout.user_file),
    ):
        if path:
            yield name, path


def _said(inputs: Mapping[str, Any]) -> Confirmations:
    """What the operator has said in so many words."""
    return Confirmations(
        forget=_names("etcd_forget", inputs["forget"]),
        confirm=_names("etcd_confirm", inputs["confirm"]),
        allow_outage=bool(inputs["allow_outage"]),
        accept_mounts=_names("etcd_accept_mounts", inputs["accept_mounts"]),
        accept_machine=_names("etcd_accept_machine", inputs["accept_machine"]),
        restart=_names("etcd_restart", inputs["restart"]),
    )


def _checksums(given: Mapping[str, Any]) -> Checksums:
    """Which archives have a checksum that is known before they are fetched, out of C(etcd_checksums) and the mirror."""
    known, directory = releases.checksums(given["given"]), str(given["archive_dir"] or "")
    for archive in known:
        releases.known_checksum(archive, known)
    if directory:
        names = tuple(dict.fromkeys([*known, *_archives.verified(directory)]))
        return Checksums(names, False, directory, _archives.held(directory))
    return Checksums(tuple(known), bool(releases.checksums_url(given["url"], "", given["from_mirror"])))


def _snapshots(given: Mapping[str, Any]) -> SnapshotPolicy:
    """How members save snapshots by themselves, out of C(etcd_snapshot_*)."""
    directory, schedule = _normal(given["directory"]), str(given["schedule"] or "").strip()
    _check_path("etcd_snapshot_dir", directory)
    if not schedule.isprintable():
        raise BadInput(f"etcd_snapshot_schedule is {schedule!r}; write one line such as daily or *-*-* 00/6:15.")
    keep = _number(given["keep"], "etcd_snapshot_keep")
    if not keep:
        raise BadInput("etcd_snapshot_keep is 0. Keep at least the newest: write 1 or more.")
    return SnapshotPolicy(
        schedule=schedule,
        directory=directory,
        keep=keep,
        daily=_number(given["daily"], "etcd_snapshot_daily"),
        weekly=_number(given["weekly"], "etcd_snapshot_weekly"),
        max_hash_size=_number(given["max_hash_size"], "etcd_snapshot_max_hash_size"),
        max_age=values.duration(str(given["max_age"] or "0"), "etcd_snapshot_max_age") // 10**9,
        after_command=_command(given["after_command"] or []),
        metrics_file=_place("etcd_snapshot_metrics_file", given["metrics_file"]),
        program=_program.sha256(),
    )


def _place(name: str, given: Any) -> str:
    path = _normal(given)
    if path:
        _check_path(name, path)
    return path


def _number(given: Any, name: str) -> int:
    return cast(int, values.read("uint32", given, name))


def _command(given: Any) -> tuple[str, ...]:
    name = "etcd_snapshot_after_command"
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise BadInput(f"{name} is {given!r}; give a list, each argument an item of it, for no shell reads it.")
    if given and not given[0].startswith("/"):
        raise BadInput(f"{name} begins with {given[0]!r}; give the absolute path of a program.")
    return tuple(map(str, given))


def _present(host: str, state: Any) -> bool:
    if state not in ("present", "absent"):
        raise BadInput(f"etcd_member_state of {host} is {state!r}; it is present or absent.")
    return bool(state == "present")


def _names(variable: str, given: Any) -> tuple[str, ...]:
    """A list, or what C(-e) makes of one: names with commas between them."""
    texts = given.split(",") if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise BadInput(f"{variable} is {given!r}; it must be a name, or a list of names.")
    return tuple(text.strip() for text in texts if text.strip())


def _normal(value: Any) -> str:
    """One spelling of a path: a slash at its end would be another path to those who compare texts."""
    text = str(value or "")
    # Two slashes at its beginning have a meaning of their own in POSIX, and none here.
    return "/" + posixpath.normpath(text).lstrip("/") if text.startswith("/") else text


def _check_path(name: str, path: str) -> None:
    if not path.startswith("/") or path.rstrip("/").count("/") < 2 or any(char in path for char in _AWKWARD):
        raise BadInput(
            f"{name} is {path!r}. Give an absolute path at least two levels deep, without spaces, quotes, "
            "percent or dollar signs, such as /var/lib/etcd."
        )


def _check_format(given: str) -> None:
    if given not in (ENV, YAML):
        raise BadInput(
            f"etcd_config_format is {given!r}, which no member could be started with. Set etcd_config_format: {ENV} "
            f"(variables, the default) or etcd_config_format: {YAML} (the file of etcd's --config-file)."
        )


def _check_apart(layout: Layout) -> None:
    """Does etcd own no directory in which root reads or runs something?"""
    for name, path, why in layout.lent:
        parent = posixpath.dirname(path)
        for held in layout.held_by(parent):
            raise BadInput(
                f"{name} is {path}, and {why}: it must own {parent}, where {held} is, too. Whoever gets hold of etcd "
                f"could change there what root runs. Set {name}: {layout.deeper(path)}"
            )
