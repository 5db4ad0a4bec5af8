# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The key that says who maintains the hosts of a cluster, on a lease that outlives the reboot of one of them.

Beside it each act holds the cluster's lock as ever, whose claim compares this key (C(cluster_lock)).
"""

from __future__ import annotations

import contextlib

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import KEY, Holder, Owner, holder_in
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client


def find(client: Client) -> Holder | None:
    """Who has it."""
    return holder_in(client.read(KEY)["kvs"])


def take(client: Client, lock: Lock, owner: Owner, ttl: int) -> None:
    """Make the key one's own, or renew it, under the cluster's lock. From then on the lock's check asks for it, too.

    :param lock: claimed under this key, or under that of a run that is gone; else under none.
    :param ttl: seconds that it lasts without a renewal.
    :raises Refused: somebody else has it.
    :raises EtcdError: etcd grants no lease, or does not answer.
    """
    found = find(client)
    if found is not None and found.owner == owner and client.lease_keep_alive(found.lease):
        return
    if found is not None:
        if found.revision != lock.maintenance:
            raise maintenance_refusals.of_holder(found)
        # A key that is written again keeps the revision at which it was made: whose it was would not notice.
        _delete(client, found)
    checkpoints.at("maintenance: nobody has it")
    lease = client.lease_grant(ttl)["lease"]
    make = {"request_put": {"key": KEY.encode(), "value": owner.text().encode(), "lease": lease}}
    # Who lost the lock without noticing makes no key, which would outlive it by far.
    ours = {"key": cluster_lock.KEY.encode(), "target": "LEASE", "result": "EQUAL", "lease": lock.lease}
    answer = client.txn([ours, cluster_lock.created(KEY.encode(), 0)], [make])
    if not answer["succeeded"]:
        _revoke(client, lease)
        lock.check()
        raise _changed()
    lock.maintenance = answer["revision"]
    # Whether it is still there.
    lock.check()


def renew(client: Client, owner: Owner) -> None:
    """Let it last from now on, where it is the caller's still."""
    found = find(client)
    if found is not None and found.owner == owner:
        client.lease_keep_alive(found.lease)


def end(client: Client, owner: Owner, any_run: bool, check: bool) -> bool:
    """Remove it.

    :param any_run: also where another run of this owner has made it, which goes on under it by now.
    :returns: whether it was there.
    :raises Refused: it is somebody else's.
    """
    found = find(client)
    if found is None or (found.owner.name == owner.name and found.owner != owner and not any_run):
        return False
    if found.owner.name != owner.name:
        raise maintenance_refusals.of_holder(found)
    if not check:
        _delete(client, found)
    return True


def _delete(client: Client, found: Holder) -> None:
    """Remove the very key that was seen."""
    key = KEY.encode()
    delete = {"request_delete_range": {"key": key}}
    answer = client.txn([cluster_lock.created(key, found.revision)], [delete])
    if not answer["succeeded"]:
        raise _changed()
    if found.lease:
        _revoke(client, found.lease)


def _revoke(client: Client, lease: int) -> None:
    # It may have run out, and without a key it holds nobody up.
    with contextlib.suppress(EtcdError):
        client.lease_revoke(lease)


def _changed() -> Refused:
    return Refused(
        f"The key {KEY} was changed meanwhile.",
        "Somebody else maintains this cluster's hosts.",
        AGAIN,
        code="maintenance-held",
    )
