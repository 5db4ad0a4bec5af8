# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real etcd processes on loopback."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from authority import Authority, Pair

EVERY_VERSION = ["3.4.23", "3.5.33", "3.6.14", "3.7.1"]
#: That of new clusters.
DEFAULT_VERSION = "3.6.14"

REPOSITORY = Path(__file__).resolve().parents[2]
READY_WITHIN = 30.0
_WRITERS = 8


def binary(version: str, name: str = "etcd") -> str:
    """The path of an etcd program of one version, fetched or built beforehand."""
    path = REPOSITORY / ".cache" / "releases" / "bin" / f"v{version}" / name
    assert path.exists(), f"{path} is missing: make it with `python3 -m lab releases {version}`"
    return str(path)


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def ports_of_worker(first: int, count: int, worker: int = _WORKER) -> range:
    """Those of one of ten workers, from C(first) on. None is one that the kernel gives to clients.

    A client could take a member's while it restarts.
    """
    begin = first + count * (worker % 10)
    return range(begin, begin + count)


#: The first port of clusters, and how many a worker has.
PORTS = 16000, 700
_PORTS = itertools.cycle(ports_of_worker(*PORTS))


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """TCP ports that nobody listens on now, and nobody else will soon."""
    return list(itertools.islice((port for port in _PORTS if _is_free(port, address)), count))


