# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How fast a cluster answers: a few writes and reads of a key of our own, and what it was like before a change.

What was measured before a change lies in the cluster itself until it was found no worse after the change. So a run that
was killed meanwhile leaves the measure of the next one there, and no file on any controller.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import health, soak
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import Sample
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

_PREFIX = "/quorum.etcd/fleet/"
_BEFORE = f"{_PREFIX}before"
_PROBE = f"{_PREFIX}probe"

#: Writes of one sample, and as many reads; seconds between two of them.
COUNT = 9
_PAUSE = 0.05


def measure(
    endpoints: Sequence[str],
    credentials: Credentials,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Sample:
    """Return how the cluster is now: each member asked over a new connection, and a few probes.

    :param endpoints: client URLs of members; they tell the others.
    :param timeout: seconds for each question.
    :raises BadInput: an endpoint, or a certificate file, is wrong.
    """
    seen = survey.survey(endpoints, credentials, timeout, cluster=True)
    sample = soak.of_verdict(health.judge(seen))
    writes: list[float] = []
    reads: list[float] = []
    try:
        with Client(endpoints, credentials, timeout) as client:
            # Opens the connection, whose handshake is not the cluster's time.
            client.read(_PROBE)
            for number in range(COUNT):
                begin = clock()
                client.put(_PROBE, str(number))
                written = clock()
                client.read(_PROBE)
                writes.append(written - begin)
                reads.append(clock() - written)
                sleep(_PAUSE)
    except EtcdError as exc:
        return replace(sample, writes=writes, reads=reads, error=str(exc))
    return replace(sample, writes=writes, reads=reads)


def remember(
    state: str, endpoints: Sequence[str], credentials: Credentials, timeout: float, sample: Sample | None
) -> Sample | None:
    """Read, write or remove what the cluster was like before a change that was not yet judged.

    :param state: C(kept) and C(begun) write the sample, or that nothing is known, unless something is kept already;
        C(forgotten) removes all keys of ours; any other only reads.
    :returns: what is kept now; None where there is no such change.
    :raises EtcdError: no quorum agrees.
    """
    with Client(endpoints, credentials, timeout) as client:
        if state == "forgotten":
            client.delete(_PREFIX, prefix=True)
            return None
        before = _read(client)
        if before is None and state in ("kept", "begun"):
            before = sample or Sample()
            client.put(_BEFORE, json.dumps(before.to_dict()))
        return before


def _read(client: Client) -> Sample | None:
    found = client.read(_BEFORE)["kvs"]
    try:
        return Sample.from_dict(json.loads(found[0]["value"])) if found else None
    except (ValueError, TypeError):
        # Another release of the collection wrote it: that a verdict is due is all that it says.
        return Sample()
