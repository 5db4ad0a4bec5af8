# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Does a member need an update, and must it restart for it? Judged by what lies on its host and by what runs there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    env_file,
    kept_settings,
    render,
    variable_sources,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import YAML
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Unit
from ansible_collections.quorum.etcd.plugins.module_utils._plan import restarts


@dataclass(frozen=True)
class Drift:
    """What one member's update is for.

    :param why: each reason, as a person reads it in the plan.
    :param restart: the process must read something anew.
    :param peer_urls: what the cluster is to know the member by from now on; empty where that does not change.
    """

    why: tuple[str, ...]
    restart: bool
    peer_urls: tuple[str, ...] = ()


def find(host: Host, member: ClusterMember | None, version: str) -> Drift | None:
    """The update that a member needs, None if all is as it should be.

    :param member: as the cluster knows it, None where nobody tells.
    :param version: the version its files are rendered for: the one it runs.
    """
    if host.wanted is None:
        return None
    wanted = host.wanted
    read_anew = tuple(_read_anew(host, wanted, version))
    peer_urls = new_address(host, member)
    why = list(
        dict.fromkeys([*_files(host, wanted, version), *_timer(host, wanted), *_certificates(host, wanted), *read_anew])
    )
    why += _stands_elsewhere(host)
    if peer_urls:
        why.append(f"its peer URL becomes {', '.join(peer_urls)}")
    if host.seen.previous:
        why.append("its last update was interrupted")
    # Where nobody serves nobody can be asked whether it can be spared.
    asked = member is not None and restarts.is_asked(host)
    if asked:
        why.append(f"{restarts.VARIABLE} asks for it")
    if not why:
        return None
    return Drift(tuple(why), bool(read_anew or peer_urls or asked or not host.runs), peer_urls)


def _stands_elsewhere(host: Host) -> Iterator[str]:
    """What the marker of a member that serves says of the ground that it stands on, and is so no longer."""
    marker, data = host.marker, host.seen.data
    if marker is None or not host.answers or not data.held:
        return
    if set(marker.mounts) != set(data.mounts):
        yield (
            f"its data lie on {' and '.join(data.mounts) or 'no disk of their own'}, and its marker says "
            f"{' and '.join(marker.mounts) or 'on no disk of their own'}"
        )
    if marker.machine_id != host.seen.host.machine_id:
        yield "its marker does not have the ID of its machine"


def overridden_settings(host: Host, version: str) -> Iterator[str]:
    """Settings with which a process runs although its files, as it read them, say otherwise. No restart mends them."""
    if host.wanted is None or not host.runs or any(_read_anew(host, host.wanted, version)):
        return
    for name, has, should in _environment(host, host.wanted, version):
        yield kept_settings.kept(host.label, name, has, should, _keeping(host, host.wanted, name, should))


def _files(host: Host, wanted: Desired, version: str) -> Iterator[str]:
    for file in _rendered(host, wanted, version):
        seen = host.seen.file(file.path)
        if not seen.exists:
            yield f"{file.path} is missing"
        elif seen.sha256 != file.sha256:
            yield f"{file.path} differs"
        elif (seen.mode, seen.owner, seen.group) != (file.mode, file.owner, file.group):
            yield f"{file.path} is {seen.owner}:{seen.group} {seen.mode}"
    program = wanted.layout.snapshot_program
    if wanted.snapshots.program not in ("", host.seen.file(program).sha256):
        yield f"{program} is not the one of this release"
    for path, target in render.links(wanted, version, _machine(host)).items():
        if host.seen.file(path).link != target:
            yield f"{path} does not point to {target}"


def _rendered(host: Host, wanted: Desired, version: str) -> list[render.File]:
    seen = host.seen.host
    return render.files(wanted, version, seen.architecture, seen.interpreter)


def _timer(host: Host, wanted: Desired) -> Iterator[str]:
    """The timer of snapshots where it is not what the schedule says. Masking it is the operator's way to say no."""
    timer, there = host.seen.timer, wanted.layout.snapshot_timer_file
    if not wanted.snapshots.schedule:
        if host.seen.file(there).exists:
            yield f"{there} is there, and etcd_snapshot_schedule is empty"
    elif host.runs and timer.enabled != "masked" and not _runs(timer):
        yield f"{timer.name} is {timer.enabled or 'not there'} and {timer.active_state}"


