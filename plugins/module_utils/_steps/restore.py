# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One host's part in restoring a whole cluster, in acts that every host must have finished before any begins the next.

Whatever can fail for want of room or a sound file is done while the members still run: the new data are made beside the
old ones. Then every host is marked, every member stops, every host's old data are archived, and only then the new
ones take their place. Up to there all of it can be rolled back. Each act finds out what of it is done already, so an
interrupted one is continued by the next call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, HostError, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm, restored_keys
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file, wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    archive,
    etcdutl,
    host_files,
    isolated_member,
    local_member,
    member_files,
    peer_probe,
    rollback,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, is_compacted
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drill as _drill
from ansible_collections.quorum.etcd.plugins.module_utils._steps import restore_source, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.restore_paths import (
    PURPOSE,
    Places,
    clear,
    read_record,
    record_file,
    write_record,
)

# Seconds for a count: it reads every key.
_READING = 600.0
# Seconds: a member that finds the others serves after a fraction of one.
_OPENING = 10.0
_POLL = 0.1


@dataclass(frozen=True)
class RestoreAct:
    """One host's part.

    :param name: its member's name.
    :param peer_urls: its member's peer URLs.
    :param release_dir: where its etcd lies.
    :param snapshot_dir: where snapshots lie on it, and the one that is restored meanwhile.
    """

    systemd: Systemd
    layout: Layout
    restoration: Restoration
    name: str
    peer_urls: Sequence[str]
    release_dir: str
    snapshot_dir: str

    @property
    def marker(self) -> Marker | None:
        return host_files.read_marker(self.layout)

    @property
    def token(self) -> str:
        return self.restoration.token

    @property
    def is_over(self) -> bool:
        """Is this host's member started, as far as this restore goes?"""
        marker = self.marker
        return marker is not None and marker.state == markers.STARTED and marker.token == self.token


def stage(act: RestoreAct, source: str, check: bool) -> bool:
    """Have the snapshot on this host, unless nothing is to be made of it any more, see C(restore_source.stage)."""
    if act.is_over or os.path.isdir(Places.of_restore(act.layout, act.restoration).new):
        return False
    return restore_source.stage(act.snapshot_dir, act.restoration, source, act.layout.member_dirs, check)


# -- while the members still run -------------------------------------------------------------------------------------


