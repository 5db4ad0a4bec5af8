# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import os
import stat
import subprocess
import sys
import tempfile
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.python_library import Python
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, KeySpec, LeafSpec
from other_processes import as_nobody, at_once, killed_at, make_ca

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)
SPEC = AuthoritySpec("etcd test client CA")


@pytest.fixture
def pki_dir(tmp_path: Path) -> str:
    """A directory with both CAs."""
    directory = str(tmp_path / "inventory" / "pki")
    for which in store.AUTHORITIES:
        store.ensure_authority(directory, which, AuthoritySpec(f"etcd test {which} CA"), NOW)
    return directory


def contents(directory: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(directory).iterdir()}


def modes(directory: str) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):04o}" for path in Path(directory).iterdir()}


# Making


def test_a_pki_directory_is_closed_and_kept_out_of_the_repository(pki_dir: str) -> None:
    assert stat.S_IMODE(Path(pki_dir).stat().st_mode) == 0o700
    assert modes(pki_dir) == {
        ".gitignore": "0600",
        ".lock": "0600",
        "client-ca.pem": "0644",
        "client-ca-key.pem": "0600",
        "peer-ca.pem": "0644",
        "peer-ca-key.pem": "0600",
    }
    repository = Path(pki_dir).parent
    subprocess.run(["git", "init", "-q", repository], check=True)
    seen = subprocess.run(["git", "-C", repository, "status", "--porcelain"], check=True, capture_output=True)
    assert seen.stdout == b""


@pytest.mark.parametrize("umask", [0, 0o077])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        store.ensure_authority(str(tmp_path / "pki"), "client", SPEC, NOW)
    finally:
        os.umask(old)
    found = modes(str(tmp_path / "pki"))
    assert (found["client-ca-key.pem"], found["client-ca.pem"]) == ("0600", "0644")
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_a_ca_that_is_there_stays_whatever_is_wanted(pki_dir: str) -> None:
    before = contents(pki_dir)
    other = AuthoritySpec("another", key=KeySpec("rsa"), days=1)
    authority, created = store.ensure_authority(pki_dir, "client", other, NOW)
    assert not created
    assert authority.cert_pem == before["client-ca.pem"]
    assert contents(pki_dir) == before


def test_a_ca_that_is_there_needs_no_right_to_write(pki_dir: str) -> None:
    os.unlink(f"{pki_dir}/.lock")
    store.ensure_authority(pki_dir, "client", SPEC, NOW)
    assert ".lock" not in contents(pki_dir)


def test_the_two_cas_are_not_the_same(pki_dir: str) -> None:
    client = store.load_authority(pki_dir, "client", NOW)
    peer = store.load_authority(pki_dir, "peer", NOW)
    leaf = engine.issue(client, LeafSpec.for_names("client", common_name="root"), NOW)
    assert engine.why_renew(leaf.cert_pem, LeafSpec.for_names("client", common_name="root"), peer.bundle_pem, NOW) == [
        "it was not signed by the CA in use, but by CN=etcd test client CA"
    ]


@pytest.mark.parametrize("there", [False, True], ids=["no directory", "an empty directory"])
def test_check_mode_makes_nothing(tmp_path: Path, there: bool) -> None:
    directory = tmp_path / "pki"
    if there:
        directory.mkdir(mode=0o700)
    authority, created = store.ensure_authority(str(directory), "client", SPEC, NOW, check=True)
    assert created
    assert engine.describe(authority.cert_pem, NOW)["subject"] == "CN=etcd test client CA"
    assert not there or contents(str(directory)) == {}
    assert directory.exists() == there


def test_a_key_is_encrypted_when_a_passphrase_is_given(tmp_path: Path) -> None:
    made, _created = store.ensure_authority(str(tmp_path / "pki"), "client", SPEC, NOW, passphrase="sesame")
    key = tmp_path / "pki" / "client-ca-key.pem"
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in key.read_bytes()
    subprocess.run(["openssl", "pkey", "-in", key, "-passin", "pass:sesame", "-noout"], check=True)
    assert store.load_authority(str(tmp_path / "pki"), "client", NOW, "sesame").cert_pem == made.cert_pem


def test_eight_processes_at_once_make_one_ca(tmp_path: Path) -> None:
    seen = at_once(8, make_ca, str(tmp_path / "pki"), "client", SPEC, NOW)
    assert len({cert_pem for cert_pem, _created in seen}) == 1
    assert sum(created for _cert_pem, created in seen) == 1


