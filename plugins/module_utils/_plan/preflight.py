# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Can a host carry a member at all? Judged before anything is touched anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host

# etcd writes its log in files of 64 MiB, made before they are needed (server/storage/wal/wal.go, SegmentSizeBytes).
_DATA_ROOM = 256 << 20


def check(hosts: Sequence[Host], version: str) -> None:
    """Every host must be fit before the first one is changed.

    :param version: the one that is to be installed.
    :raises BadInput: with everything that is wrong, one problem a line.
    """
    found = [problem for host in hosts for problem in problems(host, version)]
    if found:
        raise BadInput(*found)


def problems(host: Host, version: str) -> list[str]:
    """Why one host cannot carry a member, in sentences."""
    if host.silent or host.wanted is None:
        return []
    return [f"{host.label} {problem}" for problem in _problems(host, host.wanted, version)]


def _problems(host: Host, wanted: Desired, version: str) -> Iterator[str]:
    seen = host.seen.host
    if not seen.systemd:
        yield "does not run systemd, which starts and guards etcd. Hosts need systemd."
    if seen.architecture not in releases.ARCHITECTURES:
        yield (
            f"is a {seen.architecture}, for which etcd has no archive; there are "
            f"{', '.join(sorted(releases.ARCHITECTURES.values()))}."
        )
    for address in seen.not_here:
        yield (
            f"is to listen on {address}, which is on none of its interfaces. Put its address right (etcd_address, "
            "ETCD_NODES), or where others reach it by another address than its own, set etcd_listen_peer_urls and "
            "etcd_listen_client_urls."
        )
    if host.seen.data.unreadable:
        yield (
            f"has data that cannot be read: {host.seen.data.unreadable} If its disk has failed, mount a good one "
            f"in its place. If the host does not come back: -e etcd_forget={wanted.name}."
        )
    if host.seen.data.wal_dir_is_mount:
        yield (
            f"has etcd_wal_dir {wanted.layout.wal_dir}, which is a mount point: etcd renames that directory and would "
            f"panic. Set etcd_wal_dir: {wanted.layout.wal_dir}/wal."
        )
    if host.seen.data.foreign:
        yield (
            f"has other things in {wanted.layout.data_dir} ({', '.join(host.seen.data.foreign)}): the directory "
            "would be closed to everybody but etcd. Set etcd_data_dir to a directory of its own, such as "
            f"{wanted.layout.data_dir}/etcd."
        )
    for place in host.seen.unsuitable.closed:
        setting, path, owner = place["setting"], place["path"], place["owner"]
        own = f", or run etcd as its owner: etcd_system_user: {owner} and etcd_system_group: {place['group']}"
        yield (
            f"has {path}, which is {_owned(place)}: etcd cannot go through it, and {setting} is there. If others may "
            f"go through it: chmod o+x {path}. Else set {setting} to another place{'' if owner == 'root' else own}."
        )
    lent = {setting: (path, why) for setting, path, why in wanted.layout.lent}
    for place in host.seen.unsuitable.unwritable:
        setting = place["setting"]
        path, why = lent[setting]
        yield (
            f"has {setting} {path} in {place['path']}, which is {_owned(place)}. It must be etcd's own, for {why}. Set "
            f"{setting}: {wanted.layout.deeper(path)}, whose directory is then made for it."
        )
    for directory in host.seen.read_only:
        yield f"has {directory} on a file system that is mounted read-only. Mount it for writing."
    if host.seen.free.data < _DATA_ROOM:
        yield (
            f"has {host.seen.free.data >> 20} MiB free for {wanted.layout.data_dir}, and a member needs at least "
            f"{_DATA_ROOM >> 20} MiB. Make room, or set etcd_data_dir to another file system."
        )
    if not host.has_release(version) and host.seen.free.install < releases.ROOM:
        yield (
            f"has {host.seen.free.install >> 20} MiB free for {wanted.layout.install_dir}, and a release needs "
            f"at least {releases.ROOM >> 20} MiB. Make room, or set etcd_install_dir to another file system."
        )


def _owned(place: Mapping[str, str]) -> str:
    return f"{place['owner']}:{place['group']} with the mode {place['mode']}"
