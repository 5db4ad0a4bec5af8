# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Let every member of 3.6 write a raft snapshot, so that 3.7 replays nothing that 3.5 has written.

3.5 writes requests of API version 2 into its log, with which each member registers itself. 3.7 cannot read them and
ends (C(unmarshal should never fail)) unless a raft snapshot that was taken by 3.6 lies behind them. etcd takes one on
every member at once when its storage is to have another version: so a downgrade to 3.5 is enabled, awaited and
cancelled, and no binary is replaced. Killed in between it leaves the downgrade pending; a key says that it is this one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, queries, survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

#: Says that a pending downgrade is this one's. It is on a lease, so that it says nothing of a later one.
KEY = survey.RENEWING
# Seconds that it stays while the downgrade is pending, of a run that was killed too.
_PENDING = 3600
# Right before the downgrade begins and right before it ends. Killed there the key may be left without a downgrade, and
# a person's own that begins meanwhile must not be taken for this one. The next run gets here before it is gone.
_BRIEFLY = 300

_HIGHER, _LOWER = "3.6", "3.5"
_POLL = 0.5


def renew(endpoints: Sequence[str], credentials: Credentials, owner: str, timeout: float) -> None:
    """Enable the downgrade, await it, and cancel it. One that a run before has left pending is gone on with.

    :param endpoints: client URLs of all members.
    :param owner: who does it, for whoever waits for the lock.
    :param timeout: seconds for each of the two changes of the version.
    :raises Refused: another downgrade is pending, or a member runs another minor, or is not well.
    :raises HostError: the version does not change in time.
    """
    with (
        cluster_lock.held(endpoints, credentials, owner) as lock,
        Client(endpoints, credentials, queries.TIMEOUT) as client,
    ):
        votes = queries.votes(endpoints, credentials)
        _check(votes, ours=bool(client.read(KEY)["kvs"]))
        if not votes.downgrade:
            _announce(client, owner, _BRIEFLY)
            lock.check()
            checkpoints.at("raft snapshots: announced")
            _enable(client)
        with _cancelled_where_it_fails(client, owner):
            _announce(client, owner, _PENDING)
        checkpoints.at("raft snapshots: downgrade enabled")
        with _cancelled_where_it_fails(client, owner):
            _await(lambda: queries.storage_versions(endpoints, credentials), _LOWER, timeout)
            _announce(client, owner, _BRIEFLY)
        checkpoints.at("raft snapshots: about to cancel")
        _cancel(client, owner)
        checkpoints.at("raft snapshots: downgrade cancelled")
        _await(lambda: queries.storage_versions(endpoints, credentials), _HIGHER, timeout)


def _announce(client: Client, owner: str, seconds: int) -> None:
    """Say for so long that a pending downgrade is this one's."""
    client.put(KEY, owner, client.lease_grant(seconds)["lease"])


def _enable(client: Client) -> None:
    try:
        client.downgrade("ENABLE", f"{_LOWER}.0")
    except EtcdError as exc:
        # Somebody else's may have begun in between: then that is not this one. Where nobody knows, the key goes soon.
        if not outcome_unknown(exc):
            client.delete(KEY)
        raise


def _cancel(client: Client, owner: str) -> None:
    try:
        client.downgrade("CANCEL")
    except EtcdError:
        # The next run is to know it.
        with contextlib.suppress(EtcdError):
            _announce(client, owner, _PENDING)
        raise
    client.delete(KEY)


@contextlib.contextmanager
def _cancelled_where_it_fails(client: Client, owner: str) -> Iterator[None]:
    """Never is it left pending by what went on for too long, or could not be done."""
    try:
        yield
    except BaseException:
        _cancel(client, owner)
        raise


def _check(votes: Votes, ours: bool) -> None:
    if votes.downgrade and not ours:
        guard.check_downgrade(votes)
    others = {one: version for one, version in votes.versions.items() if not version.startswith(f"{_HIGHER}.")}
    if others or votes.lost:
        raise Refused(
            f"Every member is to write a raft snapshot while all run etcd {_HIGHER}, and "
            f"{votes.named(frozenset(others) | votes.lost)} runs another one, or is not healthy.",
            "The version of the storage would change beside members that cannot follow.",
            f"Bring all members to etcd {_HIGHER} first: -e etcd_version={_HIGHER}.Z",
            code="upgrade-not-all-members",
        )


def _await(asked: Callable[[], set[str]], minor: str, timeout: float) -> None:
    deadline = Deadline(timeout)
    while True:
        told = asked()
        if told and all(version.startswith(f"{minor}.") for version in told):
            return
        if not deadline.left():
            raise HostError(
                f"The storage of the members has the version {' and '.join(sorted(told)) or 'that nobody tells'} after "
                f"{timeout:.0f} s, and not {minor}. Run the same command again: it goes on from here."
            )
        time.sleep(_POLL)
