# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a downgrade does beside the members' updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class SaveBefore(Act):
    """Save a snapshot of what the cluster serves before it is downgraded."""

    kind = "save-before"
    is_long = True
    task = "Save a snapshot before the downgrade"
    refusal = (
        "{cluster}: refused, no member was touched. The snapshot that comes before a downgrade could not be saved on "
        "{host}. {msg} Mend that, then run again."
    )


@dataclass(frozen=True)
class Enable(Act):
    """Have the downgrade validated and enabled, and the storage of every member brought to the older version.

    :param target: the minor, such as C(3.6).
    :param endpoints: client URLs of all members.
    """

    kind = "enable-downgrade"
    task = "Enable the downgrade"
    target: str
    endpoints: Sequence[str]


@dataclass(frozen=True)
class Cancel(Act):
    """Cancel a downgrade that is pending.

    :param endpoints: client URLs of all members.
    """

    kind = "cancel-downgrade"
    task = "Cancel the downgrade"
    endpoints: Sequence[str]


@dataclass(frozen=True)
class AwaitEnd(Act):
    """Wait until etcd itself has ended the downgrade, which it does once every member runs the older minor.

    :param endpoints: client URLs of all members.
    """

    kind = "await-downgrade"
    task = "Await the end of the downgrade"
    endpoints: Sequence[str]


#: All of them. In check mode they change nothing.
KINDS = (SaveBefore, Enable, Cancel, AwaitEnd)
