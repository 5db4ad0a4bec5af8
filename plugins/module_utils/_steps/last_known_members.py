# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The members of a cluster that is restored or recovered, as one host knows them, and who of those given up answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, local_member, processes
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration

# Seconds for one question to one member.
_ASK = 3.0


def observe(systemd: Systemd, layout: Layout, told: Mapping[str, Any], fenced: Sequence[str]) -> dict[str, Any]:
    """Who they are, and who of those given up answers. Nothing is touched.

    :param told: what C(restore_source.observe) tells: C(record) and C(kept).
    :param fenced: names, ids and addresses of members whose machines are said to be off.
    :returns: C(known) (the members by this one's database, none without one), C(applied) (up to which entry of the log
        it knows them), C(revision) (of that database), C(heard) (those given up that answer: C(name), C(peer_urls),
        C(answer), which has the URL).
    """
    known, applied, revision = of_database(markers.where_it_lies(layout, host_files.read_marker(layout)))
    heard = _heard(systemd, layout, known, told, fenced) if fenced else []
    return {"known": [one.to_dict() for one in known], "applied": applied, "revision": revision, "heard": heard}


def of_process(systemd: Systemd, layout: Layout) -> list[ClusterMember]:
    """The members by the words of the one that runs here; none where it tells nothing."""
    pid = systemd.show(layout.unit)["pid"]
    process = processes.describe(pid) if pid else None
    return list(local_member.of_process(process.environment, layout, _ASK).members or ()) if process else []


def of_database(lies: Layout) -> tuple[list[ClusterMember], int, int]:
    """The members by the database that lies here, up to which entry of the log, and its revision; none without one."""
    try:
        # Its structure is read. Whatever else may be wrong with it etcd itself will say, or it is replaced.
        found = snapshot_file.described(_database(lies), "")
    except EtcdError:
        return [], 0, 0
    return [ClusterMember.from_dict(one) for one in found.members], found.consistent_index, found.revision


def _database(lies: Layout) -> str:
    return os.path.join(lies.data_dir, "member", "snap", "db")


def _heard(
    systemd: Systemd, layout: Layout, known: Sequence[ClusterMember], told: Mapping[str, Any], fenced: Sequence[str]
) -> list[dict[str, Any]]:
    kept = told["kept"][-1]["manifest"]["members"] if told["kept"] else []
    listed = of_process(systemd, layout) or known or [ClusterMember.from_dict(one) for one in kept]
    members = [*listed, *_of_record(told["record"])]
    # Members of the restored cluster count too, whose ID is another.
    return answering(
        [one for one in members if identity.of_member(one).is_named_by(fenced)], local_member.asker(layout)
    )


def answering(members: Sequence[ClusterMember], asker: Asker) -> list[dict[str, Any]]:
    """Those that show a sign of life to this host: C(id), C(name), C(peer_urls), and C(answer), which has the URL."""
    with ThreadPoolExecutor(max_workers=max(1, len(members))) as pool:
        signs = list(pool.map(lambda one: signs_of_life.find(one, asker, _ASK), members))
    return [
        {"id": one.id, "name": one.name or one.id, "peer_urls": one.peer_urls, "answer": str(sign)}
        for one, sign in zip(members, signs)
        if sign is not None
    ]


def _of_record(record: Mapping[str, Any] | None) -> list[ClusterMember]:
    """The members that a restore under way makes: one of them may run already."""
    made = Restoration.from_dict(record).members if record else {}
    return [ClusterMember("", name, urls) for name, urls in made.items()]
