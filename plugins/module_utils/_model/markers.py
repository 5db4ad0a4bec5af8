# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The marker: what this host must remember about its member and nobody can see later.

It lies outside the data directory, one KEY=VALUE a line, read by the gate (a shell script) and by modules. Here is its
format and which state may follow which; the file itself is read and written by C(_host.host_files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

FORMAT = 1

OFFERED = "offered"
NEVER_STARTED = "never-started"
STARTING = "starting"
STARTED = "started"
LEAVING = "leaving"
REMOVED = "removed"
RESTORE_PENDING = "restore-pending"
RESTORED = "restored"
RECOVERY_PENDING = "recovery-pending"

#: A restore or a recovery of the whole cluster is under way: nobody else changes anything.
PENDING = (RESTORE_PENDING, RECOVERY_PENDING)

#: Whoever carries one of these has been a member of a cluster.
BEYOND_BOOTSTRAP = (STARTING, STARTED, LEAVING, REMOVED, *PENDING, RESTORED)

#: How a member came to be.
BOOTSTRAP, JOIN, KEPT, RESTORE, RECOVERY = "bootstrap", "join", "kept", "restore", "recovery"

#: State -> the states a module may write after it. C(None) is a host without a marker. The gate alone writes
#: C(starting), C(started) after it, and C(never-started) again when a first start left no log.
FOLLOWS: dict[str | None, frozenset[str]] = {
    # never-started: it joins. started: the system was built anew, and the data kept. leaving: all was built anew.
    None: frozenset({OFFERED, NEVER_STARTED, STARTED, LEAVING, *PENDING}),
    OFFERED: frozenset({OFFERED, NEVER_STARTED, *PENDING}),
    NEVER_STARTED: frozenset({NEVER_STARTED, LEAVING, *PENDING}),
    STARTING: frozenset({STARTING, LEAVING, *PENDING}),
    STARTED: frozenset({STARTED, LEAVING, *PENDING}),
    # started: the removal never happened.
    LEAVING: frozenset({LEAVING, REMOVED, STARTED, *PENDING}),
    # offered: it helps to found another cluster.
    REMOVED: frozenset({REMOVED, NEVER_STARTED, OFFERED, *PENDING}),
    # removed: it is to join anew, and its data are archived. leaving: destroy.yml takes the whole cluster away.
    RESTORE_PENDING: frozenset({RESTORE_PENDING, RESTORED, REMOVED, LEAVING}),
    RESTORED: frozenset({RESTORED, STARTED, LEAVING}),
    RECOVERY_PENDING: frozenset({RECOVERY_PENDING, STARTED, REMOVED, LEAVING}),
}

_KEYS = (
    "format",
    "state",
    "before",
    "origin",
    "cluster",
    "name",
    "token",
    "next_token",
    "cluster_id",
    "member_id",
    "initial_cluster",
    "machine_id",
    "mounts",
    "data_dir",
    "wal_dir",
)


@dataclass(frozen=True)
class Marker:
    """One host's marker.

    :param state: one of the states above.
    :param before: while a restore or a recovery is pending, the state to roll back to; empty where there was no marker.
    :param origin: how the member came to be: C(bootstrap), C(join), C(kept) (its data outlived its system),
        C(restore) or C(recovery).
    :param cluster: the cluster's name, the inventory group unless told otherwise.
    :param name: the member's name when the marker was made.
    :param token: the C(initial-cluster-token) of the one bootstrap this host takes part in.
    :param next_token: while a restore is pending, the token of the cluster that it makes.
    :param cluster_id: lower-case hex, empty until the member ran once.
    :param member_id: lower-case hex, empty until the member ran once.
    :param initial_cluster: C(name=url,...) of its first start.
    :param machine_id: the host's C(/etc/machine-id) when the marker was made.
    :param mounts: mount points under the data and log directory that must be there before a start.
    :param data_dir: where its data lie.
    :param wal_dir: where its log lies if not among its data.
    """

    state: str
    origin: str = "bootstrap"
    cluster: str = ""
    name: str = ""
    token: str = ""
    cluster_id: str = ""
    member_id: str = ""
    initial_cluster: str = ""
    machine_id: str = ""
    mounts: tuple[str, ...] = ()
    data_dir: str = ""
    wal_dir: str = ""
    before: str = ""
    next_token: str = ""

    def becoming(self, state: str, **changes: Any) -> Marker:
        """The marker after a module's transition.

        :raises Refused: the state may not follow this one.
        """
        check_follows(self.state, state)
        return replace(self, state=state, **changes)

    def suspended(self, state: str, **changes: Any) -> Marker:
        """The marker from before the first stop of a restore or a recovery: nothing starts while it says so.

        :param state: one of C(PENDING).
        :raises Refused: something else is pending.
        """
        before = self.before if self.state == state else self.state
        return self.becoming(state, before=before, **changes)

    def resumed(self) -> Marker | None:
        """The marker as it was before C(suspended), C(None) where there was none.

        :raises Refused: nothing is pending.
        """
        if self.state not in PENDING:
            raise Refused(
                f"The marker on this host says {self.state!r}: nothing is pending that could be rolled back.",
                "What it has become by now is data of the cluster.",
                AGAIN,
                code="nothing-to-roll-back",
            )
        return replace(self, state=self.before, before="", next_token="") if self.before else None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "mounts": list(self.mounts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Marker:
        """The marker that C(to_dict) came from.

        :raises BadInput: it has no state, or fields that are not a marker's.
        """
        try:
            return cls(**{**values, "mounts": tuple(values.get("mounts", ()))})
        except TypeError as exc:
            raise BadInput(f"{dict(values)} is no marker: {exc}") from exc


def check_follows(old: str | None, new: str) -> None:
    """Is this a transition that a module may write?

    :raises Refused: it is not.
    """
    if new not in FOLLOWS.get(old, frozenset()):
        raise Refused(
            f"The marker on this host says {old or 'nothing'!r}, and {new!r} cannot follow it.",
            "Somebody else changed this host since it was looked at.",
            AGAIN,
            code="host-changed",
        )


def render(marker: Marker) -> str:
    """The marker's text.

    :raises BadInput: a value would break the line format.
    """
    values = {**marker.to_dict(), "format": FORMAT, "mounts": ":".join(marker.mounts)}
    lines = []
    for key in _KEYS:
        value = str(values[key])
        if any(ord(char) < 32 for char in value):
            raise BadInput(f"The marker's {key} has a line break or control character: {value!r}.")
        lines.append(f"{key.upper()}={value}\n")
    return "".join(lines)


def parse(text: str) -> Marker:
    """Read a marker's text.

    :raises Refused: it is damaged or of a newer format, so nothing may be concluded from it.
    """
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    if values.get("FORMAT") != str(FORMAT):
        raise Refused(
            f"The marker on this host has format {values.get('FORMAT', '(none)')!r}; this release knows {FORMAT}.",
            "What it says about the member's data cannot be judged.",
            "Run the release of quorum.etcd that wrote it, or a newer one.",
            code="marker-unreadable",
        )
    if values.get("STATE", "") not in FOLLOWS:
        raise Refused(
            f"The marker on this host has the unknown state {values.get('STATE', '(none)')!r}.",
            "What it says about the member's data cannot be judged.",
            "Look at the file; if it was edited by hand, put it back.",
            code="marker-unreadable",
        )
    mounts = tuple(part for part in values.get("MOUNTS", "").split(":") if part)
    known = {key: values.get(key.upper(), "") for key in _KEYS if key not in ("format", "mounts")}
    return Marker(mounts=mounts, **known)


def where_it_lies(layout: Layout, marker: Marker | None) -> Layout:
    """The layout with the directories in which the member's data are, whatever the inventory says by now."""
    if marker is None or not marker.data_dir:
        return layout
    return replace(layout, data_dir=marker.data_dir, wal_dir=marker.wal_dir)
