# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A cluster of three on one machine, to try etcd on: what its directory remembers, and how each member is started."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases

#: As the guides call them, in the order of their ports.
NAMES = ("etcd0", "etcd1", "etcd2")

#: Client port of the first member; the guides have 12379, 22379 and 32379, and peer ports one above.
FIRST_PORT = 12379
_APART = 10000
_LAST = 65535 - _APART * (len(NAMES) - 1) - 1
# Below it a port is root's.
_LEAST = 1024

ADDRESS = "127.0.0.1"
USUAL_PLACE = "~/.etcd-playground"

#: In the playground: what makes it one.
MARKER = "playground.json"
#: In the data directory of a member that has never made a log.
NEW = "never-started"
#: In the playground, made by the playbook: the certificates that its members and their clients use.
CERTIFICATES = "tls"

_FORMAT = 1
_PLAYBOOK = "ansible-playbook quorum.etcd.local"


@dataclass(frozen=True)
class Member:
    """One of the three.

    :param place: the directory of the playground.
    """

    name: str
    place: str
    client_port: int
    scheme: str

    @property
    def ports(self) -> tuple[int, int]:
        return self.client_port, self.client_port + 1

    @property
    def client_url(self) -> str:
        return f"{self.scheme}://{ADDRESS}:{self.ports[0]}"

    @property
    def peer_url(self) -> str:
        return f"{self.scheme}://{ADDRESS}:{self.ports[1]}"

    @property
    def data_dir(self) -> str:
        return posixpath.join(self.place, self.name)

    @property
    def pid_file(self) -> str:
        return posixpath.join(self.place, f"{self.name}.pid")

    @property
    def log(self) -> str:
        return posixpath.join(self.place, f"{self.name}.log")

    @property
    def database(self) -> str:
        return posixpath.join(self.data_dir, "member", "snap", "db")


