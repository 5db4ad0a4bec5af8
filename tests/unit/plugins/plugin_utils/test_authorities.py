# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CAs on the controller, judged against what a host holds."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_ca import ActionModule as EtcdCa
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._pki import cryptography_dep
from ansible_collections.quorum.etcd.plugins.plugin_utils import _authorities
from inventory_of import LAYOUT, bare, seeing
from pki_task import run

# Later than the authorities are made, however long the tests before these take.
NOW = datetime.now(timezone.utc) + timedelta(hours=12)
ALL = ("etcd", "peer", "admin")
CONTENT = ("etcd_pki_client_ca", "etcd_pki_client_ca_key", "etcd_pki_peer_ca", "etcd_pki_peer_ca_key")


def pki_of(directory, **changes):
    inputs = {"passphrase": "", "key_type": "ec", "key_size": 0, "days": 1095, "renew_before_days": 30, **changes}
    return _authorities.Pki.from_inputs({"directory": directory, **inputs}, lambda path: b"")


@pytest.fixture
def pki(tmp_path):
    directory = str(tmp_path / "pki")
    run(EtcdCa, pki_dir=directory, name="etcd_cluster")
    return pki_of(directory)


def holding(pki, host=None, leaves=ALL):
    """A host with the leaves and bundles that it should have."""
    host = host or bare(tls=True)
    issued = _authorities.issue(pki, host.wanted, {leaf: ["it is missing."] for leaf in leaves}, NOW)
    texts = {LAYOUT.certificate(leaf): text for leaf, text in issued["leaves"].items()}
    texts.update(issued["bundles"])
    files = {path: there(text, "0644", "root") for path, text in texts.items()}
    for leaf in leaves:
        owner = LAYOUT.owner_of_key(leaf)[0]
        files[LAYOUT.certificate(f"{leaf}-key")] = there(issued["keys"][leaf], "0600", owner)
    return seeing(host, certificates=texts, files=files)


def there(text, mode, owner):
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"exists": True, "sha256": digest, "mode": mode, "owner": owner, "group": owner, "link": ""}


def judge(pki, host, now=NOW):
    return _authorities.judge(pki, host.wanted, host.seen, now)


