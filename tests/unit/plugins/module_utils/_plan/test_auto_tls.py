# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters whose members make their certificates themselves, and how they get others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts
from ansible_collections.quorum.etcd.plugins.module_utils._plan.cluster_plan import plan
from inventory_of import bare, member_list, saying, serving, silent, stopped

AUTO = {"etcd_auto_tls": True, "etcd_peer_auto_tls": True}
URLS = ("peer_urls", "client_urls")
CONFIRMED = {"confirm": ("client-cert-auth",)}


def secure_members():
    return [
        replace(one, **{name: [url.replace("http:", "https:") for url in getattr(one, name)] for name in URLS})
        for one in member_list()
    ]


def member(at, runs, says):
    """A member in service with some variables, for which the inventory has others."""
    host = serving(stopped(bare(at, tls=True, **runs)), secure_members())
    return saying(replace(host, wanted=bare(at, tls=True, **says).wanted), **CONFIRMED)


def three(runs, says):
    return [member(at, runs, says) for at in range(3)]


def due(hosts):
    """With no certificates yet."""
    return [
        replace(host, authorities=replace(host.authorities, renew={"etcd": ["missing."], "peer": ["missing."]}))
        for host in hosts
    ]


def refused(hosts):
    with pytest.raises(Refused) as caught:
        plan(hosts)
    return caught.value


def test_a_plan_says_what_is_not_protected():
    found = plan([bare(at, tls=True, **AUTO) for at in range(3)])
    assert (
        found.headline.endswith("TLS by etcd_auto_tls and etcd_peer_auto_tls") if hasattr(found, "headline") else True
    )
    (text,) = [text for text in found.warnings if "auto_tls" in text]
    assert "encrypted, and nobody is verified" in text
    assert "can read and write all keys" in text and "peer port can pass for a member" in text
    assert not [text for text in plan([bare(at, tls=True) for at in range(3)]).warnings if "auto_tls" in text]


def test_no_authorities_are_made_where_nobody_has_a_certificate_of_them():
    kinds = [step.kind for step in plan([bare(at, tls=True, **AUTO) for at in range(3)]).steps]
    assert acts.MakeAuthorities.kind not in kinds and acts.Start.kind in kinds


def test_it_is_one_for_all_members():
    with pytest.raises(BadInput, match="etcd_auto_tls is true for etcd-host0 and false for etcd-host1"):
        plan([bare(0, tls=True, etcd_auto_tls=True), bare(1, tls=True)])


def test_a_cluster_that_runs_so_stays():
    assert not plan(three(AUTO, AUTO)).steps


class TestRealCertificates:
    def test_are_shown_by_all_before_the_first_member_demands_them(self):
        updates = [step.act for step in plan(due(three(AUTO, {}))).steps if isinstance(step.act, acts.Update)]
        assert [one.restart for one in updates] == [False] * 3 + [True] * 3
        assert {one.certificates for one in updates[:3]} == {"only"}

    def test_are_made_for_a_cluster_that_had_no_ca(self):
        hosts = [
            replace(host, authorities=replace(host.authorities, place="/pki", missing=("client", "peer")))
            for host in due(three(AUTO, {}))
        ]
        first, *others = plan(hosts).steps
        assert isinstance(first.act, acts.MakeAuthorities) and first.title == "make the client and peer CA in /pki"
        assert not [step for step in others if isinstance(step.act, acts.MakeAuthorities)]
        with pytest.raises(Refused, match="the cluster exists"):
            plan([replace(host, authorities=hosts[0].authorities) for host in three({}, {})])

    def test_of_authorities_that_are_not_here_are_not_replaced(self):
        """An interrupted run has issued some, and another controller goes on without their CAs."""
        strange = ("/etc/etcd/ssl/ca.pem holds the CA ab:cd, which is not in /pki.",)
        hosts = [
            replace(host, authorities=replace(host.authorities, place="/pki", missing=("client",), strangers=strange))
            for host in three(AUTO, {})
        ]
        assert refused(hosts).code == "ca-unknown"

    def test_are_shown_though_they_were_there_already(self):
        """Left from a cluster that is gone, or by a run that was interrupted."""
        updates = [step.act for step in plan(three(AUTO, {})).steps if isinstance(step.act, acts.Update)]
        assert [one.certificates for one in updates[:3]] == ["only"] * 3

    def test_cut_off_clients_without_one_so_that_it_is_confirmed(self):
        hosts = [saying(host, confirm=()) for host in three(AUTO, {})]
        error = refused(hosts)
        assert error.code == "clients-cut-off" and "-e etcd_confirm=client-cert-auth" in error.remedy

    def test_wait_until_all_members_are_there(self):
        error = refused([*three(AUTO, {})[:2], silent(bare(2, tls=True))])
        assert error.code == "auto-tls-not-all" and "etcd-host2 does not answer" in error.found
        assert "Set etcd_auto_tls and etcd_peer_auto_tls for the group again" in error.remedy

    def test_wait_for_one_that_is_down_which_starts_as_it_was(self):
        found = plan([*three(AUTO, {})[:2], stopped(bare(2, tls=True))])
        assert {step.kind for step in found.steps} == {acts.Start.kind, acts.Await.kind}
        assert any("etcd-host2 does not answer" in text for text in found.differences)

    def test_wait_for_a_host_that_is_to_join(self):
        assert refused([*three(AUTO, {}), bare(3, tls=True)]).code == "auto-tls-not-all"

    def test_that_have_begun_go_on_without_one_that_is_lost(self):
        begun = [member(0, {}, {}), member(1, AUTO, {}), silent(bare(2, tls=True))]
        with pytest.raises(Refused) as caught:
            plan(begun)
        assert caught.value.code != "auto-tls-not-all"

    def test_are_not_given_up(self):
        error = refused(three({}, AUTO))
        assert error.code == "certificates-given-up"
        assert "Take etcd_auto_tls and etcd_peer_auto_tls out" in error.remedy


def test_a_plain_cluster_is_not_taken_to_it():
    hosts = [replace(serving(stopped(bare(at))), wanted=bare(at, tls=True, **AUTO).wanted) for at in range(3)]
    error = refused(hosts)
    assert error.code == "scheme-changed" and "take out etcd_auto_tls and etcd_peer_auto_tls" in error.remedy