def _runs(timer: Unit) -> bool:
    return (timer.enabled, timer.active_state) == ("enabled", "active")


def _certificates(host: Host, wanted: Desired) -> Iterator[str]:
    for path, digest in host.authorities.bundles.items():
        if host.seen.file(path).sha256 != digest:
            yield f"{path} does not hold the CAs of {host.authorities.place}"
    for leaf, reasons in host.authorities.renew.items():
        for reason in reasons:
            yield f"{wanted.layout.certificate(leaf)} is issued anew: {reason.rstrip('.')}"


def _read_anew(host: Host, wanted: Desired, version: str) -> Iterator[str]:
    """What the process read at its start, and would read differently now."""
    if not host.runs:
        return
    record = host.seen.record
    files = {file.path: file.sha256 for file in _rendered(host, wanted, version)}
    files.update(host.authorities.bundles)
    for path, digest in files.items():
        if path in record and record[path] != digest:
            yield f"it runs with another {path}"
    # Without the record, lost with /run, what the process shows must do. After an update that was interrupted it counts
    # too: files that were put back between the gate and the start were not what the gate had seen.
    if wanted.layout.conf_file not in record:
        executable, binary = (
            host.seen.runtime.identity.executable,
            render.binary(wanted, version, _machine(host)),
        )
        if executable != binary:
            yield f"it runs {executable}, not {binary}"
    if variable_sources.is_forced({}, host.seen.runtime.command):
        yield "it runs with --force-new-cluster"
    yield from _in_another_form(host, wanted)
    unknown = wanted.layout.conf_file not in record or host.seen.previous
    for name, has, should in _environment(host, wanted, version):
        # What a drop-in sets is still the same after a restart; what only a former one has set is not.
        if unknown or not _keeping(host, wanted, name, should):
            yield f"it runs with {name}={has}, not {should}"


def _in_another_form(host: Host, wanted: Desired) -> Iterator[str]:
    """Whether etcd reads its gate's file or its environment. Of a file that it has read only its gate's record tells.

    One that a drop-in names is a setting of that drop-in, see C(_config.kept_settings).
    """
    layout = wanted.layout
    reads_file = env_file.file_read(host.seen.runtime.command) == layout.started_file
    if reads_file != (layout.config_format == YAML):
        yield f"it reads {'a file' if reads_file else 'its environment'} instead of {layout.conf_file}"
    elif reads_file and layout.conf_file not in host.seen.record:
        yield f"which {layout.conf_file} it has read is not known"


def _keeping(host: Host, wanted: Desired, name: str, should: str) -> str:
    """The source that keeps a setting as it is; empty if a restart mends it. What systemd knows only once it has read
    its files again nobody can tell: the update lets it do that.
    """
    if host.seen.unit.need_daemon_reload:
        return ""
    return kept_settings.keeping(host.seen.runtime.sources, wanted.layout.conf_file, name, should)


def _machine(host: Host) -> str:
    return host.seen.host.architecture


def _environment(host: Host, wanted: Desired, version: str) -> Iterator[tuple[str, str, str]]:
    """Settings of the process that differ from what is wanted."""
    should = env_file.environment(render.flags(wanted, version))
    yield from env_file.differing(host.seen.runtime.environment, should)


def new_address(host: Host, member: ClusterMember | None) -> tuple[str, ...]:
    """The peer URLs that the inventory writes for a member which its cluster knows by others; else nothing."""
    if host.wanted is None or member is None or sorted(member.peer_urls) == sorted(host.wanted.member.peer_urls):
        return ()
    return tuple(host.wanted.member.peer_urls) if host.wanted.member.written else ()


def check_address(host: Host, member: ClusterMember | None) -> None:
    """Only a written address may change a live member's peer URL.

    :raises Refused: one that was derived differs.
    """
    if host.wanted is None or member is None or host.wanted.member.written:
        return
    have, want = sorted(member.peer_urls), sorted(host.wanted.member.peer_urls)
    if have != want:
        raise Refused(
            f"{host.label} is known to its cluster as {', '.join(have)}, and the inventory leads to {', '.join(want)} "
            f"(from {host.wanted.member.address_source}).",
            "Only a written address may change a live member's peer URL; one that was derived may be an accident.",
            f"Write etcd_address for {host.name}: with what {', '.join(have)} says the member stays as it is.",
            code="address-not-written",
        )
