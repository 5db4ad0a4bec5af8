# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the lab keeps what it makes: below ``.cache`` of the checkout, and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
CACHE = CHECKOUT / ".cache"
LABS = CACHE / "lab"
RELEASES = CACHE / "releases"

# Held while something is chosen or built that labs of other checkouts share: subnets and images.
MACHINE_LOCK = Path(tempfile.gettempdir()) / f"quorum-lab-{os.getuid()}.lock"