# Every call of a making that touches the disk: the lock, then three files with their directory.
WRITING = [f"{call} {at}" for call, calls in (("open", 7), ("fsync", 6), ("replace", 3)) for at in range(1, calls + 1)]


@pytest.mark.parametrize("moment", WRITING)
def test_a_making_that_is_killed_is_completed_by_the_next(tmp_path: Path, moment: str) -> None:
    """Dies at a chosen call that touches the disk; then the same is asked again, twice."""
    directory = str(tmp_path / "pki")
    call, number = moment.split()
    make = functools.partial(store.ensure_authority, directory, "client", SPEC, NOW, passphrase="sesame")
    assert killed_at(call, int(number), make) == -9
    key, certificate = store.key_path(directory, "client"), store.certificate_path(directory, "client")
    left = key.read_bytes() if key.exists() else None
    complete = certificate.exists()
    made, created = store.ensure_authority(directory, "client", SPEC, NOW, passphrase="sesame")
    assert created != complete
    assert left is None or key.read_bytes() == left
    assert store.ensure_authority(directory, "client", SPEC, NOW, passphrase="sesame")[0].cert_pem == made.cert_pem
    assert not list(Path(directory).glob("*.new"))


def test_a_key_without_its_certificate_is_completed_only_by_who_makes_cas(pki_dir: str) -> None:
    before = contents(pki_dir)
    os.unlink(f"{pki_dir}/client-ca.pem")
    with pytest.raises(Refused, match=r"Put client-ca\.pem back"):
        store.load_authority(pki_dir, "client", NOW)
    authority, created = store.ensure_authority(pki_dir, "client", SPEC, NOW)
    assert created
    assert contents(pki_dir)["client-ca-key.pem"] == before["client-ca-key.pem"]
    assert engine.is_key_of(authority.key, before["client-ca.pem"])


def test_what_is_left_of_a_making_is_completed_with_the_right_passphrase_only(tmp_path: Path) -> None:
    directory = str(tmp_path / "pki")
    store.ensure_authority(directory, "client", SPEC, NOW, passphrase="sesame")
    os.unlink(f"{directory}/client-ca.pem")
    before = contents(directory)
    for check in (True, False):
        with pytest.raises(BadInput, match="does not open"):
            store.ensure_authority(directory, "client", SPEC, NOW, passphrase="wrong", check=check)
    assert contents(directory) == before


# Refusals, in making as in loading


def lose_the_key(pki_dir: str) -> None:
    os.unlink(f"{pki_dir}/client-ca-key.pem")


def swap_the_keys(pki_dir: str) -> None:
    Path(f"{pki_dir}/client-ca-key.pem").write_bytes(Path(f"{pki_dir}/peer-ca-key.pem").read_bytes())


def open_the_directory(pki_dir: str) -> None:
    os.chmod(pki_dir, 0o755)


def open_the_key_to_the_group(pki_dir: str) -> None:
    os.chmod(f"{pki_dir}/client-ca-key.pem", 0o640)


def link_the_key(pki_dir: str) -> None:
    os.rename(f"{pki_dir}/client-ca-key.pem", f"{pki_dir}/key")
    os.symlink("key", f"{pki_dir}/client-ca-key.pem")


def link_the_certificate_to_nowhere(pki_dir: str) -> None:
    os.unlink(f"{pki_dir}/client-ca.pem")
    os.symlink("nowhere", f"{pki_dir}/client-ca.pem")


def a_directory_for_the_certificate(pki_dir: str) -> None:
    os.unlink(f"{pki_dir}/client-ca.pem")
    os.mkdir(f"{pki_dir}/client-ca.pem")


def a_pipe_for_the_key(pki_dir: str) -> None:
    os.unlink(f"{pki_dir}/client-ca-key.pem")
    os.mkfifo(f"{pki_dir}/client-ca-key.pem", 0o600)


def damage_the_certificate(pki_dir: str) -> None:
    os.truncate(f"{pki_dir}/client-ca.pem", 100)


def damage_the_key(pki_dir: str) -> None:
    os.truncate(f"{pki_dir}/client-ca-key.pem", 100)


def a_vaulted_key(pki_dir: str) -> None:
    Path(f"{pki_dir}/client-ca-key.pem").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")


