# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates in the hands of real etcd, and the certificate actions in a real run of Ansible."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, KeySpec, LeafSpec
from cluster import binary, free_ports

NOW = datetime.now(timezone.utc)
WITHOUT_ETCD = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}


@dataclass(frozen=True)
class Pki:
    """The files of one cluster's certificates, as the role lays them out on a host, and the CAs behind them."""

    directory: Path
    client_ca: engine.Authority
    peer_ca: engine.Authority

    @classmethod
    def make(cls, directory: Path, key: KeySpec) -> Pki:
        pki = cls(
            directory,
            engine.new_authority(AuthoritySpec("etcd test client CA", key=key), NOW),
            engine.new_authority(AuthoritySpec("etcd test peer CA", key=key), NOW),
        )
        directory.mkdir()
        (directory / "ca.pem").write_bytes(pki.client_ca.bundle_pem)
        (directory / "peer-ca.pem").write_bytes(pki.peer_ca.bundle_pem)
        for name, profile, common_name in (
            ("etcd", "server", None),
            ("peer", "peer", None),
            ("admin", "client", "root"),
            ("billing", "client", "billing"),
        ):
            spec = LeafSpec.for_names(profile, common_name=common_name, key=key)
            issued = engine.issue(pki.peer_ca if profile == "peer" else pki.client_ca, spec, NOW)
            (directory / f"{name}.pem").write_bytes(issued.cert_pem)
            (directory / f"{name}-key.pem").write_bytes(issued.key_pem)
        return pki


