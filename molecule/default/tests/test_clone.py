# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clone, in which nothing is installed, of the very cluster that the built artefact made."""

from __future__ import annotations


def test_a_clone_finds_nothing_to_do(cluster):
    assert cluster.play_in_the_checkout().found_nothing_to_do
