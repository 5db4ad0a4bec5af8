# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The moves of a member's update, forwards and back, over everything that can be the case when they begin.

A member is stopped by one move only, C(STOP): under the cluster's lock, guarded, handed over, guarded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Move(Enum):
    """What is done to the member, or to what its cluster knows of it."""

    #: The host keeps what the update replaces.
    KEEP = "keep"
    #: The new files lie at their places.
    WRITE = "write"
    #: The files of before lie at their places.
    RESTORE = "restore"
    #: Its cluster can spare the member, and another one leads. What ends its process is the next start.
    STOP = "stop"
    #: The cluster knows it by its new peer URLs.
    READDRESS = "readdress"
    #: The cluster knows it by the peer URLs of before.
    ADDRESS_BACK = "address back"
    #: It starts with the files that are there.
    START = "start"
    #: It serves with the new files.
    VERIFY = "verify"
    #: It serves with the files of before.
    SERVE = "serve"
    #: What was kept is no longer needed.
    DROP = "drop"


@dataclass(frozen=True)
class Standing:
    """Where a member stands before the moves.

    :param runs: a process of its unit runs.
    :param serves: it answers a read of its own, or is a learner that answers.
    """

    runs: bool
    serves: bool

    def __post_init__(self) -> None:
        if self.serves and not self.runs:
            raise ValueError("a member without a process does not serve")


def forwards(standing: Standing, restarts: bool, readdresses: bool) -> tuple[Move, ...]:
    """Return the moves of an update.

    :param restarts: whether the member must read something anew.
    :param readdresses: whether its cluster is to know it by other peer URLs. It may listen there already.
    """
    moves = [Move.KEEP, Move.WRITE]
    # One that was down when it was observed may serve by now: the move refuses that.
    moves += [Move.STOP] * restarts
    moves += [Move.READDRESS] * readdresses
    moves += [Move.START] * restarts
    # What it reads at each handshake, such as its certificates, is tried without a restart too.
    moves += [Move.VERIFY] * (restarts or standing.serves)
    return tuple(moves)


def back(standing: Standing, started: bool, readdressed: bool) -> tuple[Move, ...]:
    """Return the moves that take a member back to what it was before its update.

    :param started: whether it may have been started since the new files were written.
    :param readdressed: whether its cluster may know it by its new peer URLs. Without a quorum the cluster takes no
        address, and it may have one only since the member serves.
    """
    moves = [Move.STOP] * (started and standing.runs)
    moves += [Move.RESTORE]
    moves += [Move.START, Move.SERVE] * started
    moves += [Move.ADDRESS_BACK] * readdressed
    moves += [Move.DROP]
    return tuple(moves)
