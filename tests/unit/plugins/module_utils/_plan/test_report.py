# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._plan import report
from inventory_of import bare, member_id, running, serving, silent, stopped, three


def row(table, name):
    (found,) = [line for line in table.splitlines() if name in line]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_a_cluster_is_a_table_with_one_line_a_member():
    table = report.table([serving(host) for host in three()])
    assert [row(table, f"10.0.0.{at + 1}")[:4] for at in range(3)] == [
        [f"http://10.0.0.{at + 1}:2379", member_id(at), f"etcd-host{at}", "3.6.14"] for at in range(3)
    ]
    assert report.verdict([serving(host) for host in three()])["healthy"]


def test_a_member_is_named_by_the_url_that_clients_are_told():
    """Each was asked at its own loopback, which says nothing to a reader."""
    assert "127.0.0.1" not in report.table([serving(host) for host in three()])


def test_who_does_not_serve_is_in_it_with_the_reason():
    hosts = [serving(bare(0)), running(stopped(bare(1))), stopped(bare(2))]
    verdict = report.verdict(hosts)
    assert not verdict["healthy"]
    assert any("nobody listens there." in reason for reason in verdict["reasons"])
    assert any("it does not run." in reason for reason in verdict["reasons"])
    assert verdict["quorum"]["healthy"] == 1


def test_a_silent_host_is_in_it_by_its_own_name():
    verdict = report.verdict([serving(bare(0)), serving(bare(1)), silent(bare(2), "no route to host.")])
    assert "etcd-host2: no route to host." in verdict["reasons"]
