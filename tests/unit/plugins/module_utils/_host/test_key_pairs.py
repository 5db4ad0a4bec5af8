# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._host import key_pairs
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import AuthoritySpec, LeafSpec

NOW = datetime.now(timezone.utc)


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A certificate with its key beside it."""
    made = issued()
    certificate = tmp_path / "peer.pem"
    certificate.write_bytes(made.cert_pem)
    (tmp_path / "peer-key.pem").write_bytes(made.key_pem)
    return certificate


def issued() -> engine.Issued:
    authority = engine.new_authority(AuthoritySpec("etcd"), NOW)
    return engine.issue(authority, LeafSpec.for_names("peer", ["10.0.0.1"]), NOW)


def key_of(certificate: Path) -> Path:
    return certificate.with_name("peer-key.pem")


def test_a_certificate_and_its_key_are_a_pair(pair: Path) -> None:
    assert key_pairs.problems([str(pair)]) == {}


def test_the_key_of_another_certificate_is_told(pair: Path) -> None:
    key_of(pair).write_bytes(issued().key_pem)
    assert key_pairs.problems([str(pair)]) == {str(pair): f"{key_of(pair)} is not the key of it."}


@pytest.mark.parametrize("content", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_told(pair: Path, content: str) -> None:
    key_of(pair).write_text(content)
    assert "cannot be used with it" in key_pairs.problems([str(pair)])[str(pair)]


def test_what_is_missing_is_no_pair_and_no_problem(pair: Path) -> None:
    key_of(pair).unlink()
    assert key_pairs.problems([str(pair), str(pair.with_name("ca.pem"))]) == {}
