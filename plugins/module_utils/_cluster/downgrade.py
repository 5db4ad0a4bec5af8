# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The downgrade of a cluster by one minor, as etcd has it: it is enabled, each member gets the older release, it ends.

Enabled, it brings the storage of every member to the older version, which takes seconds. Only then may a member start
with the older release. It ends by itself once every member runs that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, queries, raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

_POLL = 0.5
# The first minor whose members tell of a downgrade, and of the version of their storage.
_TELLS = 6


@dataclass(frozen=True)
class Downgrade:
    """The downgrade of one cluster.

    :param endpoints: of any members; they tell the others.
    :param timeout: seconds for each question.
    :param wait: seconds for what etcd does by itself.
    :param check: only say what would be done.
    """

    endpoints: Sequence[str]
    credentials: Credentials
    timeout: float
    wait: float
    check: bool = False

    def state(self) -> dict[str, Any]:
        """What the members tell.

        :returns: C(target), empty while none is pending, and C(members).
        """
        votes = self._votes()
        storage = queries.storage_of(self.endpoints, self.credentials, self.timeout)
        rows = [
            {
                "member_id": one.id,
                "name": one.name,
                "version": votes.versions.get(one.id, ""),
                "storage_version": storage.get(one.id, ""),
            }
            for one in votes.members
        ]
        return {"target": votes.downgrade, "members": rows}

    def enable(self, target: str, owner: str) -> bool:
        """Have every member's storage brought to the version of a minor, so that its releases may start.

        :param target: such as C(3.6).
        :param owner: who does it, for whoever waits for the lock.
        :returns: whether anything was to be done.
        :raises Refused: another one is pending, or not every member can follow.
        :raises HostError: the versions do not follow in time.
        """
        with self._locked(owner) as lock, self._client() as client:
            votes = self._votes()
            _check(votes, target)
            # Where a member has it already, the cluster stays at the older version without a job.
            held = any(minor(version) == minor(target) for version in votes.versions.values())
            due = not votes.downgrade and not (held and self._is_there(target))
            if due:
                if not held:
                    self._await_higher(target)
                client.downgrade("VALIDATE", f"{target}.0")
            if self.check:
                return due
            # A pending downgrade with this key is ended by an upgrade, which takes it for its own.
            client.delete(raft_snapshots.KEY)
            if due:
                lock.check()
                checkpoints.at("downgrade: validated")
                client.downgrade("ENABLE", f"{target}.0")
            checkpoints.at("downgrade: enabled")
            self._await(
                lambda: self._is_there(target), f"The storage of the members does not have the version {target}"
            )
        return due

    def cancel(self, owner: str) -> bool:
        """Cancel what is pending. Where no member has the older release yet, the storage gets its version back.

        :returns: whether anything was to be done.
        :raises HostError: the versions do not follow in time.
        """
        with self._locked(owner) as lock, self._client() as client:
            votes = self._votes()
            if not votes.downgrade or self.check:
                return bool(votes.downgrade)
            lock.check()
            with Client(self._answering(client) or self.endpoints, self.credentials, self.timeout) as teller:
                teller.downgrade("CANCEL")
            checkpoints.at("downgrade: cancelled")
            client.delete(raft_snapshots.KEY)
            minors = set(map(minor, votes.versions.values()))
            # While a member is silent the version does not return.
            if len(minors) == 1 and len(votes.versions) == len(votes.members):
                higher = f"3.{minors.pop()}"
                self._await(lambda: self._is_there(higher), f"The storage of the members does not return to {higher}")
        return True

    def await_end(self) -> None:
        """Wait until none is pending any more.

        :raises HostError: that takes too long.
        """
        if not self.check:
            self._await(lambda: not self._votes().downgrade, "The downgrade is still pending")

    def _await_higher(self, target: str) -> None:
        """Right after a downgrade was cancelled the cluster speaks the older version for some seconds, and etcd refuses
        another one to it (C(invalid downgrade target version)).
        """
        higher = f"3.{minor(target) + 1}"
        self._await(lambda: self._is_there(higher), f"The storage of the members does not have the version {higher}")

    def _is_there(self, target: str) -> bool:
        """Is the storage of every member of the version of a minor, by all who tell theirs?"""
        votes = self._votes()
        storage = queries.storage_of(self.endpoints, self.credentials, self.timeout)
        silent = [one.id for one in votes.members if one.id not in votes.versions]
        tell = [one for one, version in votes.versions.items() if minor(version) >= _TELLS]
        return not silent and all(storage.get(one, "").startswith(f"{target}.") for one in tell)

    def _answering(self, client: Client) -> list[str]:
        """Whom to ask. A member of 3.5 does not answer to what ends a downgrade, although it may be done."""
        found = []
        for endpoint in self.endpoints:
            with contextlib.suppress(EtcdError):
                if minor(client.status(endpoint).version) >= _TELLS:
                    found.append(endpoint)
        return found

    def _votes(self) -> Votes:
        return queries.votes(self.endpoints, self.credentials, self.timeout)

    def _client(self) -> Client:
        return Client(self.endpoints, self.credentials, self.timeout)

    @contextlib.contextmanager
    def _locked(self, owner: str) -> Iterator[Any]:
        if self.check:
            yield None
            return
        with cluster_lock.held(self.endpoints, self.credentials, owner) as lock:
            yield lock

    def _await(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = Deadline(self.wait)
        while not done():
            if not deadline.left():
                raise HostError(f"{otherwise} after {self.wait:.0f} s. Run the same again: it goes on from here.")
            time.sleep(_POLL)


def checked_minor(target: str) -> str:
    """The minor that is named.

    :raises BadInput: it is none.
    """
    parts = target.split(".")
    if len(parts) != 2 or parts[0] != "3" or not parts[1].isdigit():
        raise BadInput(f"target is {target!r}. Give a minor, such as 3.6.")
    return target


def _check(votes: Votes, target: str) -> None:
    """Can every member follow?"""
    if votes.downgrade and minor(votes.downgrade) != minor(target):
        guard.check_downgrade(votes)
    if minor(target) < upgrade_rules.OLDEST_BACK:
        raise Refused(
            f"The downgrade is to lead to etcd {target}.",
            "etcd 3.5 validates that, and then the request times out.",
            "Stay with etcd 3.5.",
            code="downgrade-unsupported",
        )
    others = _others(votes.versions, target)
    if votes.lost or others:
        raise Refused(
            f"The cluster is to be downgraded to {target}, and {votes.named(votes.lost | frozenset(others))} is not "
            f"healthy, or runs neither {target} nor the minor after it.",
            "A member that cannot follow is cut off from the others.",
            "Bring it back first, or choose the minor before the one that runs.",
            code="downgrade-not-all-members",
        )


def _others(versions: Mapping[str, str], target: str) -> list[str]:
    return [one for one, version in versions.items() if not 0 <= minor(version) - minor(target) <= 1]