@dataclass(frozen=True)
class Playground:
    """What the directory remembers.

    :param place: the directory, absolute and without links. The marker does not say it.
    :param id: random; the token of the cluster has it, too.
    :param release: the directory of etcd's programs in it, called like their archive.
    :param port: the client port of the first member.
    :param is_leaving: it is being removed.
    """

    place: str
    id: str
    version: str
    release: str
    port: int
    tls: bool
    is_leaving: bool = False

    @property
    def members(self) -> list[Member]:
        scheme = "https" if self.tls else "http"
        return [Member(name, self.place, self.port + _APART * at, scheme) for at, name in enumerate(NAMES)]

    @property
    def endpoints(self) -> list[str]:
        return [member.client_url for member in self.members]

    @property
    def marker_file(self) -> str:
        return posixpath.join(self.place, MARKER)

    @property
    def release_dir(self) -> str:
        return posixpath.join(self.place, self.release)

    @property
    def executable(self) -> str:
        return posixpath.join(self.release_dir, "etcd")

    @property
    def client_files(self) -> dict[str, str]:
        """What a client is given, by the names of etcdctl's flags; nothing without TLS."""
        names = {"cacert": "ca.pem", "cert": "client.pem", "key": "client-key.pem"} if self.tls else {}
        return {flag: self._certificate(file) for flag, file in names.items()}

    def _certificate(self, file: str) -> str:
        return posixpath.join(self.place, CERTIFICATES, file)

    @property
    def _member_files(self) -> dict[str, str]:
        """The same of a member, by the names of etcd's flags."""
        names = {
            "cert-file": "server.pem",
            "key-file": "server-key.pem",
            "trusted-ca-file": "ca.pem",
            "peer-cert-file": "peer.pem",
            "peer-key-file": "peer-key.pem",
            "peer-trusted-ca-file": "peer-ca.pem",
        }
        return {flag: self._certificate(file) for flag, file in names.items()} if self.tls else {}

    @property
    def certificate_files(self) -> list[str]:
        """All that must be there before a member starts."""
        return sorted({*self.client_files.values(), *self._member_files.values()})

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which etcdctl needs no flags."""
        files = {f"ETCDCTL_{flag.upper()}": path for flag, path in self.client_files.items()}
        return {"ETCDCTL_ENDPOINTS": ",".join(self.endpoints), **files}

    def commands(self, usual_place: str) -> list[str]:
        """Lines for a shell: how to begin, and how to end."""
        exports = [f"export {name}={value}" for name, value in self.environment.items()]
        return [
            f"export PATH={self.release_dir}:$PATH",
            *exports,
            "etcdctl member list -w table",
            "etcdctl endpoint status -w table",
            "etcdctl put foo 'Hello World'",
            "etcdctl get foo",
            f"{command(self, usual_place, 'absent')}   # removes it all",
        ]

    def command_line(self, member: Member, is_new: bool) -> list[str]:
        """A program and its arguments.

        :param is_new: it starts for the first time. Later nothing is said of the others: should its data be gone by
            then, etcd ends instead of coming back empty.
        """
        settings = {
            "name": member.name,
            "data-dir": member.data_dir,
            "listen-client-urls": member.client_url,
            "advertise-client-urls": member.client_url,
            "listen-peer-urls": member.peer_url,
            "initial-advertise-peer-urls": member.peer_url,
            "initial-cluster-state": "new" if is_new else "existing",
        }
        if is_new:
            settings["initial-cluster"] = ",".join(f"{one.name}={one.peer_url}" for one in self.members)
            settings["initial-cluster-token"] = f"playground-{self.id}"
        settings.update(self._member_files)
        if self.tls:
            settings.update({"client-cert-auth": "true", "peer-client-cert-auth": "true"})
        return [self.executable, *(f"--{name}={value}" for name, value in settings.items())]

    def leaving(self) -> Playground:
        return replace(self, is_leaving=True)

    def at_port(self, port: int) -> Playground:
        """Return it with other ports; with the first ones again where it would leave those that there are."""
        return replace(self, port=port if port <= _LAST else _LEAST)


@dataclass(frozen=True)
class Request:
    """What is asked for; None for what the playground that is there has, or a new one gets by default."""

    place: str
    version: str | None = None
    port: int | None = None
    tls: bool | None = None

    def new(self, identity: str, machine: str, system: str) -> Playground:
        """Return a playground that is not there yet.

        :param identity: a random text.
        :param machine: as the kernel names it, like C(system).
        :raises BadInput: no such port, or no such release for this machine.
        """
        version = releases.plain(self.version or releases.DEFAULT_VERSION)
        releases.check_version(version)
        port = FIRST_PORT if self.port is None else self.port
        check_port(port)
        release = releases.directory(releases.archive(version, machine, system))
        return Playground(self.place, identity, version, release, port, bool(self.tls))

    def is_met_by(self, found: Playground) -> bool:
        return self.wanted_of(found) == found

    def check(self, found: Playground, usual_place: str) -> None:
        """See that the playground that is there is the one that is asked for.

        :raises Refused: it was made with other settings.
        """
        wanted = self.wanted_of(found)
        said = [
            f"{name} {there}, and {asked} is asked for"
            for name, there, asked in (
                ("etcd", found.version, wanted.version),
                ("port", found.port, wanted.port),
                ("TLS", found.tls, wanted.tls),
            )
            if asked != there
        ]
        if said:
            raise Refused(
                f"The playground in {found.place} was made with {'; with '.join(said)}.",
                "Its data are those of another cluster.",
                f"Remake it, which loses what is in it: {remake(wanted, usual_place)}",
                code="playground-settings",
            )

    def wanted_of(self, found: Playground) -> Playground:
        """Return the playground that is there with what is asked for in its place."""
        return replace(
            found,
            version=releases.plain(self.version or found.version),
            port=found.port if self.port is None else self.port,
            tls=found.tls if self.tls is None else self.tls,
        )


@dataclass(frozen=True)
class State:
    """A member, as it was seen.

    :param pid: of its process, 0 where none runs that is ours.
    :param has_log: there is a write-ahead log.
    :param is_new: no run has seen it serve yet.
    :param was_started: a process was made for it.
    :param user: another process that has its data open: what it is, for a message.
    """

    member: Member
    pid: int = 0
    has_log: bool = False
    is_new: bool = False
    was_started: bool = False
    user: str = ""


def check_port(port: int) -> None:
    """See that all ports of a playground are some that a user may have.

    :raises BadInput: they are not.
    """
    if not _LEAST <= port <= _LAST:
        raise BadInput(
            f"etcd_playground_port is {port}. Its members use PORT and PORT+1, and the same {_APART} and "
            f"{2 * _APART} above: give a number from {_LEAST} to {_LAST}, such as {FIRST_PORT}."
        )


def check_data(playground: Playground, states: Sequence[State], usual_place: str) -> None:
    """See that each member has its data, or never had any.

    One that ended before it made a log may try again while no other has one either. Else it may have voted, whatever
    became of the run that started it.

    :raises Refused: the data of one are gone.
    """
    is_begun = any(state.has_log for state in states)
    without = [state for state in states if not state.has_log]
    # One that runs is about to make its log.
    ended = [state for state in without if is_begun and state.was_started and not state.pid]
    lost = [state.member.name for state in without if not state.is_new or state in ended]
    if lost:
        raise Refused(
            f"The data of {', '.join(lost)} are missing in {playground.place}, and it was started before.",
            "Started empty it would vote again about writes that it has acknowledged, and they could be lost.",
            f"Remake the playground, which loses what is in it: {remake(playground, usual_place)}",
            code="playground-data",
        )


def check_users(playground: Playground, states: Sequence[State]) -> None:
    """See that no process has the data of a member open that was not started for this playground.

    :raises Refused: one has.
    """
    for state in states:
        if state.user:
            raise Refused(
                f"{state.user} has the data of {state.member.name} open in {playground.place}, and is none that this "
                "playground has started: PID, start time, executable and data directory do not all agree.",
                "It was left as it is. Two processes on one directory spoil it, and so does its removal.",
                f"See what it is: lsof {state.member.database}; stop it, then run again.",
                code="playground-process",
            )


def remake(playground: Playground, usual_place: str) -> str:
    """The commands that remove a playground and make it anew."""
    return f"{command(playground, usual_place, 'absent')} && {command(playground, usual_place)}"


def command(playground: Playground, usual_place: str, state: str = "present") -> str:
    """The command that makes, or removes, just this playground."""
    given: dict[str, Any] = {"etcd_playground": state} if state != "present" else {}
    if playground.place != usual_place:
        given["etcd_playground_dir"] = playground.place
    if state == "present":
        if playground.version != releases.DEFAULT_VERSION:
            given["etcd_version"] = playground.version
        if playground.port != FIRST_PORT:
            given["etcd_playground_port"] = playground.port
        if playground.tls:
            given["etcd_playground_tls"] = "true"
    return " ".join([_PLAYBOOK, *(f"-e {name}={value}" for name, value in given.items())])


def render(playground: Playground) -> str:
    """The marker's text."""
    known = asdict(playground)
    del known["place"]
    return f"{json.dumps({'format': _FORMAT, **known}, indent=2)}\n"


def parse(place: str, text: str) -> Playground | None:
    """Read a marker.

    :param place: of the directory that has it.
    :returns: None where it is none of ours, or of a later release.
    """
    try:
        known = json.loads(text)
        if not isinstance(known, Mapping) or known.get("format") != _FORMAT or not known.get("id"):
            return None
        return Playground(place=place, **{name: value for name, value in known.items() if name != "format"})
    except (ValueError, TypeError):
        return None