def a_leaf_for_a_ca(pki_dir: str) -> None:
    leaf = engine.issue(store.load_authority(pki_dir, "client", NOW), LeafSpec.for_names("server"), NOW)
    Path(f"{pki_dir}/client-ca.pem").write_bytes(leaf.cert_pem)
    Path(f"{pki_dir}/client-ca-key.pem").write_bytes(leaf.key_pem)


def encrypt_the_key(pki_dir: str) -> None:
    key = engine.dump_key(store.load_authority(pki_dir, "client", NOW).key, "sesame")
    Path(f"{pki_dir}/client-ca-key.pem").write_bytes(key)


REFUSALS = [
    (lose_the_key, Refused, "exists without its key client-ca-key.pem", "Put the key back"),
    (swap_the_keys, Refused, "is not the key of", "Put the key or the certificate back"),
    (open_the_directory, Refused, "mode 0755", "chmod 700 "),
    (open_the_key_to_the_group, Refused, "mode 0640", "chmod 600 "),
    (link_the_key, BadInput, "client-ca-key.pem is a link", "Put the file itself there"),
    (link_the_certificate_to_nowhere, BadInput, "client-ca.pem is a link", "Put the file itself there"),
    (a_directory_for_the_certificate, BadInput, "client-ca.pem is a directory", "Put the file itself there"),
    (a_pipe_for_the_key, BadInput, "client-ca-key.pem is not a regular file", "Put the file itself there"),
    (damage_the_certificate, BadInput, "client-ca.pem: There is no certificate", ""),
    (damage_the_key, BadInput, "client-ca-key.pem: There is no private key", ""),
    (a_vaulted_key, BadInput, "client-ca-key.pem: It is encrypted with ansible-vault", ""),
    (a_leaf_for_a_ca, BadInput, "is not a CA", "Put a CA there"),
    (encrypt_the_key, BadInput, "client-ca-key.pem: The private key is encrypted", "no passphrase was given"),
]


@pytest.mark.parametrize(
    ("mischief", "error", "found", "remedy"), REFUSALS, ids=[case[0].__name__ for case in REFUSALS]
)
def test_a_damaged_store_is_refused_and_left_as_it_is(
    pki_dir: str, mischief: t.Callable[[str], None], error: type[EtcdError], found: str, remedy: str
) -> None:
    mischief(pki_dir)
    before = sorted(os.listdir(pki_dir))
    for act in (
        lambda: store.load_authority(pki_dir, "client", NOW),
        lambda: store.ensure_authority(pki_dir, "client", SPEC, NOW),
        lambda: store.ensure_authority(pki_dir, "client", SPEC, NOW, check=True),
    ):
        with pytest.raises(error) as refused:
            act()
        assert found in str(refused.value)
        assert remedy in str(refused.value)
    assert sorted(os.listdir(pki_dir)) == before


def test_a_lost_key_is_named_by_the_fingerprint_of_its_certificate(pki_dir: str) -> None:
    (fingerprint,) = engine.fingerprints(contents(pki_dir)["client-ca.pem"])
    lose_the_key(pki_dir)
    with pytest.raises(Refused, match=fingerprint):
        store.ensure_authority(pki_dir, "client", SPEC, NOW)


def test_a_missing_directory_and_a_missing_ca_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no directory"):
        store.load_authority(str(tmp_path / "pki"), "client", NOW)
    store.ensure_authority(str(tmp_path / "pki"), "peer", SPEC, NOW)
    with pytest.raises(BadInput, match="There is no client CA"):
        store.load_authority(str(tmp_path / "pki"), "client", NOW)
    assert not store.exists(str(tmp_path / "pki"), "client")
    assert store.exists(str(tmp_path / "pki"), "peer")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pki").write_text("")
    for act in (
        lambda: store.load_authority(str(tmp_path / "pki"), "client", NOW),
        lambda: store.ensure_authority(str(tmp_path / "pki"), "client", SPEC, NOW),
    ):
        with pytest.raises(BadInput, match="is not a directory"):
            act()


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match=r"Cannot make .*: "):
        store.ensure_authority(str(tmp_path / "file" / "pki"), "client", SPEC, NOW)


