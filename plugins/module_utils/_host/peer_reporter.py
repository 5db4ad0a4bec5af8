# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The program that reports whom this host's member can open a new peer connection to, while an act on another lasts.

A transient unit runs it, for a module ends before the act does. It answers each question of its act once, and ends when
none has been open for a while. One is open until its act ends: the start of a member between two may take long.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import link_reports
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_reports import Question
from ansible_collections.quorum.etcd.plugins.module_utils._host import local_member, peer_side, processes
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side

#: Seconds until the first question: an act waits for others' locks.
PATIENCE = 600.0

# Seconds after the last question was open, for the next act of the same run.
_BETWEEN = 30.0
# Seconds after which systemd ends one that hangs. No act lasts as long.
_AT_MOST = 86400
_ASK_TIMEOUT = 3.0

# Seconds between two looks: soon after the start and after a question another one is likely.
_OFTEN, _SELDOM, _SOON = 0.2, 1.0, 10.0

# Not by PYTHONPATH: what Ansible packs has a sitecustomize.py, which leads to where the module was.
_START = f"""\
import sys
sys.path.insert(0, sys.argv[1])
from {__name__} import main
sys.exit(main(sys.argv[2:]))
"""


def unit_of(layout: Layout, nonce: str) -> str:
    """The unit that reports under this nonce."""
    return f"quorum-etcd-report-{layout.instance}-{_short(nonce)}.service"


def launch(systemd: Systemd, layout: Layout, nonce: str) -> None:
    """Let the member of this host report from now on. One that does so already may be about to end.

    :raises HostError: the unit cannot be started.
    """
    unit = unit_of(layout, nonce)
    if systemd.show(unit)["load_state"] != "not-found":
        # It may have ended by now.
        with contextlib.suppress(HostError):
            systemd.control("stop", unit)
    properties = {
        "RuntimeMaxSec": str(_AT_MOST),
        "Description": "quorum.etcd report of new peer connections",
    }
    arguments = [_sources(layout, nonce), nonce, json.dumps(layout.to_dict())]
    systemd.run_transient(unit, properties, [sys.executable, "-c", _START, *arguments])


def _sources(layout: Layout, nonce: str) -> str:
    """Where the program finds this code once the module that has brought it is gone."""
    package = os.sep + __name__.partition(".")[0] + os.sep
    here = __file__.partition(package)[0]
    if os.path.isdir(here):
        return here
    os.makedirs(layout.run_dir, mode=0o700, exist_ok=True)
    kept = _copy_of_sources(layout, nonce)
    shutil.copyfile(here, kept)
    return kept


def _copy_of_sources(layout: Layout, nonce: str) -> str:
    return os.path.join(layout.run_dir, f"report-{_short(nonce)}.zip")


def _short(nonce: str) -> str:
    """Two nonces may begin alike."""
    return hashlib.sha256(nonce.encode()).hexdigest()[:16]


def main(arguments: Sequence[str]) -> int:
    """Report until nobody asks any more.

    :param arguments: the nonce, and the layout as JSON.
    :returns: the status of the process.
    """
    nonce, layout = arguments[0], Layout.from_dict(json.loads(arguments[1]))
    with contextlib.suppress(OSError):
        # All that it needs of them is loaded.
        os.unlink(_copy_of_sources(layout, nonce))
    report(Systemd(_run), layout, nonce)
    return 0


def report(
    systemd: Systemd,
    layout: Layout,
    nonce: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Answer every question under this nonce, until none was open for a while."""
    deadline, soon = Deadline(PATIENCE, clock), Deadline(_SOON, clock)
    answered: Question | None = None
    while deadline.left():
        with contextlib.suppress(EtcdError, OSError):
            asked = _answer_here(systemd, layout, nonce, answered)
            if asked is not None:
                deadline = Deadline(_BETWEEN, clock)
            if asked is not None and asked != answered:
                answered, soon = asked, Deadline(_SOON, clock)
        sleep(_OFTEN if soon.left() else _SELDOM)


def answer(client: Client, side: Side, nonce: str, answered: Question | None = None) -> Question | None:
    """Answer the question that is open, for one member.

    :param client: of this member alone.
    :param side: with what it opens connections.
    :param answered: the question that it answered last.
    :returns: the question, None where there is none.
    :raises EtcdError: the member does not answer, or there is no quorum.
    """
    asked = link_reports.question(client, nonce)
    if asked is not None and asked != answered:
        link_reports.answer(client, nonce, asked, *reached(client, side))
    return asked


def _answer_here(systemd: Systemd, layout: Layout, nonce: str, answered: Question | None) -> Question | None:
    # It may have been restarted since the last question.
    process = processes.describe(systemd.show(layout.unit)["pid"])
    if process is None:
        return None
    with _client(layout, process) as client:
        return answer(client, peer_side.of_running(layout, process), nonce, answered)


def observe_peers(systemd: Systemd, layout: Layout) -> tuple[str, dict[str, str]]:
    """Whom the member of this host can open a new connection to.

    :returns: its id, and what C(peer_port.failures) says of the others; both empty where it does not answer.
    """
    process = processes.describe(systemd.show(layout.unit)["pid"])
    if process is not None:
        with contextlib.suppress(EtcdError), _client(layout, process) as client:
            return reached(client, peer_side.of_running(layout, process))
    return "", {}


def _client(layout: Layout, process: Process) -> Client:
    listening = process.environment.get("ETCD_LISTEN_CLIENT_URLS", "http://127.0.0.1:2379")
    own = urls.local(listening.split(","))
    return Client([own], local_member.credentials(layout), _ASK_TIMEOUT)


def reached(client: Client, side: Side) -> tuple[str, dict[str, str]]:
    """Whom a member can open a new connection to.

    :param client: of this member alone.
    :returns: its id, and what C(peer_port.failures) says of the others.
    :raises EtcdError: it does not answer.
    """
    status, members = client.status(), client.member_list(linearizable=False).members
    others = [one for one in members if one.id != status.member_id]
    return status.member_id, peer_port.failures(others, side, status.cluster_id)


def _run(arguments: Sequence[str]) -> Result:
    # There is no module here whose run_command it could be.
    words = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        list(arguments), capture_output=True, text=True, check=False, env=words
    )
    return Result(done.returncode, done.stdout, done.stderr)
