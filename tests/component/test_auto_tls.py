# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real members that make their certificates themselves, who reaches them, and how they get certificates of a CA."""

from __future__ import annotations

import datetime as dt
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls, etcdctl
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import NO_PORT
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from authority import Authority, Pair
from cluster import binary, free_ports
from cryptography import x509
from layout_below import layout_below

WITHIN = 30.0
AUTO = {"auto-tls": "true", "peer-auto-tls": "true"}


class One:
    """A member: its settings and its process."""

    def __init__(self, directory: Path, name: str, version: str) -> None:
        client, peer = free_ports(2)
        self.directory, self.version = directory, version
        self.client_url, self.peer_url = f"https://127.0.0.1:{client}", f"https://127.0.0.1:{peer}"
        self.settings = {
            "name": name,
            "data-dir": str(directory / name),
            "listen-client-urls": self.client_url,
            "advertise-client-urls": self.client_url,
            "listen-peer-urls": self.peer_url,
            "initial-advertise-peer-urls": self.peer_url,
        }
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Mapping[str, str]) -> None:
        given = {**self.settings, **settings}
        self.environment = {f"ETCD_{name.upper().replace('-', '_')}": value for name, value in given.items()}
        others = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
        with (self.directory / f"{self.settings['name']}.log").open("ab") as log:
            words = {**others, **self.environment}
            self.process = subprocess.Popen([binary(self.version)], stdout=log, stderr=log, env=words)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def fixture(self, port: str, name: str = "cert") -> Path:
        return Path(self.settings["data-dir"]) / "fixtures" / port / f"{name}.pem"


class Three:
    """Three members that verify nobody, and the certificates of a CA that they have not got yet."""

    def __init__(self, directory: Path, version: str, **settings: str) -> None:
        self.members = [One(directory, f"m{at}", version) for at in range(3)]
        cluster = ",".join(f"{one.settings['name']}={one.peer_url}" for one in self.members)
        self.known = {"initial-cluster": cluster}
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        self.start_all({**AUTO, **given})
        self.file = directory / "ca.pem"
        self.file.write_text(auto_tls.NO_AUTHORITIES)

    def start_all(self, settings: Mapping[str, str]) -> None:
        for one in self.members:
            one.start({**settings, **self.known})

    @property
    def unverified(self) -> Credentials:
        return Credentials(str(self.file))

    @property
    def urls(self) -> list[str]:
        return [one.client_url for one in self.members]

    def stop(self) -> None:
        for one in self.members:
            one.stop(signal.SIGKILL)


def answers(url: str, credentials: Credentials) -> bool:
    """Wait until a member answers a linearizable read of its own."""
    end = time.monotonic() + WITHIN
    while True:
        try:
            with Client([url], credentials, 2.0) as client:
                client.read("ready")
            return True
        except EtcdError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


Make = Callable[..., Three]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Three] = []

    def start(version: str, **settings: str) -> Three:
        made.append(Three(tmp_path, version, **settings))
        return made[-1]

    yield start
    for three in made:
        three.stop()


def reached(three: Three, by: One) -> list[str]:
    """Why a member cannot open new connections to the others; empty texts where it can."""
    side = Side.from_environment(by.environment)
    with Client([by.client_url], three.unverified, 5.0) as client:
        cluster_id = client.member_list().cluster_id
    return [peer_port.failure([one.peer_url], side, cluster_id) for one in three.members if one is not by]


def test_who_reaches_it_is_believed_and_so_is_it(make: Make, every_version: str) -> None:
    """Whatever it is told of clients that must show a certificate."""
    three = make(every_version, client_cert_auth="true")
    for url in three.urls:
        assert answers(url, three.unverified)
    assert [reached(three, one) for one in three.members] == [["", ""]] * 3
    certificates = [one.fixture(port).read_text() for one in three.members for port in ("client", "peer")]
    assert len(set(certificates)) == 6
    with pytest.raises(EtcdError, match="not signed by a CA"), Client(three.urls[:1], Credentials(), 2.0) as client:
        client.read("ready")


