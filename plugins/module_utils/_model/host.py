# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a host should be, what it was seen to be, and the steps between: plain data, no decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import bootstrap_source, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Sign
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import NO_PORT, AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import STATIC, Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import NO_CONTAINER, Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._model.packages import Offer
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member

# A build of somebody's own may call itself otherwise.
_RELEASE = re.compile(r"\d+\.\d+\.\d+")

# What a member says to whom it does not know once authentication is on (api/v3rpc/rpctypes/error.go), and what we say
# of the file with the user's name and password.
_LOCKED_OUT = (
    "etcdserver: user name is empty",
    "etcdserver: permission denied",
    "etcdserver: authentication failed",
    "(etcd_user_file)",
)


@dataclass(frozen=True)
class Confirmations:
    """What the operator has said in so many words, because no run does it unasked.

    :param forget: names or ids of members whose machines are gone for good.
    :param confirm: settings whose change cuts clients off, members at whose former address something else answers, a
        directory that is kept although it does not look like it, and the release of data that do not say theirs.
    :param allow_outage: a cluster of two may be without a quorum while one of them restarts.
    :param accept_mounts: hosts or members whose data were moved to other disks for good.
    :param accept_machine: hosts or members whose machine was built anew and has another machine ID.
    :param restart: hosts or members that are to be restarted once, or C(all).
    """

    forget: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    allow_outage: bool = False
    accept_mounts: tuple[str, ...] = ()
    accept_machine: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Confirmations:
        return cls(
            tuple(values["forget"]),
            tuple(values["confirm"]),
            bool(values["allow_outage"]),
            tuple(values["accept_mounts"]),
            tuple(values["accept_machine"]),
            tuple(values["restart"]),
        )


@dataclass(frozen=True)
class SnapshotPolicy:
    """How the members save snapshots of their cluster by themselves.

    :param schedule: when, as systemd.time(7) writes it; empty for never.
    :param directory: where they lie on the member that has saved them.
    :param keep: how many of the newest stay; at least 1.
    :param daily: of how many days the last one stays too.
    :param weekly: of how many weeks the last one stays too.
    :param max_hash_size: bytes of a database up to which its member is asked for etcd's hash.
    :param max_age: seconds after which the newest is reported as stale; 0 for never.
    :param after_command: a program and its arguments, run with the path of each new snapshot.
    :param metrics_file: a file for Prometheus' node_exporter, or an empty string.
    :param program: SHA256 of the program that saves them; empty where nobody has packed it.
    """

    schedule: str = ""
    directory: str = "/var/lib/etcd-snapshots"
    keep: int = 1
    daily: int = 0
    weekly: int = 0
    max_hash_size: int = 0
    max_age: int = 0
    after_command: tuple[str, ...] = ()
    metrics_file: str = ""
    program: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SnapshotPolicy:
        return cls(**{**values, "after_command": tuple(values["after_command"])})


@dataclass(frozen=True)
class Checksums:
    """What is known of the checksums of release archives beside the pinned ones.

    :param given: names of archives in C(etcd_checksums).
    :param listed: whether the C(SHA256SUMS) of the place that they are fetched from is believed.
    :param directory: C(etcd_archive_dir), where hosts fetch nothing; empty where they do.
    :param held: names of the files in it.
    """

    given: tuple[str, ...] = ()
    listed: bool = True
    directory: str = ""
    held: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Checksums:
        return cls(tuple(values["given"]), bool(values["listed"]), values["directory"], tuple(values["held"]))