class TestAHost:
    def test_that_holds_what_it_should_needs_nothing(self, pki):
        found = judge(pki, holding(pki))
        assert (found.missing, found.problem, found.strangers, found.renew) == ((), "", (), {})
        assert found.place == pki.directory

    def test_that_is_bare_needs_all_its_leaves(self, pki):
        found = judge(pki, bare(tls=True))
        assert set(found.renew) == set(ALL)
        assert found.renew["etcd"] == [f"{LAYOUT.certificate('etcd')} is missing."]

    def test_should_hold_the_authorities_bundles(self, pki):
        host = holding(pki)
        for path, digest in judge(pki, host).bundles.items():
            assert host.seen.files[path].sha256 == digest
        assert set(judge(pki, host).bundles) == {LAYOUT.certificate("ca"), LAYOUT.certificate("peer-ca")}

    def test_without_tls_needs_nothing_and_looks_at_nothing(self):
        assert judge(pki_of("/nonexistent/pki"), bare()) == _authorities.Authorities()

    def test_of_an_inventory_without_a_directory_is_refused_before_any_is_made(self, tmp_path, monkeypatch):
        """They would lie wherever the run was started, and nobody would find them again."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(BadInput, match="-e etcd_pki_dir=/root/etcd-pki/etcd_cluster"):
            judge(pki_of(""), bare(tls=True))
        assert judge(pki_of(""), bare()) == _authorities.Authorities()

    def test_of_another_authority_is_a_stranger(self, pki, tmp_path):
        run(EtcdCa, pki_dir=str(tmp_path / "other"), name="etcd_cluster")
        host = holding(pki_of(str(tmp_path / "other")))
        found = judge(pki, host)
        assert len(found.strangers) == 2
        assert all(f"which is not in {pki.directory}" in text for text in found.strangers)

    def test_whose_bundle_cannot_be_read_is_a_stranger(self, pki):
        path = LAYOUT.certificate("ca")
        found = judge(pki, seeing(holding(pki), certificates={path: "no certificate"}))
        assert found.strangers == (f"{path} holds the CA (unreadable), which is not in {pki.directory}.",)


class TestALeafIsDue:
    @pytest.mark.parametrize("leaf", ALL)
    @pytest.mark.parametrize("what", ["", "-key"])
    def test_where_half_of_its_pair_is_missing(self, pki, leaf, what):
        path = LAYOUT.certificate(leaf + what)
        found = judge(pki, seeing(holding(pki), files={path: {"exists": False}}))
        assert found.renew == {leaf: [f"{path} is missing."]}

    @pytest.mark.parametrize("leaf", ALL)
    @pytest.mark.parametrize("change", [{"mode": "0644"}, {"owner": "nobody"}])
    def test_where_its_key_may_have_been_read(self, pki, leaf, change):
        host = holding(pki)
        path = LAYOUT.certificate(f"{leaf}-key")
        found = judge(pki, seeing(host, files={path: change}))
        assert set(found.renew) == {leaf}
        assert f"{path} is " in found.renew[leaf][0]

    def test_where_its_key_is_that_of_another(self, pki):
        """etcd would refuse each new connection, and keep the old ones."""
        path = LAYOUT.certificate("peer")
        host = seeing(holding(pki), unpaired={path: f"{LAYOUT.certificate('peer-key')} is not the key of it."})
        assert judge(pki, host).renew == {"peer": [f"{LAYOUT.certificate('peer-key')} is not the key of it."]}

    def test_before_it_ends(self, pki):
        host = holding(pki)
        assert judge(pki, host, NOW + timedelta(days=1064)).renew == {}
        assert set(judge(pki, host, NOW + timedelta(days=1066)).renew) == set(ALL)

    def test_where_the_host_got_another_address(self, pki):
        moved = replace(holding(pki), wanted=bare(tls=True, etcd_address="10.9.9.9").wanted)
        found = judge(pki, moved)
        assert set(found.renew) == {"etcd", "peer"}
        assert any("10.9.9.9" in reason for reason in found.renew["peer"])


class TestAuthorities:
    def test_that_are_not_there_are_missing(self, tmp_path):
        found = judge(pki_of(str(tmp_path / "pki")), bare(tls=True))
        assert (found.missing, found.problem, found.bundles) == (("client", "peer"), "", {})

    def test_whose_making_was_interrupted_are_made_by_the_next_run(self, pki):
        """Their key is written first. On hosts nothing is of them yet."""
        os.unlink(f"{pki.directory}/peer-ca.pem")
        found = judge(pki, bare(tls=True))
        assert (found.missing, found.problem) == (("peer",), "")
        key = Path(pki.directory, "peer-ca-key.pem").read_bytes()
        run(EtcdCa, pki_dir=pki.directory, name="etcd_cluster")
        assert judge(pki, bare(tls=True)).missing == ()
        assert Path(pki.directory, "peer-ca-key.pem").read_bytes() == key

    def test_whose_certificate_was_lost_are_no_reason_for_another_where_hosts_have_it(self, pki):
        host = holding(pki)
        os.unlink(f"{pki.directory}/peer-ca.pem")
        assert [text.split()[0] for text in judge(pki, host).strangers] == [LAYOUT.certificate("peer-ca")]

    def test_that_cannot_be_used_are_a_problem(self, pki):
        os.chmod(f"{pki.directory}/client-ca-key.pem", 0o644)
        assert "client-ca-key.pem" in judge(pki, bare(tls=True)).problem

    def test_are_never_told_with_their_keys(self, pki):
        assert "PRIVATE" not in str(judge(pki, holding(pki)))

    def test_that_are_still_to_be_made_need_the_library_before_hosts_are_changed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cryptography_dep, "problem", "version 41.0.7 was found at /usr/lib")
        problem = judge(pki_of(str(tmp_path / "pki")), bare(tls=True)).problem
        assert "cryptography 42 or newer, and version 41.0.7 was found at /usr/lib. " in problem
        assert judge(pki_of(""), bare()).problem == ""

    def test_that_are_missing_issue_nothing(self, tmp_path):
        pki = pki_of(str(tmp_path / "pki"))
        with pytest.raises(EtcdError, match="CA"):
            _authorities.issue(pki, bare(tls=True).wanted, {"etcd": ["it is missing."]}, NOW)

    @pytest.mark.parametrize(
        "change", [{"key_size": 1024}, {"key_type": "dsa"}, {"days": 0}, {"days": 20, "renew_before_days": 30}]
    )
    def test_that_are_asked_for_what_cannot_be_say_so(self, tmp_path, change):
        with pytest.raises(BadInput):
            pki_of(str(tmp_path), **change)


def test_a_leaf_is_for_its_profile(pki):
    wanted = bare(tls=True).wanted
    assert [pki.leaf(wanted, leaf).profile for leaf in ALL] == ["server", "peer", "client"]
    assert pki.leaf(wanted, "admin").common_name == "root"


def texts(directory):
    """The four variables, as an operator's vault would hold them."""
    return {
        f"etcd_pki_{which}_ca{key}": Path(directory, f"{which}-ca{key.replace('_', '-')}.pem").read_text()
        for which in ("client", "peer")
        for key in ("", "_key")
    }


@pytest.fixture
def given(pki):
    return texts(pki.directory)


