# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.processes import Process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as started:
        yield started
        started.kill()


def test_a_process_is_known_by_id_and_start(child: subprocess.Popen[bytes]) -> None:
    assert Process.of(child.pid).runs()


def test_a_process_is_ended(child: subprocess.Popen[bytes]) -> None:
    process = Process.of(child.pid)
    process.end()
    assert not process.runs()


def test_another_process_with_the_same_id_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    former = replace(Process.of(child.pid), started=1)
    former.end()
    assert not former.runs()
    assert child.poll() is None


def test_a_process_that_ignores_the_request_is_killed() -> None:
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        process = Process.of(started.pid)
        process.end(patience=0.1)
        assert not process.runs()


def test_no_process_has_an_id_beyond_all() -> None:
    with pytest.raises(ProcessLookupError):
        Process.of(2**30)
