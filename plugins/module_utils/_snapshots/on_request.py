# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A snapshot on request, by the settings that the timer of the host has: same directory, retention and metrics."""

from __future__ import annotations

import posixpath
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.survey import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Status
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Settings
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import agent, saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved


def observe(layout: Layout, directory: str) -> dict[str, Any]:
    """Whether this host can save a snapshot now, and how well its member suits. Nothing is touched.

    :param directory: where the inventory says that snapshots lie.
    :returns: C(rank) (a list by which hosts are compared; the lowest suits best), C(role), C(note) (what is wrong with
        a member that can be asked all the same) and what C(save) returns. Else C(problem) alone.
    """
    try:
        settings = _settings(layout, directory)
        credentials = agent.credentials_of(settings)
        source = saving.ranked(survey([settings.endpoint], credentials, agent.TIMEOUT))[0]
        saved, _took = agent.save(settings, credentials, check=True)
    except EtcdError as exc:
        return {"problem": str(exc)}
    status = source.status or Status()
    role = "a learner" if status.is_learner else "the leader" if status.is_leader else "a follower"
    note = f"The last writes may be missing, for it has no quorum behind it: {source.error}" if source.error else ""
    return {"rank": [int(one) for one in saving.rank(source)], "role": role, "note": note, **_told(saved)}


def save(layout: Layout, directory: str, run: Run, check: bool) -> dict[str, Any]:
    """Save what the member of this host has, and tell of it whoever is told of the timer's snapshots.

    :param directory: where the inventory says that snapshots lie.
    :param run: runs C(etcd_snapshot_after_command).
    :param check: touch nothing.
    :returns: C(path), C(manifest) and C(deleted), see C(saving.Saved).
    :raises EtcdError: something went wrong. The metrics say so.
    """
    settings = _settings(layout, directory)
    try:
        saved, took = agent.save(settings, agent.credentials_of(settings), check)
        if not check:
            done = agent.finished(settings, saved, took, "It was asked for.", run)
    except EtcdError as exc:
        if not check:
            agent.publish(settings, agent.failed(exc))
        raise
    if not check:
        last = agent.publish(settings, agent.succeeded(done))
        if not last.ok:
            raise HostError(last.message)
    return _told(saved)


def _settings(layout: Layout, directory: str) -> Settings:
    """What the timer of this host goes by.

    :raises EtcdError: there is no such file, or the inventory names another directory.
    """
    settings = agent.settings_in(layout.snapshot_config)
    if settings.directory != posixpath.normpath(directory):
        raise Refused(
            f"Snapshots of this member are kept in {settings.directory}, and etcd_snapshot_dir says {directory}.",
            "Neither the timer nor its retention would know of one that lies elsewhere.",
            "Bring the host to what the inventory says: ansible-playbook quorum.etcd.etcd -i INVENTORY. Or save it "
            f"where the others are: -e etcd_snapshot_dir={settings.directory}",
            code="snapshot-directory-changed",
        )
    return settings


def _told(saved: Saved) -> dict[str, Any]:
    return {"path": saved.path, "manifest": saved.manifest.to_dict(), "deleted": list(saved.deleted)}