class TestContent:
    def test_is_used_like_the_directory_that_it_was_made_in(self, pki, given, tmp_path):
        found = judge(pki_of("", content=given), holding(pki))
        assert (found.missing, found.problem, found.strangers, found.renew) == ((), "", (), {})
        assert found.bundles == judge(pki, holding(pki)).bundles
        assert found.place == "the variables etcd_pki_client_ca and etcd_pki_peer_ca"

    def test_signs_what_the_directory_would(self, pki, given):
        signed = holding(pki_of("", content=given))
        assert judge(pki, signed).renew == {}

    def test_outranks_the_directory_and_writes_nothing(self, pki, given, tmp_path):
        elsewhere = tmp_path / "elsewhere"
        held = pki_of(str(elsewhere), content=given)
        assert judge(held, bare(tls=True)).missing == ()
        assert holding(held) and not elsewhere.exists()
        assert judge(held, bare(tls=True)).doubt == ""

    def test_that_is_empty_is_not_given(self, tmp_path):
        found = judge(pki_of(str(tmp_path / "pki"), content=dict.fromkeys(CONTENT, "")), bare(tls=True))
        assert found.missing == ("client", "peer")

    @pytest.mark.parametrize("name", CONTENT)
    def test_that_is_given_in_part_is_refused(self, given, name):
        with pytest.raises(BadInput, match=f"are given, and {name} is not. The CAs come as all 4 variables"):
            pki_of("", content={**given, name: ""})
        with pytest.raises(BadInput, match=f"^{name} is given, and "):
            pki_of("", content={name: given[name]})

    def test_is_whole_only_with_the_key_of_its_own_certificate(self, given):
        swapped = {**given, "etcd_pki_client_ca_key": given["etcd_pki_peer_ca_key"]}
        problem = judge(pki_of("", content=swapped), bare(tls=True)).problem
        assert problem.startswith("etcd_pki_client_ca_key is not the key of etcd_pki_client_ca (fingerprint ")

    @pytest.mark.parametrize(
        "name, value, said",
        [
            ("etcd_pki_client_ca_key", "/root/client-ca-key.pem", "etcd_pki_client_ca_key: There is no private key"),
            ("etcd_pki_peer_ca", "-----BEGIN CERTIFICATE----- MIIB", "etcd_pki_peer_ca: There is no certificate"),
            ("etcd_pki_client_ca_key", "etcd_pki_client_ca", "etcd_pki_client_ca_key: There is no private key"),
        ],
    )
    def test_of_another_kind_says_what_belongs_there(self, given, name, value, said):
        problem = judge(pki_of("", content={**given, name: given.get(value, value)}), bare(tls=True)).problem
        assert problem.startswith(said)
        assert "Give the whole content of the PEM file with its line breaks" in problem

    def test_that_is_no_text_is_refused_without_being_shown(self, given):
        with pytest.raises(BadInput, match="etcd_pki_peer_ca_key is no text but dict") as caught:
            pki_of("", content={**given, "etcd_pki_peer_ca_key": {"key": "secret"}})
        assert "secret" not in str(caught.value)

    def test_that_is_still_encrypted_is_refused(self, given):
        with pytest.raises(BadInput, match="etcd_pki_peer_ca_key is still encrypted: write the tag !vault"):
            pki_of("", content={**given, "etcd_pki_peer_ca_key": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"})

    def test_with_a_passphrase_needs_the_right_one(self, tmp_path):
        directory = str(tmp_path / "locked")
        run(EtcdCa, pki_dir=directory, name="etcd_cluster", passphrase="sesame-open")
        given = texts(directory)
        assert judge(pki_of("", content=given, passphrase="sesame-open"), bare(tls=True)).problem == ""
        for wrong in ("", "another"):
            problem = judge(pki_of("", content=given, passphrase=wrong), bare(tls=True)).problem
            assert problem.startswith("etcd_pki_client_ca_key: The ") and "passphrase" in problem
            assert "Give the whole content" not in problem

    def test_is_never_told_with_its_keys(self, pki, given):
        held = pki_of("", content=given)
        assert "PRIVATE" not in f"{held!r} {judge(held, holding(pki))}"

    def test_of_two_authorities_trusts_both_and_the_one_with_the_key_signs(self, pki, given, tmp_path):
        """A new CA is added, then its key is given. What the old one signed stays good until it is due."""
        run(EtcdCa, pki_dir=str(tmp_path / "new"), name="etcd_cluster")
        new = texts(tmp_path / "new")
        both = {name: given[name] + new[name] for name in ("etcd_pki_client_ca", "etcd_pki_peer_ca")}
        added = judge(pki_of("", content={**given, **both}), holding(pki))
        assert (added.strangers, added.renew) == ((), {})
        assert added.bundles != judge(pki, holding(pki)).bundles
        signing = pki_of("", content={**new, **both})
        assert (judge(signing, holding(pki)).strangers, judge(signing, holding(pki)).renew) == ((), {})
        assert set(judge(pki, holding(signing)).renew) == set(ALL)
        assert judge(pki_of("", content=new), holding(pki)).strangers
