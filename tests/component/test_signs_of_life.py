# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs of life of real members at their peer URLs, where another machine may have the address by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Sign
from authority import Authority, Pair
from cluster import Cluster

MakeCluster = Callable[..., Cluster]
ANOTHER = "cdf818194e3a8c32"


def at(cluster: Cluster) -> str:
    # It leads to this host like a loopback address, but is none.
    return cluster.members[0].peer_url.replace("127.0.0.1", "0.0.0.0")


def sign(cluster: Cluster, asker: Asker) -> Sign | None:
    member = ClusterMember("a1", peer_urls=[at(cluster)])
    return signs_of_life.find(member, asker, 2.0)


def cluster_id(cluster: Cluster) -> str:
    with cluster.client() as client:
        return str(client.status().cluster_id)


def test_a_member_tells_on_its_peer_port_of_which_cluster_it_is(every_version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(every_version)
    own = cluster_id(cluster)
    assert sign(cluster, Asker(cluster_id=own)) == Sign(at(cluster), True)
    assert sign(cluster, Asker(cluster_id=ANOTHER)) is None
    cluster.pause(cluster.members[0])
    assert sign(cluster, Asker(cluster_id=own)) == Sign(at(cluster), False)


class Secured:
    """A cluster of one whose peer port wants the certificates of an authority."""

    def __init__(self, directory: Path, version: str, expired: bool = False) -> None:
        self.authority = Authority(directory / "pki")
        served = self.authority.issue("peer", expired=expired)
        pair = self.authority.issue("asker")
        self.cluster = Cluster(directory, version)
        (member,) = self.cluster.members
        member.peer_url = member.peer_url.replace("http:", "https:")
        member.extra = [
            f"--peer-cert-file={served.cert}",
            f"--peer-key-file={served.key}",
            f"--peer-trusted-ca-file={self.authority.path}",
            "--peer-client-cert-auth",
        ]
        self.cluster.start()
        self.asker = self.asked_by(self.authority, pair)

    def asked_by(self, authority: Authority, pair: Pair | None) -> Asker:
        return Asker(
            peer_ca=Path(authority.path).read_text(),
            peer_pair=(pair.cert, pair.key) if pair else (),
            cluster_id=cluster_id(self.cluster),
        )


@pytest.fixture
def secured(tmp_path: Path, every_version: str) -> Iterator[Secured]:
    made = Secured(tmp_path, every_version)
    yield made
    made.cluster.stop()


def test_behind_tls_it_tells_it_to_a_peer(secured: Secured) -> None:
    assert sign(secured.cluster, secured.asker) == Sign(at(secured.cluster), True)
    assert sign(secured.cluster, secured.asker._replace(cluster_id=ANOTHER)) is None


def test_its_certificate_tells_who_has_no_pair_that_it_may_be_ours(secured: Secured) -> None:
    asker = secured.asked_by(secured.authority, None)
    assert sign(secured.cluster, asker) == Sign(at(secured.cluster), False)


def test_a_certificate_of_another_authority_is_not_ours(secured: Secured, tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ours", "ours")
    for pair in (ours.issue("asker"), None):
        assert sign(secured.cluster, secured.asked_by(ours, pair)) is None


def test_without_an_authority_nobody_knows(secured: Secured) -> None:
    assert sign(secured.cluster, Asker()) == Sign(at(secured.cluster), False)


def test_a_certificate_of_ours_that_has_expired_may_be_a_living_member(tmp_path: Path, version: str) -> None:
    secured = Secured(tmp_path, version, expired=True)
    try:
        assert sign(secured.cluster, secured.asker) == Sign(at(secured.cluster), False)
    finally:
        secured.cluster.stop()