def test_an_empty_passphrase_makes_no_ca(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="passphrase is empty"):
        store.ensure_authority(str(tmp_path / "pki"), "client", SPEC, NOW, passphrase="", check=True)
    with pytest.raises(BadInput, match="passphrase is empty"):
        store.ensure_authority(str(tmp_path / "pki"), "client", SPEC, NOW, passphrase="")
    assert not store.exists(str(tmp_path / "pki"), "client")


@pytest.mark.parametrize("which", store.AUTHORITIES)
def test_a_directory_that_may_not_be_read_is_refused_naming_owner_and_mode(which: str) -> None:
    with tempfile.TemporaryDirectory() as reachable:
        os.chmod(reachable, 0o755)
        pki_dir = f"{reachable}/pki"
        store.ensure_authority(pki_dir, which, SPEC, NOW)
        os.chmod(pki_dir, 0)
        for act, *more in ((store.load_authority, NOW), (store.ensure_authority, SPEC, NOW)):
            said = as_nobody(act, pki_dir, which, *more)
            owner = f"belongs to user id {os.geteuid()} with mode 0000"
            assert said.startswith(f"HostError: Cannot read {pki_dir}: {pki_dir} {owner}")
            assert "this runs as user id " in said
        os.chmod(pki_dir, 0o700)


def test_a_ca_that_has_expired_is_refused_and_one_that_soon_will_is_announced(pki_dir: str) -> None:
    end = NOW + timedelta(days=3650)
    assert store.load_authority(pki_dir, "client", end - timedelta(days=180)).notes == ()
    (note,) = store.load_authority(pki_dir, "client", end - timedelta(days=180, seconds=-1)).notes
    assert "expires on 2036-02-27T12:00:00Z" in note
    with pytest.raises(Refused, match="expired on 2036-02-27T12:00:00Z"):
        store.load_authority(pki_dir, "client", end + timedelta(seconds=1))


def test_a_passphrase_that_is_not_needed_is_only_noted(pki_dir: str) -> None:
    (note,) = store.load_authority(pki_dir, "client", NOW, "sesame").notes
    assert "client-ca-key.pem is not encrypted" in note


def test_a_vaulted_key_is_opened_by_who_can_and_never_written(pki_dir: str) -> None:
    plain = contents(pki_dir)["client-ca-key.pem"]
    a_vaulted_key(pki_dir)
    before = contents(pki_dir)
    opened = []

    def unvault(path: str) -> bytes:
        opened.append(path)
        return plain

    assert store.load_authority(pki_dir, "client", NOW, unvault=unvault).cert_pem == before["client-ca.pem"]
    assert opened == [f"{pki_dir}/client-ca-key.pem"]
    assert contents(pki_dir) == before


def test_while_a_ca_is_replaced_the_one_with_the_key_signs_and_both_are_trusted(pki_dir: str) -> None:
    old = contents(pki_dir)["peer-ca.pem"]
    own = contents(pki_dir)["client-ca.pem"]
    Path(f"{pki_dir}/client-ca.pem").write_bytes(old + own)
    authority = store.load_authority(pki_dir, "client", NOW)
    assert authority.cert_pem == own
    assert engine.fingerprints(authority.bundle_pem) == engine.fingerprints(own + old)


# Writing


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(HostError, match=f"Cannot write {path}: "):
        store.write(path, b"new", 0o600)
    assert path.read_text() == "old"


def test_what_a_killed_writer_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_text("half")
    store.write(tmp_path / "file", b"new", 0o600)
    assert contents(str(tmp_path)) == {"file": b"new"}


# The library


STANDS_IN = """
import sys
sys.path.insert(0, {stub!r})
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, spec
try:
    engine.new_key(spec.KeySpec())
except HostError as exc:
    print(exc)
"""


@pytest.mark.parametrize(
    ("library", "found"),
    [
        ("raise ImportError('no such library')", "cannot import it (no such library)"),
        ("__version__ = '41.0.7'", "version 41.0.7 was found at "),
    ],
)
def test_a_missing_or_old_library_is_reported_at_the_first_use(tmp_path: Path, library: str, found: str) -> None:
    (tmp_path / "cryptography").mkdir()
    (tmp_path / "cryptography" / "__init__.py").write_text(library)
    script = STANDS_IN.format(stub=str(tmp_path))
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert found in said
    assert Python.running().installing("cryptography>=42") in said
    if "version" in found:
        assert str(tmp_path / "cryptography" / "__init__.py") in said
