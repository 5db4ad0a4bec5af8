# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New connections to the peer port of a real member, and each way in which one can be refused."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from authority import Authority, Pair
from cluster import binary, free_ports
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization


class PeerTls:
    """One member whose peers talk TLS; its files may be changed while it runs."""

    def __init__(self, directory: Path, version: str, **settings: str) -> None:
        self.authority = Authority(directory / "pki")
        self.own = self.authority.issue("peer")
        self.other = self.authority.issue("other")
        client, peer = free_ports(2)
        self.client_url, self.peer_url = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{peer}"
        given = {
            "name": "m",
            "data-dir": str(directory / "data"),
            "listen-client-urls": self.client_url,
            "advertise-client-urls": self.client_url,
            "listen-peer-urls": self.peer_url,
            "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": f"m={self.peer_url}",
            "peer-cert-file": self.own.cert,
            "peer-key-file": self.own.key,
            "peer-trusted-ca-file": self.authority.path,
            "peer-client-cert-auth": "true",
            **settings,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
        environment |= {f"ETCD_{name.upper().replace('-', '_')}": value for name, value in given.items()}
        with (directory / "log").open("ab") as log:
            self.process = subprocess.Popen([binary(version)], stdout=log, stderr=log, env=environment)
        self.cluster_id = self._cluster_id()

    def _cluster_id(self) -> str:
        end = time.monotonic() + 30
        while True:
            try:
                with Client([self.client_url]) as client:
                    return str(client.member_list().cluster_id)
            except Exception:
                assert time.monotonic() < end and self.process.poll() is None
                time.sleep(0.1)

    @property
    def side(self) -> Side:
        return self.side_of(self.other)

    def side_of(self, pair: Pair) -> Side:
        return Side(self.authority.path, pair.cert, pair.key)

    def failure(self, side: Side | None = None) -> str:
        return peer_port.failure([self.peer_url], side or self.side, self.cluster_id)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


Make = Callable[..., PeerTls]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[PeerTls] = []

    def start(version: str, **settings: str) -> PeerTls:
        made.append(PeerTls(tmp_path, version, **{key.replace("_", "-"): value for key, value in settings.items()}))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def test_a_member_is_reached_by_one_that_shows_a_certificate_of_its_ca(make: Make, every_version: str) -> None:
    assert make(every_version).failure() == ""


def test_a_member_of_another_cluster_is_not_the_one(make: Make, version: str) -> None:
    one = make(version)
    found = peer_port.failure([one.peer_url], one.side, "cdf818194e3a8c32")
    assert f"a member of another cluster ({one.cluster_id}) answers there" in found


def test_a_member_whose_key_is_not_that_of_its_certificate_takes_nobody(make: Make, every_version: str) -> None:
    """It reads both at each handshake; the connections that it has live on."""
    one = make(every_version)
    shutil.copy(one.other.key, one.own.key)
    assert "it cannot use its own certificate" in one.failure()


def test_a_certificate_of_another_ca_is_refused(make: Make, every_version: str, tmp_path: Path) -> None:
    one = make(every_version)
    stranger = Authority(tmp_path / "stranger").issue("stranger")
    assert f"it refuses the certificate {stranger.cert}" in one.failure(one.side_of(stranger))


def test_no_certificate_is_refused(make: Make, every_version: str) -> None:
    one = make(every_version)
    assert "it refuses a connection without a certificate" in one.failure(Side(one.authority.path))


def test_a_member_is_judged_by_the_bundle_that_was_read(make: Make, version: str, tmp_path: Path) -> None:
    one = make(version)
    other = Authority(tmp_path / "stranger", "stranger")
    found = one.failure(replace(one.side, ca=other.path))
    assert f"its certificate is not accepted: unable to get local issuer certificate (judged by {other.path})" in found


def test_a_member_whose_certificate_is_made_for_another_address_is_not_accepted(make: Make, version: str) -> None:
    one = make(version)
    wrong = one.authority.issue("elsewhere", hosts=("192.0.2.7",))
    for part in ("cert", "key"):
        shutil.copy(getattr(wrong, part), getattr(one.own, part))
    assert "its certificate is not accepted: IP address mismatch" in one.failure()


@pytest.mark.parametrize("content", ["revoked", "missing"])
def test_a_revocation_that_comes_after_a_good_handshake_is_seen(
    make: Make, every_version: str, tmp_path: Path, content: str
) -> None:
    crl = tmp_path / "crl.der"
    one = make(every_version, peer_crl_file=str(crl))
    if content == "revoked":
        crl.write_bytes(revoking(one.authority, one.other))
        assert one.failure(one.side_of(one.authority.issue("third"))) == ""
    assert "it closes the connection without an answer" in one.failure()


def revoking(authority: Authority, pair: Pair) -> bytes:
    now = dt.datetime.now(dt.timezone.utc)
    revoked = x509.load_pem_x509_certificate(Path(pair.cert).read_bytes())
    entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number).revocation_date(now).build()
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(revoked.issuer)
        .last_update(now)
        .next_update(now + dt.timedelta(days=1))
        .add_revoked_certificate(entry)
        .add_extension(x509.CRLNumber(1), critical=False)
        .sign(authority._key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def test_where_nobody_listens_the_address_is_told() -> None:
    (port,) = free_ports(1)
    found = peer_port.failure([f"http://127.0.0.1:{port}"], Side(), "a1")
    assert found == f"http://127.0.0.1:{port}: connection refused by 127.0.0.1: nothing listens on port {port} there."


def test_where_somebody_listens_and_says_nothing_the_time_is_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert "no answer came within 0.2 s" in peer_port.failure([url], Side(), "a1", timeout=0.2)


def test_one_of_several_peer_urls_is_enough(make: Make, version: str) -> None:
    one = make(version)
    (port,) = free_ports(1)
    assert peer_port.failure([f"https://127.0.0.1:{port}", one.peer_url], one.side, one.cluster_id) == ""


def test_own_files_that_cannot_be_used_are_told(make: Make, version: str, tmp_path: Path) -> None:
    one = make(version)
    lost = replace(one.side, key=str(tmp_path / "gone"))
    assert f"{lost.cert} and what goes with it cannot be used: No such file or directory." in one.failure(lost)


def test_the_member_of_this_host_says_why_it_takes_nobody(make: Make, version: str) -> None:
    one = make(version)
    assert peer_port.refusal([one.peer_url], one.side) == ""
    shutil.copy(one.other.key, one.own.key)
    assert "it cannot use its own certificate" in peer_port.refusal([one.peer_url], one.side)


def test_of_an_address_that_leads_elsewhere_nothing_is_said(make: Make, version: str) -> None:
    """What nobody listens on, and a name that is loopback on its own host only, show nothing of what peers see."""
    one = make(version)
    (port,) = free_ports(1)
    shutil.copy(one.other.key, one.own.key)
    assert peer_port.refusal([f"https://127.0.0.1:{port}"], one.side) == ""
    monkeyed = one.peer_url.replace("127.0.0.1", "localhost.localdomain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolving_to_loopback)
        assert peer_port.refusal([monkeyed], one.side) == ""


def resolving_to_loopback(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_who_judges_nobody_needs_no_bundle_and_shows_what_it_has_made(
    make: Make, every_version: str, tmp_path: Path
) -> None:
    """Its pair lies with its data. What is put there in its place is what it shows from then on."""
    one = make(every_version)
    made = tmp_path / "other" / "fixtures" / "peer"
    made.mkdir(parents=True)
    side = Side.from_environment({"ETCD_PEER_AUTO_TLS": "true", "ETCD_DATA_DIR": str(tmp_path / "other")})
    stranger = Authority(tmp_path / "stranger").issue("stranger")
    for pair, refused in ((stranger, f"it refuses the certificate {made}/cert.pem"), (one.other, "")):
        shutil.copy(pair.cert, made / "cert.pem")
        shutil.copy(pair.key, made / "key.pem")
        assert refused in one.failure(side) and bool(one.failure(side)) is bool(refused)
