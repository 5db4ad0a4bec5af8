# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release server: gives the hosts of a lab the archives in the cache, as upstream gives them to the world."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from lab.commands import LabError
from lab.engine import Engine
from lab.paths import CHECKOUT, RELEASES
from lab.processes import Process
from lab.state import Lab, Server


def serve(address: str, port: int) -> None:
    """Serve the release cache until ended. The first line printed is the process id and the port.

    :param port: 0 for any that is free.
    """
    RELEASES.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(RELEASES))
    with ThreadingHTTPServer((address, port), handler) as server:
        print(os.getpid(), server.server_port, flush=True)
        server.serve_forever()


def ensure_server(engine: Engine, lab: Lab) -> None:
    """Start the lab's server in the background where it does not run; a second one takes the port of the first.

    The gateway's address exists only while a container is on the network, so hosts come first.

    :raises LabError: it does not start.
    """
    if lab.server and lab.server.process.runs():
        return
    port = lab.server.port if lab.server else 0
    log = lab.directory / "server.log"
    command = [sys.executable, "-m", "lab", "--name", lab.name, "serve", lab.placed.gateway, str(port)]
    with log.open("ab") as words:
        started = subprocess.Popen(
            engine.in_network(command),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            start_new_session=True,
        )
    assert started.stdout is not None
    with started.stdout:
        answer = started.stdout.readline().split()
    if len(answer) != 2:
        raise LabError(f"The release server did not start; {log} says why.")
    lab.server = Server(int(answer[1]), Process.of(int(answer[0])))


def stop_server(lab: Lab) -> None:
    if lab.server:
        lab.server.process.end()
        lab.server = None


def url(lab: Lab) -> str:
    """Where hosts find the releases.

    :raises LabError: the lab has no server.
    """
    if lab.server is None:
        raise LabError(f"Lab {lab.name} is not up: run `python3 -m lab --name {lab.name} up`.")
    return f"http://{lab.placed.gateway}:{lab.server.port}"