@dataclass(frozen=True)
class Desired:
    """What the inventory says about one host.

    :param cluster: the cluster's name.
    :param member: its member: name, address, URLs.
    :param tls: whether clients and peers talk TLS.
    :param version: the asked version without C(v), or an empty string: the one that runs, else the default.
    :param settings: C(etcd_settings) as given, names being etcd's own.
    :param present: C(etcd_member_state): is it to be a member?
    :param snapshots: how it saves snapshots of its cluster.
    :param checksums: of which release archives a checksum can be had.
    :param upgrade_stop_at: the minor or release at which an upgrade ends for now; empty for C(version) itself.
    :param bootstrap: where the members of a new cluster learn names and URLs from.
    :param auto_tls: for which ports etcd makes the certificates itself, so that nobody is verified there.
    :param container: what it runs in, where etcd comes as an image.
    """

    cluster: str
    member: Member
    tls: bool
    version: str
    settings: Mapping[str, Any]
    layout: Layout
    present: bool = True
    said: Confirmations = Confirmations()
    snapshots: SnapshotPolicy = SnapshotPolicy()
    checksums: Checksums = Checksums()
    upgrade_stop_at: str = ""
    bootstrap: Source = STATIC
    auto_tls: AutoTls = NO_PORT
    container: Container = NO_CONTAINER

    @property
    def name(self) -> str:
        return self.member.name

    def to_dict(self) -> dict[str, Any]:
        # A named tuple is no type that Ansible keeps, and it warns of it.
        return {**asdict(self), "auto_tls": list(self.auto_tls), "bootstrap": self.bootstrap.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Desired:
        return cls(
            cluster=str(values["cluster"]),
            member=Member.from_dict(values["member"]),
            tls=bool(values["tls"]),
            version=str(values["version"]),
            settings=dict(values["settings"]),
            layout=Layout.from_dict(values["layout"]),
            present=bool(values["present"]),
            said=Confirmations.from_dict(values["said"]),
            snapshots=SnapshotPolicy.from_dict(values["snapshots"]),
            checksums=Checksums.from_dict(values["checksums"]),
            upgrade_stop_at=str(values["upgrade_stop_at"]),
            bootstrap=bootstrap_source.read(values["bootstrap"]),
            auto_tls=AutoTls(*values["auto_tls"]),
            container=Container.from_dict(values["container"]),
        )


@dataclass(frozen=True)
class Authorities:
    """The certificate authorities as the controller holds them, and what they mean for one host.

    :param place: C(etcd_pki_dir), or the names of the variables that hold them.
    :param missing: which of C(client) and C(peer) are not there.
    :param problem: why they cannot be used, or an empty string.
    :param strangers: sentences about CAs that this host trusts and the controller does not hold.
    :param renew: leaf (C(etcd), C(peer), C(admin)) -> why it must be issued; nothing for those that are good.
    :param notes: what a person should know about them.
    :param bundles: path -> SHA256 that the CA bundles on the host must have; empty while a CA is missing.
    :param doubt: why a CA that is made there would be lost, or an empty string.
    :param remedy: where it would not be.
    """

    place: str = ""
    missing: tuple[str, ...] = ()
    problem: str = ""
    strangers: tuple[str, ...] = ()
    renew: Mapping[str, Any] = field(default_factory=dict)
    bundles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    doubt: str = ""
    remedy: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Authorities:
        sequences = {name: tuple(values[name]) for name in ("missing", "strangers", "notes")}
        return cls(**{**values, **sequences})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Host:
    """One host of the inventory group as a run sees it.

    :param silent: why it gave no answer, or an empty string. No answer is never no evidence.
    :param problems: what is wrong with its variables.
    :param seen: what C(etcd_node_info) returned.
    :param skew: how far its clock is ahead of the controller's at least, in seconds; negative where it is behind.
    :param unfit: why it cannot become a member as it is, in sentences; empty where it can.
    :param heard: id of a member that is to be forgotten -> the sign of life that the controller got.
    :param inventory: by what the inventory knows it, of a host that gave no answer.
    :param outdated: why its member is neither started nor updated now, in sentences; empty where it may be.
    :param offer: which packages of etcd it is offered; None where they are not asked for.
    """

    name: str
    silent: str = ""
    problems: tuple[str, ...] = ()
    wanted: Desired | None = None
    seen: Observation = field(default_factory=Observation)
    authorities: Authorities = field(default_factory=Authorities)
    skew: float = 0.0
    heard: Mapping[str, Sign | None] = field(default_factory=dict)
    inventory: Identity | None = None
    unfit: str = ""
    outdated: str = ""
    offer: Offer | None = None

    @classmethod
    def from_observation(cls, name: str, result: Mapping[str, Any]) -> Host:
        """From what C(etcd_internal_observe) registered for a host."""
        return cls(
            name=name,
            problems=tuple(result["problems"]),
            wanted=Desired.from_dict(result["wanted"]) if result["wanted"] else None,
            seen=Observation.from_dict(result["seen"]),
            authorities=Authorities.from_dict(result["authorities"]),
            skew=result["skew"],
            heard={name: sign and Sign(**sign) for name, sign in result["heard"].items()},
            offer=Offer.from_dict(result["offer"]) if result["offer"] else None,
        )

    @property
    def label(self) -> str:
        """The host in messages: its member name, and its inventory name where that differs."""
        known = self.wanted or self.inventory
        if known is None or known.name == self.name:
            return self.name
        return f"{known.name} ({self.name})"

    @property
    def is_understood(self) -> bool:
        """Do its variables say what it should be? It is not observed otherwise. Of a silent host nobody asked."""
        return bool(self.silent) or self.wanted is not None

    @property
    def machine(self) -> tuple[str, str]:
        """What tells its machine from all others: its ID, and its boot. A clone was booted by itself."""
        return self.seen.host.machine_id, self.seen.host.boot

    @property
    def marker(self) -> Marker | None:
        return self.seen.marker

    @property
    def state(self) -> str | None:
        """The marker's state, None without a marker."""
        marker = self.marker
        return marker.state if marker else None

    @property
    def has_log(self) -> bool:
        return self.seen.data.log

    @property
    def runs(self) -> bool:
        """Does a process of this instance's unit run?"""
        return self.seen.runtime.identity.pid > 0

    @property
    def version(self) -> str:
        """The release that its process runs: by the member's own answer, else by its executable's path; empty where
        neither tells.
        """
        if not self.runs:
            return ""
        told = self.seen.status.version
        return told if _RELEASE.fullmatch(told) else self.seen.runtime.version

    def has_release(self, version: str) -> bool:
        """Is a release installed as it is wanted? One that comes as an image must have come as that very one."""
        if self.wanted is None or self.wanted.layout.install_method != CONTAINER or version not in self.seen.releases:
            return version in self.seen.releases
        return self.seen.images.get(version) == self.wanted.container.record(version)

    @property
    def masked(self) -> bool:
        """Has somebody forbidden its unit to start?"""
        return self.seen.unit.enabled in ("masked", "masked-runtime")

    @property
    def data_unusable(self) -> bool:
        """Did its data go back in time, or were they damaged, so that it ends again and again?"""
        data = self.seen.data
        return bool(data.behind or data.damaged or data.unreadable) and not self.answers

    @property
    def answers(self) -> bool:
        """Does the member answer a linearizable read of its own?"""
        return self.seen.cluster.serves

    @property
    def refuses_peers(self) -> str:
        """Why the member that runs takes no new connection of a peer; empty if it does."""
        return self.seen.refuses_peers

    @property
    def locked_out(self) -> str:
        """Why a member that runs tells us nothing although it could; empty unless it is that."""
        error = self.seen.cluster.error
        return error if any(text in error for text in _LOCKED_OUT) else ""

    @property
    def left_another(self) -> bool:
        """Was it taken out of a cluster of another name, so that nothing on it can belong to this one?"""
        marker = self.marker
        if marker is None or self.wanted is None or self.has_log or self.runs:
            return False
        return marker.state == markers.REMOVED and marker.cluster not in ("", self.wanted.cluster)

    @property
    def may_have_voted(self) -> bool:
        """Did its first start get further than a set of files: can it have voted?"""
        if self.left_another:
            return False
        marker = self.marker
        if marker is not None and marker.origin == markers.JOIN:
            return True
        return self.has_log or self.runs or self.state in markers.BEYOND_BOOTSTRAP


@dataclass(frozen=True)
class Step:
    """One act on one host.

    :param title: what a person reads: C(start etcd-host0).
    """

    host: str
    title: str
    act: Act

    @property
    def kind(self) -> str:
        return self.act.kind

    @property
    def restarts(self) -> bool:
        """Whether a process that serves is stopped for it."""
        return isinstance(self.act, Update) and self.act.restart


#: Steps of different hosts that may run side by side.
Wave = tuple[Step, ...]
