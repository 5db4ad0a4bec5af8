# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of the members: seen from outside, and from the files and units of their hosts."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import MemberList
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from machines import Machines

MARKER = "/var/lib/quorum.etcd/etcd/marker"
REFUSED = "/run/quorum.etcd/etcd/refused"
#: The cluster's lock, and the seconds of its lease.
LOCK = "/quorum.etcd/turn"
LEASE = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict:
    """The writer's figures.

    :param failed: writes that a client would have given up.
    :param stall: the longest time without an acknowledged write, in seconds.
    """

    acknowledged: int
    failed: int
    stall: float

    @classmethod
    def of(cls, said: str) -> Verdict:
        """From what C(lab writer verify) says."""
        pairs = dict(line.split(": ", 1) for line in said.splitlines())
        return cls(int(pairs["acknowledged"]), int(pairs["failed"]), float(pairs["longest stall"].split()[0]))


class Members:
    """The members on some hosts, with TLS, each called like its host.

    :param directory: for the administrator's certificate, and the records of writes.
    """

    def __init__(self, machines: Machines, directory: Path) -> None:
        self._machines = machines
        self._directory = directory
        self._records: list[Path] = []

    def are_one_healthy_cluster(self, hosts: Sequence[str] = ()) -> None:
        """Every host's member serves, all say the same of the one cluster they are, and each host knows which it is.

        :param hosts: those that are to be members, if not all.
        """
        views = {host: self.awaited(host) for host in hosts or self._machines.names}
        assert len({view.cluster_id for view in views.values()}) == 1, views
        assert len({view.member_id for view in views.values()}) == len(views), views
        for view in views.values():
            assert sorted(member.name for member in view.members) == sorted(views), view
            assert not any(member.is_learner for member in view.members), view
        for writer, reader in itertools.permutations(views, 2):
            self._written_by_one_is_read_by_another(writer, reader)
        for host, view in views.items():
            marker = self.marker(host)
            assert marker["STATE"] == "started", (host, marker)
            assert marker["CLUSTER_ID"] == view.cluster_id, (host, marker)
            assert marker["MEMBER_ID"] == view.member_id, (host, marker)
            assert self._unit(host)["UnitFileState"] == "enabled", host
            assert self._leftovers_of_the_first_start(host) == [], host

    def awaited(self, host: str, seconds: float = 60) -> MemberList:
        """The member list as this member gives it once it serves.

        A linearizable answer: a quorum of its cluster agrees.
        """
        with self.client(host) as client:
            return patiently(lambda: client.member_list(endpoint=self._endpoint(host)), seconds)

    def are_gone_from(self, hosts: Iterable[str]) -> None:
        """Hosts that left, or never were members, run nothing, start nothing at a boot, and hold no data in use."""
        for host in hosts:
            assert self.processes(host) == [], host
            # What systemctl show says may be what was true at the last reload.
            assert self._machines.run(host, "systemctl is-enabled etcd 2>/dev/null || :").strip() != "enabled", host
            assert self._machines.run(host, "ls /var/lib/etcd/member 2>/dev/null || :") == "", host
            assert self._machines.run(host, f"grep ^STATE= {MARKER} || :").strip() in ("", "STATE=removed"), host

    def leader(self, hosts: Sequence[str], seconds: float = 60) -> str:
        """The host whose member leads, once one does."""

        def look() -> str:
            for host in hosts:
                with self.client(host) as client:
                    if client.status(self._endpoint(host)).is_leader:
                        return host
            raise AssertionError("nobody leads")

        return patiently(look, seconds)

    def lead(self, host: str, hosts: Sequence[str]) -> None:
        """From now on the member on this host is the leader."""
        while self.leader(hosts) != host:
            with self.client(host) as own, self.client(self.leader(hosts)) as leader:
                leader.move_leader(own.status().member_id)

    def lock(self, host: str) -> str:
        """Who holds the cluster's lock, as this member tells; empty if nobody does."""
        with self.client(host) as client:
            return "".join(pair["value"].decode() for pair in client.read(LOCK)["kvs"])

    def leave_no_lock(self, host: str) -> None:
        """Whoever was killed while it held the cluster's lock keeps it no longer than its lease."""

        def look() -> None:
            assert self.lock(host) == ""

        patiently(look, 2 * LEASE)

    def were_down_one_at_a_time(self, hosts: Iterable[str]) -> None:
        """Each was restarted, and went down last only while all others were up.

        The hosts are containers: their monotonic clocks are one.
        """
        outages = []
        for host in hosts:
            unit = _pairs(self._machines.run(host, "systemctl show etcd"))
            down, up = (int(unit[f"{moment}TimestampMonotonic"]) for moment in ("ActiveExit", "ActiveEnter"))
            assert 0 < down < up, (host, down, up)
            outages.append((down, up, host))
        for (_, up, _), (down, _, _) in itertools.pairwise(sorted(outages)):
            assert up < down, outages

    def none_has_started(self) -> None:
        """Nowhere is there an etcd, or anything that one has written."""
        for host in self._machines.names:
            assert self.processes(host) == [], host
            assert self.logs(host, "/var/lib/etcd") == [], host

    def is_kept_down(self, host: str, data_dir: str, *sayings: str, logs: Sequence[str] = ()) -> None:
        """The gate refuses, again and again, says why once, and what to do.

        :param logs: the files of write-ahead logs that lie below the data directory, all of them.
        """
        unit = patiently(lambda: self._tried_again(host), 60)
        assert unit["ActiveState"] != "active", unit
        assert unit["MainPID"] == "0", unit
        assert self.processes(host) == []
        assert self.logs(host, data_dir) == list(logs)
        reason = self._machines.run(host, f"cat {REFUSED}").strip()
        for saying in sayings:
            assert saying in reason, f"not said: {saying}\nsaid: {reason}"
        journal = self._machines.run(host, "journalctl --unit etcd --output cat --no-pager").splitlines()
        assert journal.count(f"quorum.etcd gate: this member is not started. {reason}") == 1, journal

    def marker(self, host: str) -> dict[str, str]:
        """What the host remembers of its member."""
        return _pairs(self._machines.run(host, f"cat {MARKER}"))

    def processes(self, host: str) -> list[str]:
        """The processes called etcd, by id."""
        return self._machines.run(host, "pgrep -x etcd || true").split()

    def logs(self, host: str, data_dir: str) -> list[str]:
        """The files of write-ahead logs below a directory."""
        return self._machines.run(host, f"find {data_dir} -name '*.wal'").split()

    def with_release(self, version: str, hosts: Iterable[str]) -> list[str]:
        """The hosts whose processes run a release; none where it is empty."""
        asked = f"readlink /proc/$(pgrep -x etcd | head -1)/exe | grep -F /etcd-v{version}- || :"
        return [host for host in hosts if version and self._machines.run(host, asked).strip()]

    def versions(self, hosts: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The release of each member, and the version of its storage."""
        found = {}
        for host in hosts:
            with self.client(host) as client:
                status = client.status(self._endpoint(host))
                found[host] = (status.version, status.storage_version)
        return found

    def hold_the_same_keys(self, hosts: Sequence[str]) -> None:
        """The hash of all keys is the same on every member, at one revision."""

        def look() -> None:
            hashes = {}
            with self.client(hosts[0]) as client:
                revision = client.status(self._endpoint(hosts[0])).revision
            for host in hosts:
                with self.client(host) as client:
                    found = client.hash_kv(revision, self._endpoint(host))
                    hashes[host] = (found["hash"], found["compact_revision"])
            assert len(set(hashes.values())) == 1, hashes

        patiently(look, 30)

    def write(self, hosts: Iterable[str], seconds: float = 1.0) -> None:
        """Write by way of these members for a while, and record what was acknowledged."""
        record = self._directory / f"record{len(self._records)}"
        arguments = ["--record", str(record), "--endpoints", self._endpoints(hosts), *self._options]
        self._machines.writer("run", "--seconds", str(seconds), *arguments)
        self._records.append(record)

    @contextmanager
    def written_meanwhile(self, hosts: Iterable[str]) -> Iterator[None]:
        """Write by way of these members beside what is done here, and record what was acknowledged."""
        record = self._directory / f"record{len(self._records)}"
        with self._machines.writing(record, "--endpoints", self._endpoints(hosts), *self._options):
            yield
        self._records.append(record)

    def hold_every_acknowledged_write(self, hosts: Sequence[str], records: int = 0) -> Verdict:
        """A quorum that is asked by way of these members has each write of each record.

        :param records: only the last ones, so many.
        :returns: the figures of the last one.
        """
        verdict = ""
        for record in self._records[-records:]:
            arguments = ["verify", "--record", str(record), "--endpoints", self._endpoints(hosts), *self._options]
            verdict = patiently(functools.partial(self._machines.writer, *arguments), 60)
            assert not verdict.startswith("acknowledged: 0\n"), verdict
        return Verdict.of(verdict)

    def takes_a_write(self, host: str, key: str) -> bool:
        """Whether this member acknowledges a write within a client's patience."""
        with self.client(host) as client:
            try:
                # Asked for one endpoint, the client tries and reads nothing a second time.
                request = {"key": key.encode(), "value": b"written"}
                client.call("KV.Put", request, endpoint=self._endpoint(host), timeout=5.0)
            except EtcdError:
                return False
        return True

    def peer_urls(self, host: str) -> list[str]:
        """What the cluster knows the member of this host by."""
        with self.client(self._machines.names[0]) as client:
            (found,) = [one.peer_urls for one in client.member_list().members if one.name == host]
        return list(found)

    def fill(self, host: str) -> None:
        """Write the same few large values again and again until the cluster takes no more."""
        with self.client(host) as client, contextlib.suppress(RpcError):
            for number in itertools.count():
                client.put(f"/filled/{number % 4}", os.urandom(400_000))
        assert self.alarms(host) == {"NOSPACE"}

    def alarms(self, host: str) -> set[str]:
        """The alarms of the cluster, as this member tells."""
        with self.client(host) as client:
            return {one.alarm for one in client.alarms()}

    def sizes(self, hosts: Iterable[str]) -> dict[str, int]:
        """The bytes of their databases."""
        found = {}
        for host in hosts:
            with self.client(host) as client:
                found[host] = client.status(self._endpoint(host)).db_size
        return found

    def _written_by_one_is_read_by_another(self, writer: str, reader: str) -> None:
        key, value = f"/written-by/{writer}", f"read by {reader}".encode()
        with self.client(writer) as client:
            client.put(key, value)
        with self.client(reader) as client:
            assert client.read(key)["kvs"][0]["value"] == value, (writer, reader)

    def _unit(self, host: str) -> dict[str, str]:
        properties = "ActiveState,SubState,MainPID,NRestarts,UnitFileState"
        return _pairs(self._machines.run(host, f"systemctl show etcd --property {properties}"))

    def _tried_again(self, host: str) -> dict[str, str]:
        unit = self._unit(host)
        assert int(unit["NRestarts"]) >= 1, unit
        return unit

    def _leftovers_of_the_first_start(self, host: str) -> list[str]:
        """Settings that are good for one start, and the listeners that stood where etcd now does."""
        files = "find /run/quorum.etcd -name bootstrap.env -o -name first-start -o -name refused"
        units = "systemctl list-units --all --plain --no-legend 'quorum-etcd-probe-*'"
        return self._machines.run(host, f"{files}; {units}").splitlines()

    def _endpoint(self, host: str) -> str:
        return f"https://{self._machines.address(host)}:2379"

    def _endpoints(self, hosts: Iterable[str]) -> str:
        return ",".join(map(self._endpoint, hosts))

    def client(self, host: str) -> AbstractContextManager[Client]:
        """A client of this one member, who is the administrator."""
        return Client([self._endpoint(host)], Credentials(*map(str, self._administrator)))

    @property
    def _options(self) -> list[str]:
        ca, certificate, key = map(str, self._administrator)
        return ["--cacert", ca, "--cert", certificate, "--key", key]

    @property
    def _administrator(self) -> list[Path]:
        """CA, certificate and key of the administrator, fetched from the first host that has them."""
        paths = [self._directory / name for name in ("ca.pem", "admin.pem", "admin-key.pem")]
        for path in paths:
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(self._machines.run(self._machines.names[0], f"cat /etc/etcd/ssl/{path.name}"))
        return paths


def patiently(look: Callable[[], T], seconds: float) -> T:
    """What C(look) returns once it raises no longer; after so many seconds what it raises."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except (AssertionError, EtcdError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())
