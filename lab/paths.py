# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the lab keeps what it makes: below ``.cache`` of the checkout, and nowhere else."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
CACHE = CHECKOUT / ".cache"
LABS = CACHE / "lab"
RELEASES = CACHE / "releases"

# One lock for all labs of a checkout cannot stop another checkout on the same machine: this one can.
MACHINE_LOCK = Path("/tmp/quorum-lab.lock")
