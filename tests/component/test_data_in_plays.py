# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on data and the examples of its modules, run as people run them; and a play that is killed under a lock."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import REPOSITORY, Cluster
from machine import Machine

MakeCluster = Callable[..., Cluster]

PLUGINS = "ansible_collections.quorum.etcd.plugins"
MODULES = ["etcd_key", "etcd_key_info", "etcd_txn", "etcd_lease", "etcd_lock", "etcd_watch_info"]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / "data.md").read_text(), re.DOTALL)


class Controller:
    """Runs plays on this machine, whose etcd stands where the examples expect one."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        self.cluster = cluster
        self._directory = directory
        self._book = directory / "play.yml"

    def start(self, text: str, *options: str) -> subprocess.Popen[str]:
        port = self.cluster.endpoints[0].rpartition(":")[2]
        self._book.write_text(re.sub(r"\b2379\b", port, text))
        command = [
            Path(sys.executable).with_name("ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "--diff",
            "-v",
        ]
        return subprocess.Popen(
            [*command, *options, self._book],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("ETCD")},
                "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
                "ANSIBLE_HOME": str(self._directory / "ansible"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, text: str, *options: str) -> str:
        with self.start(text, *options) as process:
            output, _nothing = process.communicate(timeout=600)
        assert process.returncode == 0, output
        return output

    def keys(self, prefix: str) -> list[bytes]:
        with self.cluster.client() as client:
            return [one["key"] for one in client.read(prefix, prefix=True)["kvs"]]


@pytest.fixture
def controller(version: str, make_cluster: MakeCluster, tmp_path: Path) -> Controller:
    return Controller(tmp_path, make_cluster(version))


def test_the_plays_of_the_page_run(controller: Controller) -> None:
    """Foreseen first, when nothing is there; and the second time only what is new each time is a change."""
    page = "".join(BLOCKS)
    assert len(BLOCKS) == 5
    controller.run(page, "--check")
    assert controller.keys("") == []
    outputs = [controller.run(page), controller.run(page)]
    new = {"Grant a lease", "Announce it", "Be done", "Acquire the lock", "Prepare", "Migrate", "Release the lock"}
    changed = re.findall(r"^TASK \[(.*?)\] \*+\n(?:(?!TASK|PLAY).*\n)*?changed:", outputs[1], re.MULTILINE)
    assert [name for name in changed if not name.startswith(tuple(new))] == [], outputs[1]
    assert "was lost" not in "".join(outputs)
    assert controller.keys("/locks/") == []
    assert controller.keys("/app/") == [b"/app/active", b"/app/config", b"/app/password", b"/app/previous"]


def test_the_examples_of_the_modules_run(controller: Controller) -> None:
    names = [f"{PLUGINS}.modules.{name}" for name in MODULES]
    texts = [importlib.import_module(name).EXAMPLES for name in (*names, f"{PLUGINS}.lookup.kv")]
    tasks: list[dict[str, Any]] = [task for text in texts for task in yaml.safe_load(text)]
    here = [task for task in tasks if "https://" not in json.dumps(task)]
    assert len(here) == len(tasks) - 1
    with controller.cluster.client() as client:
        client.put("/app/active", "blue")
        client.put("/app/config", '{"replicas": 3}')
        client.put("/app/old/1", "x")
    output = controller.run(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": here}]))
    assert '"msg": "3"' in output or '"msg": 3' in output
    assert controller.keys("/app/old/") == []


HOLD = """
- name: Hold a lock
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Acquire the lock
      quorum.etcd.etcd_lock:
        endpoints: [http://127.0.0.1:2379]
        name: /locks/x
        ttl: 2
        holder: a play
    - name: Take long
      ansible.builtin.command: sleep {seconds}
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None], ids=["killed", "ended", "done"])
def test_a_lock_that_is_not_released_goes_with_its_play(controller: Controller, how: signal.Signals | None) -> None:
    with controller.start(HOLD.format(seconds=5 if how is None else 30)) as play:
        end = time.monotonic() + 60.0
        while not controller.keys("/locks/x/"):
            assert time.monotonic() < end
            time.sleep(0.1)
        begin = time.monotonic()
        while time.monotonic() - begin < 4.0:
            assert len(controller.keys("/locks/x/")) == 1
            time.sleep(0.2)
        if how is not None:
            play.send_signal(how)
        end = time.monotonic() + 60.0
        while controller.keys("/locks/x/"):
            assert time.monotonic() < end
            time.sleep(0.2)


def test_hosts_need_nothing_but_their_python(machine: Machine, version: str, make_cluster: MakeCluster) -> None:
    """With the oldest one that they may have."""
    endpoints = make_cluster(version).endpoints
    assert machine.task("etcd_key", endpoints=endpoints, key="/app/a", value="1").changed
    assert machine.task("etcd_key_info", endpoints=endpoints, key="/app/a").result["count"] == 1
    assert machine.task("etcd_txn", endpoints=endpoints, then=[{"put": "/app/a", "value": "2"}]).changed
    assert machine.task("etcd_watch_info", endpoints=endpoints, key="/app/a", value="2").result["entry"]["version"] == 2
    assert machine.task("etcd_lease", endpoints=endpoints, ttl=60).result["ttl"] == 60
    lock = machine.task("etcd_lock", endpoints=endpoints, name="/locks/x", wait=0).result
    assert lock["ends_with_play"]
    released = machine.task("etcd_lock", endpoints=endpoints, name="/locks/x", state="released", lease=lock["lease"])
    assert released.changed