def _is_free(port: int, address: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        try:
            one.bind((address, port))
        except OSError:
            return False
    return True


def own_address() -> str:
    """By which others would reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        tried.connect(("192.0.2.1", 9))
        return str(tried.getsockname()[0])


@dataclass
class Tls:
    """The certificates of a cluster: one CA, one pair for all members, one client."""

    authority: Authority
    server: Pair
    client: Pair

    @classmethod
    def make(cls, directory: Path) -> Tls:
        authority = Authority(directory)
        return cls(authority, authority.issue("server"), authority.issue("client", hosts=(), common_name="root"))

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.authority.path, self.client.cert, self.client.key)


@dataclass
class Member:
    """One member: its URLs and its process."""

    name: str
    client_url: str
    peer_url: str
    directory: Path
    process: subprocess.Popen[bytes] | None = None
    extra: list[str] = field(default_factory=list)


def switch_authentication_on(client: Client, user: str, password: str) -> None:
    """Nobody but this user, who may do everything, is answered from now on."""
    client.call("Auth.UserAdd", {"name": user, "password": password})
    client.call("Auth.RoleAdd", {"name": "root"})
    client.call("Auth.UserGrantRole", {"user": user, "role": "root"})
    client.call("Auth.AuthEnable")


class Cluster:
    """A cluster of one version.

    :param tls: certificates; a plain cluster without them.
    :param client_auth: whether clients need a certificate.
    :param extra: further flags of every member.
    :param names: of the members, in place of C(size).

    A test that switches authentication on says so in C(guarded), and in C(login) if a password is needed from then on.
    """

    def __init__(
        self,
        directory: Path,
        version: str,
        size: int = 1,
        tls: Tls | None = None,
        client_auth: bool = True,
        address: str = "127.0.0.1",
        extra: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> None:
        names = names or [f"m{at}" for at in range(size)]
        self.version = version
        self.tls = tls
        self.guarded = False
        self.login: tuple[str, str] | None = None
        self._client_auth = client_auth
        self._learners: list[Member] = []
        scheme = "https" if tls else "http"
        host = f"[{address}]" if ":" in address else address
        ports = free_ports(2 * len(names), address)
        self.members = [
            Member(
                name,
                f"{scheme}://{host}:{ports[2 * at]}",
                f"http://{host}:{ports[2 * at + 1]}",
                directory / f"m{at}",
                extra=list(extra),
            )
            for at, name in enumerate(names)
        ]

    @property
    def endpoints(self) -> list[str]:
        return [member.client_url for member in self.members]

    @property
    def credentials(self) -> Credentials:
        credentials = self.tls.credentials if self.tls else Credentials()
        return credentials._replace(username=self.login[0], password=self.login[1]) if self.login else credentials

    def client(self, timeout: float = 10.0, **credentials: str) -> Client:
        return Client(self.endpoints, self.credentials._replace(**credentials), timeout)

    def launch(self, member: Member) -> None:
        """Start a process with its settings in its environment, as a unit does, without waiting for anything."""
        settings = {
            "name": member.name,
            "data-dir": str(member.directory),
            "listen-client-urls": member.client_url,
            "advertise-client-urls": member.client_url,
            "listen-peer-urls": member.peer_url,
            "initial-advertise-peer-urls": member.peer_url,
            "initial-cluster": ",".join(f"{one.name}={one.peer_url}" for one in self.members),
        }
        if self.tls:
            settings |= {
                "cert-file": self.tls.server.cert,
                "key-file": self.tls.server.key,
                "trusted-ca-file": self.tls.authority.path,
                "client-cert-auth": str(self._client_auth).lower(),
            }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
        environment |= {f"ETCD_{name.upper().replace('-', '_')}": value for name, value in settings.items()}
        log = member.directory.with_suffix(".log").open("ab")
        with log:
            member.process = subprocess.Popen(
                [binary(self.version), *member.extra], stdout=log, stderr=log, env=environment
            )

    def start(self) -> Cluster:
        """Start every member and wait until each answers a linearizable read."""
        for member in self.members:
            self.launch(member)
        for member in self.members:
            self.wait_for(member)
        return self

    def add(self, name: str) -> Member:
        """Add a learner, start it and wait until it answers."""
        template = self.members[0]
        urls = [
            f"{url.rpartition(':')[0]}:{port}"
            for url, port in zip((template.client_url, template.peer_url), free_ports(2))
        ]
        learner = Member(
            name, urls[0], urls[1], template.directory.with_name(name), extra=["--initial-cluster-state=existing"]
        )
        with self.client() as client:
            client.member_add([learner.peer_url])
        self.members.append(learner)
        self.launch(learner)
        with Client([learner.client_url, *self.endpoints], self.credentials, 2.0) as client:
            self._until(learner, lambda: client.status(learner.client_url).is_learner)
        self.members.remove(learner)
        self._learners.append(learner)
        return learner

    def lengthen_log(self, entries: int) -> None:
        """Let the members agree on so many entries, which change nothing."""
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(self._lengthen_log, [entries // _WRITERS + 1] * _WRITERS))

    def _lengthen_log(self, entries: int) -> None:
        with self.client() as client:
            for _entry in range(entries):
                queries.lengthen_log(client)

    def lead(self, member: Member) -> None:
        """Make a member the leader, so that the loss of another one is not felt."""
        with self.client() as client:
            ids = {one.name: one.id for one in client.member_list().members}
            client.move_leader(ids[member.name])

    def agree_on_a_version(self) -> None:
        """Wait until all know the cluster's version, on which they agree some time after their start."""
        for member in self.members:
            self._until(member, lambda url=f"{member.client_url}/version": self._knows_its_version(url))

    @staticmethod
    def _knows_its_version(url: str) -> None:
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            if json.load(answer)["etcdcluster"] == "not_decided":
                raise TransportError(url, "the cluster's version is not decided.")

    def wait_for(self, member: Member) -> None:
        """Wait until a member answers a linearizable read."""
        with Client([member.client_url], self.credentials, 2.0) as client:
            self._until(member, lambda: client.read("ready"))

    def _until(self, member: Member, question: Callable[[], object]) -> None:
        end = time.monotonic() + READY_WITHIN
        while True:
            try:
                question()
                return
            except EtcdError as exc:
                assert member.process is not None and member.process.poll() is None, self.log(member)
                assert time.monotonic() < end, f"{exc}\n{self.log(member)}"
                time.sleep(0.05)

    def pause(self, member: Member) -> None:
        """Stop a process where it is, without its peers being told."""
        assert member.process is not None
        member.process.send_signal(signal.SIGSTOP)
        # The signal is on its way only; one of its threads may still answer.
        os.waitid(os.P_PID, member.process.pid, os.WSTOPPED)

    def end(self, member: Member, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process, and wait until it is gone."""
        if member.process is None:
            return
        member.process.send_signal(signal.SIGCONT)
        member.process.send_signal(number)
        member.process.wait()
        member.process = None

    def stop(self) -> None:
        for member in [*self.members, *self._learners]:
            self.end(member)

    def log(self, member: Member) -> str:
        return member.directory.with_suffix(".log").read_text(errors="replace")[-4000:]