def test_etcdctl_asks_it_in_every_version(make: Make, every_version: str, tmp_path: Path) -> None:
    """By the wrapper, which sets what each needs for that."""
    three = make(every_version)
    assert answers(three.urls[0], three.unverified)
    release = str(Path(binary(every_version)).parent)
    wrapper = tmp_path / "etcdctl"
    wrapper.write_text(
        etcdctl.render(layout_below(tmp_path), every_version, release, three.urls[0], True, "python3", verifies=False)
    )
    wrapper.chmod(0o755)
    words = {"PATH": "/usr/bin:/bin", **({"ETCDCTL_API": "3"} if every_version.startswith("3.4") else {})}
    for command in (["put", "a", "b"], ["endpoint", "health", "--cluster"]):
        done = subprocess.run([str(wrapper), *command], env=words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_client_can_pin_what_a_member_has_made(make: Make, every_version: str) -> None:
    three = make(every_version)
    one, other = three.members[:2]
    assert answers(one.client_url, three.unverified)
    assert answers(one.client_url, Credentials(str(one.fixture("client"))))
    assert answers(other.client_url, three.unverified)
    with pytest.raises(EtcdError), Client([other.client_url], Credentials(str(one.fixture("client"))), 2.0) as client:
        client.read("ready")


def test_a_file_without_a_certificate_is_no_leave_to_believe_anybody(make: Make, version: str, tmp_path: Path) -> None:
    """It must say so in its first line."""
    three = make(version)
    assert answers(three.urls[0], three.unverified)
    for text in ("", "nothing\n", "# The CA of this cluster\n" + auto_tls.NO_AUTHORITIES):
        (tmp_path / "other.pem").write_text(text)
        with (
            pytest.raises(EtcdError, match="holds no PEM certificate"),
            Client(three.urls, Credentials(str(tmp_path / "other.pem")), 2.0) as client,
        ):
            client.read("ready")


def test_a_certificate_lasts_as_many_years_as_it_is_told(make: Make, every_version: str) -> None:
    settings = {} if every_version.startswith("3.4") else {"self_signed_cert_validity": "3"}
    three = make(every_version, **settings)
    assert answers(three.urls[0], three.unverified)
    made = x509.load_pem_x509_certificate(three.members[0].fixture("client").read_bytes())
    lasts = made.not_valid_after_utc - dt.datetime.now(dt.timezone.utc)
    assert round(lasts.days / 365) == (3 if settings else 1)


def leaf(authority: Authority, directory: Path, name: str) -> Pair:
    """A leaf where one of a host would lie."""
    pair = authority.issue(name)
    (directory / "current").mkdir(parents=True, exist_ok=True)
    for here, there in ((pair.cert, f"{name}.pem"), (pair.key, f"{name}-key.pem")):
        os.replace(here, directory / "current" / there)
    return Pair(str(directory / "current" / f"{name}.pem"), str(directory / "current" / f"{name}-key.pem"))


def show(one: One, layout: object) -> None:
    """Show the leaves of the CA in place of what the member has made, while it runs."""
    for path, target in auto_tls.published(NO_PORT, layout, one.environment).items():  # type: ignore[arg-type]
        os.symlink(target, f"{path}.new")
        os.replace(f"{path}.new", path)


def test_certificates_of_a_ca_are_shown_without_a_restart_and_demanded_by_one_after_the_other(
    make: Make, every_version: str, tmp_path: Path
) -> None:
    """At no time is a member that still verifies nobody refused by one that verifies."""

    class Layout:
        def __init__(self, one: One) -> None:
            self.data_dir = one.settings["data-dir"]
            self.ssl_dir = str(tmp_path / f"ssl-{one.settings['name']}")

    three = make(every_version)
    for url in three.urls:
        assert answers(url, three.unverified)
    authorities = {name: Authority(tmp_path / name, f"{name}-ca") for name in ("client", "peer")}
    admin = authorities["client"].issue("admin", hosts=(), common_name="root")
    verifying = Credentials(authorities["client"].path, admin.cert, admin.key)
    strict = {}
    for one in three.members:
        layout = Layout(one)
        served = leaf(authorities["client"], Path(layout.ssl_dir), "etcd")
        peer = leaf(authorities["peer"], Path(layout.ssl_dir), "peer")
        strict[one] = {
            "cert-file": served.cert,
            "key-file": served.key,
            "trusted-ca-file": authorities["client"].path,
            "client-cert-auth": "true",
            "peer-cert-file": peer.cert,
            "peer-key-file": peer.key,
            "peer-trusted-ca-file": authorities["peer"].path,
            "peer-client-cert-auth": "true",
        }
        show(one, layout)
    for url in three.urls:
        assert answers(url, verifying), "it shows a certificate of the CA already"
    three.file.write_bytes(Path(authorities["client"].path).read_bytes())
    for at, one in enumerate(three.members):
        one.stop()
        one.start({**strict[one], "initial-cluster-state": "existing"})
        for url in three.urls:
            assert answers(url, verifying)
        sides = {other: Side.from_environment(other.environment) for other in three.members}
        with Client([one.client_url], verifying, 5.0) as client:
            cluster_id = client.member_list().cluster_id
        for other, side in sides.items():
            urls = [[peer.peer_url] for peer in three.members if peer is not other]
            assert [peer_port.failure(url, side, cluster_id) for url in urls] == ["", ""], (at, other.settings["name"])
    with pytest.raises((EtcdError, ssl.SSLError)), Client(three.urls, Credentials(verifying.ca_path), 2.0) as client:
        client.read("ready")
