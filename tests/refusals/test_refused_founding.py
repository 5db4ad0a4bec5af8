# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that cannot be founded yet, then one that is there and whose authorities cannot be used: the members stay
as they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hosts import Hosts
from operator_site import Site


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Two hosts, on which a cluster is founded in the end."""
    pair = Hosts("refusals-founding", "etcd-host0", "etcd-host1")
    pair.up()
    yield pair
    pair.down()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's directory, the same for every run."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture
def site(hosts: Hosts, directory: Path) -> Site:
    return Site(hosts, directory)


@pytest.fixture(scope="module")
def founded(hosts: Hosts, directory: Path) -> Path:
    """The directory with the authorities of the cluster, once it runs."""
    site = Site(hosts, directory)
    outcome = site.run()
    assert outcome.code == 0, outcome.said
    return site.pki


@pytest.fixture
def pki(founded: Path, site: Site, tmp_path: Path) -> Path:
    """A copy of it, which the inventory names."""
    copy = tmp_path / "pki"
    shutil.copytree(founded, copy)
    site.variables["etcd_pki_dir"] = str(copy)
    return copy


def vault(path: Path, password: str) -> Path:
    """Encrypt a file with ansible-vault, and return the file with the password."""
    secret = path.parent.parent / password
    secret.write_text(password)
    command = ["ansible-vault", "encrypt", "--vault-password-file", str(secret), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return secret


def test_a_peer_port_that_is_filtered_between_members_is_refused_before_any_is_started(
    site: Site, hosts: Hosts
) -> None:
    drop = f"ip saddr {site.addresses[0]} tcp dport 2380 drop"
    hosts.run(
        "etcd-host1",
        "nft add table inet wall; nft add chain inet wall input '{ type filter hook input priority 0; }'\n"
        f"nft add rule inet wall input {drop}",
    )
    outcome = site.run()
    hosts.run("etcd-host1", "nft delete table inet wall")
    assert outcome.code == 2, outcome.said
    assert "Nothing was started." in outcome.said
    assert f"https://{site.addresses[1]}:2380" in outcome.said
    assert "firewall" in outcome.said
    for host in hosts.names:
        assert hosts.run(host, "systemctl is-active etcd || true").strip() == "inactive"


def test_the_same_command_founds_the_cluster_once_the_port_is_open(founded: Path, site: Site) -> None:
    site.is_planned("2 hosts, etcd 3.6.14: nothing to do")


def test_authorities_that_are_not_here_are_refused_with_their_fingerprint(
    founded: Path, site: Site, tmp_path: Path
) -> None:
    site.variables["etcd_pki_dir"] = str(tmp_path / "elsewhere")
    site.is_refused(
        "/etc/etcd/ssl/ca.pem holds the CA ",
        f"which is not in {tmp_path}/elsewhere",
        "A new CA here would cut this member off",
        "Bring the CA and its key",
    )


@pytest.mark.matrix
def test_an_authority_without_its_key_is_refused_with_its_fingerprint(pki: Path, site: Site) -> None:
    (pki / "client-ca-key.pem").unlink()
    site.is_refused(
        f"{pki}/client-ca.pem (fingerprint ", "exists without its key client-ca-key.pem", "Put the key back"
    )


@pytest.mark.matrix
def test_a_key_that_others_can_read_is_refused(pki: Path, site: Site) -> None:
    (pki / "peer-ca-key.pem").chmod(0o644)
    site.is_refused(f"{pki}/peer-ca-key.pem is a private key, and its mode 0644 lets others read it", "chmod 600")


@pytest.mark.matrix
def test_a_key_that_is_none_is_refused(pki: Path, site: Site) -> None:
    (pki / "peer-ca-key.pem").write_text("not a key\n")
    site.is_refused(f"{pki}/peer-ca-key.pem: ", "no private key")


@pytest.mark.matrix
def test_a_vaulted_key_without_its_password_is_refused(pki: Path, site: Site) -> None:
    vault(pki / "client-ca-key.pem", "right")
    site.is_refused(
        f"{pki}/client-ca-key.pem: It is encrypted with ansible-vault, and none of the vault passwords", "--vault-id"
    )


@pytest.mark.matrix
def test_a_vaulted_key_with_another_password_is_refused(pki: Path, site: Site, tmp_path: Path) -> None:
    vault(pki / "client-ca-key.pem", "right")
    (tmp_path / "wrong").write_text("wrong")
    site.is_refused(
        "none of the vault passwords given opens it", arguments=("--vault-password-file", str(tmp_path / "wrong"))
    )


def test_a_vaulted_key_with_its_password_is_as_good_as_a_plain_one(pki: Path, site: Site) -> None:
    secret = vault(pki / "client-ca-key.pem", "right")
    site.is_refused("nothing to do", arguments=("--vault-password-file", str(secret)), playbook_ends=0)


@pytest.mark.matrix
def test_an_encrypted_key_without_its_passphrase_is_refused(pki: Path, site: Site) -> None:
    path = pki / "client-ca-key.pem"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"right")))
    site.is_refused(f"{path}: ", "passphrase")
