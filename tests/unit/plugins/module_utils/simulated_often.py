# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a simulated property is tried, and what makes that quick."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import wraps

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated import Unknowable

CASES = int(os.environ.get("ETCD_SIMULATIONS", "300"))


def simulated_often(test, cases=CASES):
    """Many times over, each with its own chances."""

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize="ETCD_SIMULATIONS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    @wraps(test)
    def simulation(rng):
        with suppress(Unknowable):
            test(rng)

    return simulation


def simulated_seldom(test):
    """What takes longer, half as many times."""
    return simulated_often(test, max(1, CASES // 2))


@pytest.fixture(autouse=True, scope="module")
def rendered_once():
    """The same files are rendered for the same host again and again: that they are takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("files", "links", "flags"):
            patch.setattr(render, name, remembering(getattr(render, name)))
        yield


def remembering(function):
    found = {}

    def remembered(wanted, *rest):
        # What the inventory says of a host is one object, kept for as long as the tests run.
        key = (wanted.member, wanted.settings["log-level"], *rest)
        if key not in found:
            found[key] = function(wanted, *rest)
        return found[key]

    return remembered
