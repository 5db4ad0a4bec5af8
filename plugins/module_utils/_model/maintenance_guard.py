# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What maintenance asks of a cluster beyond its quorum: pure arithmetic of votes, as in C(guard)."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes


def check_others_serve(votes: Votes, excused: frozenset[str]) -> None:
    """Does every voter serve?

    :param excused: ids of members that are out of service for this maintenance.
    :raises Refused: another one does not.
    """
    down = votes.lost - excused
    if down:
        raise Refused(
            f"{votes.named(down)} does not serve.",
            "One host after the other is out of service for its maintenance: two members down at once could cost the "
            "quorum.",
            "Bring it back first: ansible-playbook quorum.etcd.etcd -i INVENTORY. Then run again.",
            code="member-down",
        )
