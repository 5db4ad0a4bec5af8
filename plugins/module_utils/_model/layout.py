# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where everything of one etcd instance lies on its host. Keyed by the instance, never by host or member name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: The identity of a machine (machine-id(5)).
MACHINE_ID_FILE = "/etc/machine-id"
#: By this a unit file is known for one of ours.
SIGNATURE = "# Managed by quorum.etcd: "
#: The forms of the settings file: variables for the process, or etcd's own C(--config-file).
ENV, YAML = "env", "yaml"
#: Where the programs of a release come from: upstream's archive, the distribution's package, or a container image.
ARCHIVE, PACKAGE, CONTAINER = "archive", "package", "container"
#: The file in the directory of a release that says what its programs came out of, see C(identity).
RECORDS = {ARCHIVE: "archive", PACKAGE: "packages", CONTAINER: "image"}
#: A file of CAs that begins so has none: members with auto-TLS cannot be verified.
UNVERIFIED = "# Nobody is verified"
_ARCHIVED = re.compile(r".+\.[a-z]+-\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Layout:
    """The paths and the system account of one instance on a host.

    :param instance: the instance's name, C(etcd) unless several members share a host; the unit is C(INSTANCE.service).
    :param wal_dir: an own directory of the write-ahead log, or an empty string for the one inside the data directory.
    :param log_file: a file for etcd's log, or an empty string for the journal.
    :param user_file: a file that names who asks the cluster, see C(user_file), where no certificate says it; an empty
        string for none.
    :param config_format: C(ENV) or C(YAML).
    :param install_method: C(ARCHIVE), C(PACKAGE) or C(CONTAINER).
    """

    instance: str
    user: str
    group: str
    conf_dir: str
    data_dir: str
    wal_dir: str
    log_file: str
    install_dir: str
    bin_dir: str
    user_file: str = ""
    config_format: str = ENV
    install_method: str = ARCHIVE

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Layout:
        return cls(**{name: str(values[name]) for name in cls.__dataclass_fields__})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def unit(self) -> str:
        return f"{self.instance}.service"

    @property
    def unit_file(self) -> str:
        return f"/etc/systemd/system/{self.unit}"

    @property
    def conf_file(self) -> str:
        return self.conf_files[0]

    @property
    def conf_files(self) -> tuple[str, str]:
        """The settings file, and the one that it would be in the other form."""
        found = [posixpath.join(self.conf_dir, f"{self.instance}{ending}") for ending in (".conf", ".conf.yml")]
        return (found[1], found[0]) if self.config_format == YAML else (found[0], found[1])

    @property
    def started_file(self) -> str:
        """What the process reads that has a YAML file: its gate writes it at each start. Not in a directory of root's
        alone, for etcd reads it as its own user.
        """
        return f"{self.run_dir}.conf.yml"

    @property
    def ssl_dir(self) -> str:
        return posixpath.join(self.conf_dir, "ssl")

    @property
    def log_dir(self) -> str:
        """The directory of etcd's write-ahead log, evidence of data when it holds a C(*.wal) file."""
        return self.wal_dir or posixpath.join(self.data_dir, "member", "wal")

    @property
    def member_dirs(self) -> tuple[str, ...]:
        """Where the member has its data and its log."""
        return self.data_dir, self.log_dir

    @property
    def lent(self) -> list[tuple[str, str, str]]:
        """The settings by which etcd writes beside others: name, path, and why their parents must be open to it."""
        found = [
            ("etcd_wal_dir", self.wal_dir, "etcd makes that directory itself"),
            ("etcd_log_file", self.log_file, "etcd rotates that file"),
        ]
        return [(name, path, why) for name, path, why in found if path]

    @property
    def trusted(self) -> dict[str, str]:
        """Directories of what root reads or runs, by the settings that name them."""
        return {"etcd_conf_dir": self.conf_dir, "etcd_install_dir": self.install_dir, "etcd_bin_dir": self.bin_dir}

    def deeper(self, path: str) -> str:
        """A path of the same name in a directory that can be made for etcd alone."""
        parent, name = posixpath.split(path)
        own = next(one for one in ("etcd", "etcd-member") if not self.held_by(posixpath.join(parent, one)))
        return posixpath.join(parent, own, name)

    def held_by(self, directory: str) -> list[str]:
        """The settings of C(trusted) that lie in a directory, or are it."""
        return [name for name, path in self.trusted.items() if f"{path}/".startswith(f"{directory.rstrip('/')}/")]

    @property
    def state_dir(self) -> str:
        """Outlives a reboot and the data directory: the marker and the bootstrap settings."""
        return f"/var/lib/quorum.etcd/{self.instance}"

    @property
    def run_dir(self) -> str:
        """Gone with a reboot: locks, what the running process read, settings published for one start."""
        return f"/run/quorum.etcd/{self.instance}"

    @property
    def container_file(self) -> str:
        """The ID of the container in which Docker runs the member."""
        return f"{self.run_dir}/container"

    @property
    def marker_file(self) -> str:
        return f"{self.state_dir}/marker"

    @property
    def newest_file(self) -> str:
        """How far the log had come when the gate last saw it: its newest segment and the ids in it."""
        return f"{self.state_dir}/newest-segment"

    @property
    def drained_file(self) -> str:
        """Who has drained this host for its maintenance, and until when."""
        return f"{self.state_dir}/drained"

    @property
    def bootstrap_file(self) -> str:
        return f"{self.state_dir}/bootstrap.env"

    @property
    def gate_file(self) -> str:
        return f"/usr/local/libexec/quorum.etcd/{self.instance}/gate"

    @property
    def snapshot_unit(self) -> str:
        """Saves a snapshot, if that is this member's part; started by its timer, or by hand."""
        return f"{self.instance}-snapshot.service"

    @property
    def snapshot_timer(self) -> str:
        return f"{self.instance}-snapshot.timer"

    @property
    def snapshot_unit_file(self) -> str:
        return posixpath.join(posixpath.dirname(self.unit_file), self.snapshot_unit)

    @property
    def snapshot_timer_file(self) -> str:
        """Is there only while snapshots are to be saved by the clock."""
        return posixpath.join(posixpath.dirname(self.unit_file), self.snapshot_timer)

    @property
    def snapshot_program(self) -> str:
        return posixpath.join(posixpath.dirname(self.gate_file), "snapshot")

    @property
    def snapshot_config(self) -> str:
        return posixpath.join(self.conf_dir, f"{self.instance}-snapshot.json")

    @property
    def snapshot_state(self) -> str:
        """What became of the last try."""
        return f"{self.state_dir}/snapshot.json"

    @property
    def peer_bundle(self) -> str:
        """The CA bundle by which the running process judges its peers, as its gate found it at the start."""
        return f"{self.run_dir}/peer-ca.pem"

    @property
    def probe_unit(self) -> str:
        """The transient unit that listens on etcd's ports until the first start."""
        return f"quorum-etcd-probe-{self.instance}.service"

    @property
    def stand_in_unit(self) -> str:
        """The transient unit that runs on the member's own data, apart from its clients, while its unit is stopped."""
        return f"quorum-etcd-migration-{self.instance}.service"

    def release_dir(self, version: str, architecture: str) -> str:
        """The directory of one unpacked release, named as in the archive. What came in another way has a name of its
        own, so that a move from one way to another is another program in the unit.
        """
        origin = "" if self.install_method == ARCHIVE else f"-{self.install_method}"
        return posixpath.join(self.install_dir, f"etcd-v{version}-linux-{architecture}{origin}")

    def record_file(self, release_dir: str) -> str:
        """Where the directory of a release says its identity."""
        return posixpath.join(release_dir, RECORDS[self.install_method])

    def link(self, tool: str) -> str:
        """Where people find a tool: C(etcd), C(etcdctl) or C(etcdutl); of the instance C(etcd2), C(etcdctl2)."""
        return posixpath.join(self.bin_dir, f"{tool}{self.instance[len('etcd') :]}")

    def certificate(self, name: str) -> str:
        """A certificate or key at the path that guides name: C(ca), C(etcd), C(etcd-key), C(peer-ca), C(peer), ..."""
        return posixpath.join(self.ssl_dir, f"{name}.pem")

    def owner_of_key(self, leaf: str) -> tuple[str, str]:
        """Who may read a leaf's key: etcd its own two, root alone the administrator's."""
        return ("root", "root") if leaf == "admin" else (self.user, self.group)


def identity(*sources: tuple[str, str]) -> str:
    """Return what tells the programs of a release from others of its version, a line for each of their sources.

    :param sources: what each is, and which one of that name: an archive and its SHA256, a package and its version, or
        a runtime and the ID of an image there.
    """
    return "\n".join(f"{name} {which}" for name, which in sources)


def is_archived(name: str) -> bool:
    """Is this the name of a directory that C(_host/archive) has moved out of the way?"""
    return _ARCHIVED.fullmatch(name) is not None