def drill(
    run: Run,
    act: RestoreAct,
    manifest: Manifest | None,
    timeout: float,
    check: bool,
    certificates: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Restore the snapshot for a trial on this host, by the recipe of the restore.

    :param manifest: what the snapshot must hold, None where nobody has written it down.
    :param timeout: seconds for the start of the member that is thrown away.
    :param certificates: see C(drill.Drill).
    :returns: see C(drill.run).
    :raises EtcdError: it cannot be restored, or is not what was saved.
    """
    path = restore_source.path_of(act.snapshot_dir, act.restoration)
    given = _drill.Drill(
        path,
        act.release_dir,
        act.restoration.version,
        timeout,
        act.restoration.allow_missing_hash,
        manifest,
        act.restoration.begins,
        _uses_tls(act),
        certificates or {},
    )
    return _drill.run(run, act.systemd, act.layout, given, check)


def prepare(run: Run, act: RestoreAct, check: bool) -> bool:
    """Make this member's new data beside its old ones. Nothing that runs is changed.

    :param run: runs etcd's tool.
    :returns: whether they were not there yet.
    :raises EtcdError: they cannot be made; nothing is left of them.
    """
    layout, restoration = act.layout, act.restoration
    places = Places.of_restore(layout, restoration)
    if act.is_over or (os.path.isdir(places.new) and read_record(layout) == restoration):
        return False
    if check:
        return True
    with host_files.acting(layout):
        _check_no_other(act)
        _check_mounts(act)
        _check_login(act)
        member_files.ensure_directories(layout)
        clear(layout)
        _drill.check_room(layout.data_dir, restoration.size)
        write_record(layout, restoration)
        checkpoints.at("restore: written down")
        recipe = etcdutl.Recipe(
            act.name,
            act.peer_urls,
            restoration.initial_cluster,
            act.token,
            restoration.begins,
            restoration.allow_missing_hash,
        )
        etcdutl.restore(
            run,
            act.release_dir,
            restoration.version,
            restore_source.path_of(act.snapshot_dir, restoration),
            recipe,
            places.unfinished,
            places.unfinished_log,
        )
        owner = host_files.owner_ids(layout.user, layout.group)
        for path in filter(None, (places.unfinished, places.unfinished_log)):
            etcdutl.give(path, *owner)
        checkpoints.at("restore: data made")
        # The data last: they have their name once all of it is there.
        if places.log:
            host_files.rename(places.unfinished_log, places.new_log)
        host_files.rename(places.unfinished, places.new)
        checkpoints.at("restore: prepared")
    return True


# -- until then all of it can be rolled back ---------------------------------------------------------------------------


def mark(act: RestoreAct, check: bool) -> bool:
    """Remember that this host's member stops for a restore: from here on its gate starts nothing.

    :returns: whether that was not written yet.
    :raises Refused: the host is not ready for it.
    """
    marker = act.marker
    if act.is_over or (marker is not None and marker.state in (markers.RESTORE_PENDING, markers.RESTORED)):
        return False
    if check:
        return True
    with host_files.acting(act.layout):
        if read_record(act.layout) != act.restoration or not os.path.isdir(
            Places.of_restore(act.layout, act.restoration).new
        ):
            raise Refused(
                "The new data of this host's member are not there.",
                "Nothing is stopped for less.",
                AGAIN,
                code="host-changed",
            )
        if marker is None:
            wanted = Marker(markers.RESTORE_PENDING, cluster=act.restoration.cluster, next_token=act.token)
        else:
            wanted = marker.suspended(markers.RESTORE_PENDING, next_token=act.token)
        host_files.write_marker(act.layout, marker, wanted)
        checkpoints.at("restore: marked")
    return True


def stop(act: RestoreAct, check: bool) -> bool:
    """Stop the member, and let it start at no boot.

    :returns: whether anything was to be done.
    :raises HostError: systemd would not do it.
    """
    layout = act.layout
    unit = act.systemd.show(layout.unit)
    if archive.is_at_rest(unit) or (not check and not _is_pending(act)):
        return False
    if not check:
        with host_files.acting(layout):
            peer_probe.stop(act.systemd, layout)
            archive.disable_unit(act.systemd, layout)
            checkpoints.at("restore: stopped")
    return True


def archive_data(act: RestoreAct, check: bool) -> bool:
    """Archive the member's old data.

    :returns: whether there were any.
    :raises Refused: it was started again.
    :raises HostError: a directory cannot be renamed.
    """
    layout, marker = act.layout, act.marker
    if check:
        return bool(wal.segments(layout.log_dir))
    if not _is_pending(act) or Places.of_restore(layout, act.restoration).has_moved:
        return False
    with host_files.acting(layout):
        _check_stopped(act)
        moved = archive.move(markers.where_it_lies(layout, marker), "restore", _moment(act.restoration))
        checkpoints.at("restore: data archived")
    return bool(moved)


# -- from here on there is no way back ---------------------------------------------------------------------------------


def put_in_place(act: RestoreAct, content: Content, check: bool) -> dict[str, Any]:
    """Write the member's files, and give its new data their place.

    :returns: C(changed), C(diff).
    :raises Refused: something else is in their place.
    :raises HostError: something cannot be written.
    """
    layout, marker = act.layout, act.marker
    diff = member_files.differences(content)
    if check:
        return {"changed": True, "diff": diff}
    if marker is None or not _is_pending(act):
        return {"changed": False, "diff": []}
    places = Places.of_restore(layout, act.restoration)
    with host_files.acting(layout):
        _check_stopped(act)
        member_files.ensure_directories(layout)
        member_files.write(layout, content)
        act.systemd.control("daemon-reload")
        # It begins to run when the member serves, see C(service.await_ready).
        if not snapshot_timer.is_wanted(layout, content):
            snapshot_timer.remove(act.systemd, layout)
        rollback.drop(layout)
        host_files.remove(layout.bootstrap_file)
        checkpoints.at("restore: files written")
        places.take()
        checkpoints.at("restore: in place")
        member_id, cluster_id = wal.identity(layout.log_dir)
        restored = marker.becoming(
            markers.RESTORED,
            before="",
            next_token="",
            origin=markers.RESTORE,
            cluster=act.restoration.cluster,
            name=act.name,
            token=act.token,
            initial_cluster=act.restoration.initial_cluster,
            member_id=member_id,
            cluster_id=cluster_id,
            machine_id=host_files.machine_id(),
            mounts=tuple(host_files.mounts_under(layout)),
            data_dir=layout.data_dir,
            wal_dir=layout.wal_dir,
        )
        host_files.write_marker(layout, marker, restored)
        checkpoints.at("restore: restored")
    return {"changed": True, "diff": diff}


def start(act: RestoreAct, check: bool) -> bool:
    """Start the restored member without waiting: its peers find it, and no client does.

    One that is open already is started by its unit where it rests: the others may need its vote to be verified.

    :returns: whether it did not run.
    :raises Refused: this host's data are not the restored ones.
    """
    if check:
        return True
    layout = act.layout
    if act.is_over:
        with host_files.acting(layout):
            return _start_again(act.systemd, layout)
    if isolated_member.endpoint(act.systemd, layout, PURPOSE):
        return False
    with host_files.acting(layout):
        _check_restored(act)
        settings = isolated_member.apart(layout, member_files.settings(layout))
        isolated_member.start(act.systemd, layout, PURPOSE, os.path.join(act.release_dir, "etcd"), settings)
        checkpoints.at("restore: started apart")
    return True


def verify(act: RestoreAct, timeout: float) -> dict[str, Any]:
    """Wait until the member serves, and see that it is what was restored and takes a write.

    :param timeout: seconds.
    :returns: C(revision) at which it begins, C(key_count) (None where it cannot be compared), C(members) by name, as it
        tells them, C(alarms) under which it takes no write, see C(alarm.let_write); none where it was started before.
    :raises HostError: it does not serve in time, or tells something else.
    """
    if act.is_over:
        return {}
    seen = isolated_member.wait(act.systemd, act.layout, PURPOSE, timeout)
    begins = act.restoration.restored_revision
    wanted = {name: sorted(urls) for name, urls in act.restoration.members.items()}
    with Client([seen.endpoint], local_member.credentials(act.layout), _READING) as client:
        revision = client.status().revision
        key_count = _count(client, act.restoration) if revision >= begins else None
        members = {one.name: sorted(one.peer_urls) for one in client.member_list().members}
        wrong = []
        if revision < begins:
            wrong.append(f"its revision is {revision}, and {begins} was restored")
        if key_count is not None and key_count != act.restoration.key_count:
            wrong.append(f"it has {key_count} keys, and {act.restoration.key_count} were restored")
        if members != wanted:
            wrong.append(f"its members are {members}, and {wanted} were restored")
        if wrong:
            raise HostError(
                f"The restored member is not what it should be: {'; '.join(wrong)}. No client has reached it. The old "
                f"data of every host lie beside the new ones ({Places.of_restore(act.layout, act.restoration).old})."
            )
        alarms = alarm.let_write(client)
        if not alarms:
            restored_keys.remove(client)
    return {"revision": begins, "key_count": key_count, "members": members, "alarms": list(map(asdict, alarms))}


def _count(client: Client, restoration: Restoration) -> int | None:
    """With how many keys the member began; None where nobody knows how many it should have, or it can no longer tell.

    Hardly anything is written before the members serve, and nothing compacted. A host where that revision is compacted
    comes late to others that serve, and follows their log.
    """
    if not restoration.key_count:
        return None
    try:
        return client.count(restoration.restored_revision)
    except RpcError as exc:
        if not is_compacted(exc):
            raise
        return None


def open_up(act: RestoreAct, check: bool) -> bool:
    """Let clients find the member: it is started anew, by its unit, from now on at every boot.

    The next member is opened only after it: members that start at once have no quorum, and each waits in vain for the
    hash of the others' data (``InitialCorruptCheck``), because none answers its peers before that check is over.

    :returns: whether it was not yet.
    :raises Refused: this host's data are not the restored ones.
    """
    if check:
        return True
    layout = act.layout
    with host_files.acting(layout):
        marker = act.marker
        if not act.is_over:
            restored = _check_restored(act)
            isolated_member.stop(act.systemd, layout, PURPOSE)
            checkpoints.at("restore: stopped apart")
            host_files.write_marker(layout, marker, restored.becoming(markers.STARTED))
            checkpoints.at("restore: open")
        if act.systemd.show(layout.unit)["active_state"] in ("active", "activating"):
            return False
        service.launch(act.systemd, layout)
    _await_unit(act.systemd, layout, Deadline(_OPENING))
    return True


def _await_unit(systemd: Systemd, layout: Layout, deadline: Deadline) -> None:
    """Wait until the member serves. One that lacks the others is awaited later, by C(finish), when all were started."""
    while deadline.left() and systemd.show(layout.unit)["active_state"] != "active":
        time.sleep(_POLL)


def finish(act: RestoreAct, timeout: float) -> dict[str, Any]:
    """Wait until the member serves as it always will, and remove what was needed for the restore alone.

    :param timeout: seconds.
    :returns: C(changed), C(member_id), C(cluster_id), C(archived) (where the old data lie).
    """
    result = service.await_ready(act.systemd, act.layout, timeout)
    places = Places.of_restore(act.layout, act.restoration)
    with host_files.acting(act.layout):
        _forget(act.layout, act.snapshot_dir)
    return {**result, "archived": [path for path in (places.old, places.old_log) if path and os.path.exists(path)]}


def end(act: RestoreAct, check: bool) -> bool:
    """Remove what is left of a restore that is over, and start the member if that was not done. Waits for nothing.

    The cluster may have gone on since, and been lost: what was left behind must not keep anybody from a new restore.

    :returns: whether anything was to be done.
    :raises Refused: this host has not finished.
    """
    layout = act.layout
    if read_record(layout) != act.restoration:
        return False
    if not act.is_over:
        raise Refused(
            "This host's part in the restore is not over.",
            "It would be forgotten half-way.",
            AGAIN,
            code="host-changed",
        )
    if not check:
        with host_files.acting(layout):
            if archive.is_at_rest(act.systemd.show(layout.unit)) and wal.segments(layout.log_dir):
                service.launch(act.systemd, layout)
            _forget(layout, act.snapshot_dir)
    return True


def _forget(layout: Layout, snapshot_dir: str) -> None:
    """Remove what was needed for a restore alone, the record last."""
    clear(layout)
    restore_source.clear(snapshot_dir)
    host_files.remove(record_file(layout))


# -- back --------------------------------------------------------------------------------------------------------------


def roll_back(systemd: Systemd, layout: Layout, snapshot_dir: str, check: bool) -> dict[str, Any]:
    """Have everything on this host as it was before the restore that is under way.

    :returns: C(changed), C(started) (was a member started?).
    :raises Refused: this host is restored already.
    :raises HostError: a directory cannot be renamed.
    """
    if check:
        record, pending = _to_roll_back(layout)
        return {"changed": record is not None, "started": pending is not None}
    started = False
    with host_files.acting(layout):
        # Read under the lock: a task of a run that was killed may have gone on until now.
        record, pending = _to_roll_back(layout)
        if record is not None and pending is not None:
            Places.of_restore(layout, record).leave()
            Places.of_restore(markers.where_it_lies(layout, pending), record).bring_back()
            checkpoints.at("restore: data back")
            host_files.resume_marker(layout, pending)
            checkpoints.at("restore: marker back")
        if record is not None:
            started = _start_again(systemd, layout)
            checkpoints.at("restore: started again")
            _follow_timer(systemd, layout)
        _forget(layout, snapshot_dir)
    return {"changed": record is not None, "started": started}


def _to_roll_back(layout: Layout) -> tuple[Restoration | None, Marker | None]:
    """The restore that is under way here, and the marker if it is pending.

    :raises Refused: this host is restored already, or where its old data lie cannot be told.
    """
    record, marker = read_record(layout), host_files.read_marker(layout)
    if record is None and marker is not None and marker.state in (markers.RESTORE_PENDING, markers.RESTORED):
        raise Refused(
            f"This host's marker says {marker.state!r}, and {record_file(layout)} is gone.",
            "Where its old data lie cannot be told.",
            f"Look for them in {layout.data_dir}, beside where they were: their names end with the time.",
            code="restore-record-lost",
        )
    if record is not None and marker is not None and (marker.state == markers.RESTORED or marker.token == record.token):
        raise Refused(
            f"This host's member is restored already (its marker says {marker.state!r}).",
            "Rolled back now, it would leave a cluster that others may serve by now.",
            f"Let it go on: {advice.restore(record.cluster)}. Its old data stay where they were archived.",
            code="rollback-too-late",
        )
    return record, marker if marker is not None and marker.state == markers.RESTORE_PENDING else None


def _start_again(systemd: Systemd, layout: Layout) -> bool:
    """Start the member by its unit, unless it runs: also when only this was left to do, for nobody else does."""
    marker, unit = host_files.read_marker(layout), systemd.show(layout.unit)
    if marker is None or marker.state not in (markers.STARTING, markers.STARTED, markers.LEAVING):
        return False
    if unit["enabled"] == "enabled" and unit["active_state"] not in ("inactive", "failed"):
        return False
    service.launch(systemd, layout)
    return True


def _follow_timer(systemd: Systemd, layout: Layout) -> None:
    """Let the timer of the member that was before run again. Once the record is gone nobody does it."""
    marker = host_files.read_marker(layout)
    if marker is not None and marker.state in (markers.STARTING, markers.STARTED, markers.LEAVING):
        snapshot_timer.follow(systemd, layout)


def _is_pending(act: RestoreAct) -> bool:
    marker = act.marker
    return marker is not None and marker.state == markers.RESTORE_PENDING


def _check_no_other(act: RestoreAct) -> None:
    """Is nothing pending here but this very restore?"""
    record, marker = read_record(act.layout), act.marker
    pending = marker is not None and marker.state in (*markers.PENDING, markers.RESTORED)
    if pending and record != act.restoration:
        raise Refused(
            f"Another restore or a recovery is pending on this host (its marker says {marker.state if marker else ''!r}"
            f"{f', with the token {record.token}' if record else ''}).",
            "Members that are made of different snapshots serve different keys under one name.",
            AGAIN,
            code="restore-or-recovery-pending",
        )


def _check_mounts(act: RestoreAct) -> None:
    """Is the disk there on which the data lie? Without it the new ones would be made below where it is mounted."""
    marker = act.marker
    missing = sorted(set(marker.mounts) - set(host_files.mounts_under(act.layout))) if marker is not None else []
    if marker is not None and missing and markers.where_it_lies(act.layout, marker) == act.layout:
        raise Refused(
            f"{missing[0]} was a mount point when this member was set up, and is none now.",
            "Its disk is missing: the restored data would lie on another one, and be hidden once it is back.",
            "Mount it. If it is lost for good, mount an empty one there.",
            code="mount-missing",
        )


def _check_login(act: RestoreAct) -> None:
    """Will this host's member answer who verifies it? Where its peers use TLS its certificate comes with its files."""
    asker = local_member.credentials(act.layout)
    if not _uses_tls(act):
        path = restore_source.path_of(act.snapshot_dir, act.restoration)
        _drill.check_login(snapshot_file.described(path, act.restoration.sha256), asker, path)


def _uses_tls(act: RestoreAct) -> bool:
    return any(url.startswith("https://") for url in act.peer_urls)


def _check_stopped(act: RestoreAct) -> None:
    unit = act.systemd.show(act.layout.unit)
    if not _is_pending(act) or unit["active_state"] not in ("inactive", "failed"):
        marker = act.marker
        raise Refused(
            f"{act.layout.unit} was to be stopped: it is {unit['active_state']}, and its host's marker says "
            f"{marker.state if marker else 'nothing'!r}.",
            "Somebody else has changed this host meanwhile.",
            AGAIN,
            code="host-changed",
        )


def _check_restored(act: RestoreAct) -> Marker:
    """Are the restored data in their place, with their disks?"""
    layout, marker = act.layout, act.marker
    if marker is None or marker.state != markers.RESTORED or marker.token != act.token:
        raise Refused(
            f"This host's marker says {marker.state if marker else 'nothing'!r}.",
            "Its data are not those that were restored.",
            AGAIN,
            code="host-changed",
        )
    missing = sorted(set(marker.mounts) - set(host_files.mounts_under(layout)))
    if missing or not wal.segments(layout.log_dir):
        raise Refused(
            f"{missing[0]} is no mount point now." if missing else f"There is no write-ahead log in {layout.log_dir}.",
            "The restored data are gone, or their disk is.",
            "Bring the disk back, then run the same command again.",
            code="data-missing",
        )
    return marker


def _moment(restoration: Restoration) -> datetime:
    return datetime.strptime(restoration.began, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
