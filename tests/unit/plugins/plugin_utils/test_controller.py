# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of this controller are told apart, and those that have ended are known."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from ansible_collections.quorum.etcd.plugins.plugin_utils import _controller


def test_a_person_has_a_name_and_a_controller():
    user, _at, node = _controller.person().partition("@")
    assert (bool(user), node) == (True, platform.node())


def test_a_run_is_the_parent_of_who_asks():
    assert _controller.run().startswith(f"{os.getppid()} started ")
    assert not _controller.has_ended(_controller.run())


def test_a_run_that_has_ended_is_known_and_so_is_another_one_that_has_its_number():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        run = _controller.run(child.pid)
        assert not _controller.has_ended(run)
    assert _controller.has_ended(run)
    now = _controller.run(os.getpid())
    assert _controller.has_ended(now.replace("started ", "started 1"))


def test_of_a_run_elsewhere_and_of_what_is_none_nobody_knows():
    assert not _controller.has_ended("1 started 1 on another-controller")
    assert not _controller.has_ended("somebody")


@pytest.mark.parametrize("boot", ["another-machine pid:[1]", "this-machine pid:[2]"])
def test_of_a_run_in_another_container_or_on_another_machine_of_the_same_name_nobody_knows(monkeypatch, boot):
    monkeypatch.setattr(_controller, "boot", lambda: "this-machine pid:[1]")
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        run = _controller.run(child.pid)
    assert _controller.has_ended(run)
    monkeypatch.setattr(_controller, "boot", lambda: boot)
    assert not _controller.has_ended(run)