@dataclass(frozen=True)
class Cluster:
    """Members with their certificates required on both ports."""

    version: str
    pki: Pki
    client_ports: list[int]
    peer_ports: list[int]

    def etcdctl(self, pair: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command with one of the pairs, over all members."""
        ssl_dir = self.pki.directory
        return subprocess.run(
            [
                binary(self.version, "etcdctl"),
                f"--endpoints={','.join(f'https://localhost:{port}' for port in self.client_ports)}",
                f"--cacert={ssl_dir}/ca.pem",
                f"--cert={ssl_dir}/{pair}.pem",
                f"--key={ssl_dir}/{pair}-key.pem",
                *arguments,
            ],
            capture_output=True,
            text=True,
            env=WITHOUT_ETCD,
            timeout=60,
            check=False,
        )


@contextlib.contextmanager
def running(directory: Path, version: str, size: int, key: KeySpec) -> Iterator[Cluster]:
    ports = free_ports(2 * size)
    cluster = Cluster(version, Pki.make(directory / "ssl", key), ports[:size], ports[size:])
    everybody = ",".join(f"m{at}=https://127.0.0.1:{port}" for at, port in enumerate(cluster.peer_ports))
    processes = []
    try:
        for at, (client_port, peer_port) in enumerate(zip(cluster.client_ports, cluster.peer_ports, strict=True)):
            ssl_dir = cluster.pki.directory
            arguments = {
                "name": f"m{at}",
                "data-dir": directory / f"m{at}",
                "listen-client-urls": f"https://127.0.0.1:{client_port}",
                "advertise-client-urls": f"https://127.0.0.1:{client_port}",
                "listen-peer-urls": f"https://127.0.0.1:{peer_port}",
                "initial-advertise-peer-urls": f"https://127.0.0.1:{peer_port}",
                "initial-cluster": everybody,
                "cert-file": ssl_dir / "etcd.pem",
                "key-file": ssl_dir / "etcd-key.pem",
                "trusted-ca-file": ssl_dir / "ca.pem",
                "client-cert-auth": "true",
                "peer-cert-file": ssl_dir / "peer.pem",
                "peer-key-file": ssl_dir / "peer-key.pem",
                "peer-trusted-ca-file": ssl_dir / "peer-ca.pem",
                "peer-client-cert-auth": "true",
            }
            with (directory / f"m{at}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [binary(version), *(f"--{name}={value}" for name, value in arguments.items())],
                        stdout=log,
                        stderr=log,
                        env=WITHOUT_ETCD,
                    )
                )
        healthy = cluster.etcdctl("admin", "--dial-timeout=30s", "--command-timeout=30s", "endpoint", "health")
        logs = "".join((directory / f"m{at}.log").read_text()[-2000:] for at in range(size))
        assert healthy.returncode == 0, healthy.stderr + logs
        yield cluster
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three members with the usual kind of keys."""
    with running(tmp_path_factory.mktemp("pki"), version, 3, KeySpec()) as cluster:
        yield cluster


def shown_by(port: int, pki: Pki, ca: str, pair: str) -> dict[str, object]:
    """Describes what a port shows to somebody who has this pair and can still talk after the handshake.

    :raises OSError: the port does not accept the pair.
    """
    context = ssl.create_default_context(cafile=str(pki.directory / f"{ca}.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(pki.directory / f"{pair}.pem", pki.directory / f"{pair}-key.pem")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        # With TLS 1.3 the refusal of a client certificate arrives only after the handshake.
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(1)
        certificate = connection.getpeercert(binary_form=True)
        assert certificate
        return engine.describe(ssl.DER_cert_to_PEM_cert(certificate).encode(), NOW)


def test_members_without_a_subject_form_a_cluster(cluster: Cluster) -> None:
    listed = json.loads(cluster.etcdctl("admin", "member", "list", "-w", "json").stdout)
    assert sorted(member["name"] for member in listed["members"]) == ["m0", "m1", "m2"]
    assert shown_by(cluster.peer_ports[0], cluster.pki, "peer-ca", "peer")["subject"] == ""


@pytest.mark.parametrize("pair", ["admin", "billing", "etcd"])
def test_every_certificate_of_the_client_ca_works_as_a_client(cluster: Cluster, pair: str) -> None:
    assert cluster.etcdctl(pair, "put", f"written by {pair}", "x").stdout == "OK\n"
    assert cluster.etcdctl("admin", "get", f"written by {pair}", "--print-value-only").stdout == "x\n"


@pytest.mark.parametrize("pair", ["admin", "etcd"])
def test_no_certificate_of_the_client_ca_opens_a_peer_port(cluster: Cluster, pair: str) -> None:
    with pytest.raises(OSError, match=r"unknown ca|bad certificate|reset"):
        shown_by(cluster.peer_ports[0], cluster.pki, "peer-ca", pair)


def test_no_certificate_of_the_peer_ca_opens_a_client_port(cluster: Cluster) -> None:
    with pytest.raises(OSError, match=r"unknown ca|bad certificate|reset"):
        shown_by(cluster.client_ports[0], cluster.pki, "ca", "peer")


def test_a_renewed_certificate_is_shown_without_a_restart(cluster: Cluster) -> None:
    path = cluster.pki.directory / "etcd.pem"
    before = shown_by(cluster.client_ports[0], cluster.pki, "ca", "admin")
    spec = LeafSpec.for_names("server", ["etcd-host0.example.org"])
    renewed = engine.renew(cluster.pki.client_ca, spec, NOW + timedelta(minutes=4), path.read_bytes())
    path.with_suffix(".new").write_bytes(renewed)
    path.with_suffix(".new").replace(path)
    after = shown_by(cluster.client_ports[0], cluster.pki, "ca", "admin")
    assert after["dns_names"] == ["etcd-host0.example.org", "localhost"]
    assert after["serial_number"] != before["serial_number"]
    assert cluster.etcdctl("etcd", "put", "after", "x").stdout == "OK\n"


@pytest.mark.parametrize("key", [KeySpec("ec", 384), KeySpec("ec", 521), KeySpec("rsa", 2048)], ids=str)
def test_every_kind_of_key_serves_and_the_common_name_is_the_user(tmp_path: Path, version: str, key: KeySpec) -> None:
    with running(tmp_path, version, 1, key) as cluster:
        for command in (
            ["user", "add", "root", "--no-password"],
            ["user", "grant-role", "root", "root"],
            ["user", "add", "billing", "--no-password"],
            ["auth", "enable"],
        ):
            done = cluster.etcdctl("admin", *command)
            assert done.returncode == 0, done.stderr
        assert cluster.etcdctl("admin", "put", "a", "b").stdout == "OK\n"
        assert "permission denied" in cluster.etcdctl("billing", "put", "a", "b").stderr
        # Without a common name the member is nobody, not a user of some name.
        assert "permission denied" in cluster.etcdctl("etcd", "put", "a", "b").stderr


# The actions in a run

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Make the CAs
      quorum.etcd.etcd_ca: {pki_dir: "{{ pki_dir }}", name: prod, passphrase: "{{ passphrase }}"}
      register: ca
    - name: Issue
      quorum.etcd.etcd_certificate:
        pki_dir: "{{ pki_dir }}"
        passphrase: "{{ passphrase }}"
        profile: client
        common_name: "{{ inventory_hostname }}"
        path: "{{ pki_dir }}/{{ inventory_hostname }}.pem"
        privatekey_path: "{{ pki_dir }}/{{ inventory_hostname }}-key.pem"
    - name: Describe
      quorum.etcd.etcd_certificate_info: {path: "{{ pki_dir }}/{{ inventory_hostname }}.pem"}
      register: described
    - name: Compare
      ansible.builtin.assert:
        that:
          - described.certificates[0].subject == 'CN=' ~ inventory_hostname
          - described.certificates[0].issuer == ca.authorities.client.subject
          - described.certificates[0].days_left > 1000
"""


@dataclass(frozen=True)
class Run:
    """How a run of the play ended: what it printed, and how many results of each host were changes."""

    code: int
    output: str
    changed: dict[str, int]


@dataclass(frozen=True)
class Playbook:
    """The play over eight hosts that do not exist, with as many forks."""

    directory: Path

    def run(self, *arguments: str, passphrase: str = "sesame-open") -> Run:
        hosts = [f"nowhere{at}.invalid" for at in range(8)]
        secret = self.directory / "secret.yml"
        secret.write_text(yaml.safe_dump({"passphrase": passphrase, "pki_dir": str(self.directory / "pki")}))
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                f"--inventory={','.join(hosts)},",
                "--forks=8",
                f"--extra-vars=@{secret}",
                *arguments,
                str(self.directory / "play.yml"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = ended.stdout + ended.stderr
        return Run(ended.returncode, output, {host: output.count(f"changed: [{host}]") for host in hosts})


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    (tmp_path / "play.yml").write_text(PLAY)
    return Playbook(tmp_path)


def test_eight_hosts_at_once_make_one_ca_and_a_second_run_changes_nothing(playbook: Playbook) -> None:
    predicted, first, second = playbook.run("--check"), playbook.run(), playbook.run()
    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert predicted.output.count("There is no client CA in") >= 1
    # Each host its own certificate, and each CA one of them.
    assert 9 <= sum(first.changed.values()) <= 10
    assert sum(second.changed.values()) == 0


def test_a_run_prints_neither_keys_nor_passphrases(playbook: Playbook) -> None:
    good = playbook.run("-vvvvv", "--diff")
    bad = playbook.run("-vvvvv", "--diff", passphrase="guessed-wrong")
    assert good.code == 0
    assert "The passphrase does not open the private key" in bad.output
    for run in (good, bad):
        for secret in ("PRIVATE KEY", "sesame-open", "guessed-wrong"):
            assert secret not in run.output


def test_a_ca_key_encrypted_with_ansible_vault_signs(playbook: Playbook) -> None:
    assert playbook.run().code == 0
    key = playbook.directory / "pki" / "client-ca-key.pem"
    key.write_bytes(VaultLib([("default", VaultSecret(b"vault-word"))]).encrypt(key.read_bytes()))
    for certificate in (playbook.directory / "pki").glob("nowhere*"):
        certificate.unlink()
    closed = playbook.run()
    assert closed.code != 0
    assert "It is encrypted with ansible-vault" in closed.output
    word = playbook.directory / "word"
    word.write_text("vault-word")
    opened = playbook.run(f"--vault-password-file={word}")
    assert opened.code == 0, opened.output
    assert sorted(opened.changed.values()) == [1] * 8
    assert key.read_bytes().startswith(b"$ANSIBLE_VAULT")
