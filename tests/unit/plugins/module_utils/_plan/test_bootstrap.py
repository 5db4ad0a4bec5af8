# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Founding a cluster: the first table of docs/architecture.md, row by row."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Configure, Install
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    BOOTSTRAP,
    JOIN,
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
    STARTING,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import bootstrap
from inventory_of import (
    LAYOUT,
    TOKEN,
    VERSION,
    absent,
    bare,
    initial_cluster,
    logged,
    marked,
    running,
    seeing,
    silent,
    three,
    written,
)


def kinds(hosts, version=VERSION):
    return [wave[0].kind for wave in bootstrap.waves(hosts, version)]


def wave(hosts, kind):
    return next(wave for wave in bootstrap.waves(hosts, VERSION) if wave[0].kind == kind)


def refusal(hosts):
    with pytest.raises(Refused) as caught:
        bootstrap.check(hosts)
    return str(caught.value)


class TestItIsDue:
    def test_where_no_host_has_seen_etcd(self):
        assert bootstrap.is_due(three())

    @pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
    def test_where_no_marker_says_more_than_files(self, state):
        assert bootstrap.is_due([marked(bare(0), state), bare(1), bare(2)])

    @pytest.mark.parametrize("origin", [BOOTSTRAP, JOIN])
    def test_where_a_host_has_left_another_cluster(self, origin):
        left = marked(bare(0), REMOVED, cluster="other", member_id="abc", origin=origin)
        assert bootstrap.is_due([left])
        assert bootstrap.is_due([left, bare(1), bare(2)])
        assert not bootstrap.is_due([logged(left), bare(1), bare(2)])
        assert not bootstrap.is_due([running(left), bare(1), bare(2)])

    def test_never_where_a_host_has_left_this_one(self):
        assert not bootstrap.is_due([marked(bare(0), REMOVED), bare(1), bare(2)])

    @pytest.mark.parametrize(
        "further",
        [
            lambda host: marked(host, STARTING),
            lambda host: marked(host, STARTED),
            logged,
            lambda host: logged(marked(host, OFFERED)),
            running,
            lambda host: running(marked(host, NEVER_STARTED)),
        ],
    )
    @pytest.mark.parametrize("at", range(3))
    def test_never_where_any_host_may_have_voted(self, further, at):
        hosts = three()
        hosts[at] = further(hosts[at])
        assert not bootstrap.is_due(hosts)


class TestTheSteps:
    def test_are_files_then_proof_then_start(self):
        assert kinds(three()) == ["install", "configure", "prove", "start", "await"]

    def test_are_those_of_every_host_side_by_side(self):
        for steps in bootstrap.waves(three(), VERSION):
            assert [step.host for step in steps] == ["etcd-host0", "etcd-host1", "etcd-host2"]

    def test_tell_every_host_the_same(self):
        for kind in ("configure", "prove"):
            assert {step.act.token for step in wave(three(), kind)} == {bootstrap.token(three())}
        for step in wave(three(), "configure"):
            assert step.act == Configure(VERSION, initial_cluster(), bootstrap.token(three()))

    def test_prove_every_other_host_all_its_peer_urls_and_one_client_url(self):
        hosts = three(ETCD_NODES=f"{initial_cluster()},etcd-host2=http://10.9.0.3:2380")
        assert wave(hosts, "prove")[0].act.peers == [
            {"name": "etcd-host1", "urls": ["http://10.0.0.2:2380"]},
            {"name": "etcd-host1", "urls": ["http://10.0.0.2:2379"]},
            {"name": "etcd-host2", "urls": ["http://10.0.0.3:2380"]},
            {"name": "etcd-host2", "urls": ["http://10.9.0.3:2380"]},
            {"name": "etcd-host2", "urls": ["http://10.0.0.3:2379"]},
        ]

    def test_prove_client_urls_that_other_hosts_can_use(self):
        advertised = "http://127.0.0.1:2379,http://172.16.0.8:2379,http://etcd.example.com:2379"
        hosts = [bare(0), bare(1, etcd_advertise_client_urls=advertised)]
        assert wave(hosts, "prove")[0].act.peers[-1] == {
            "name": "etcd-host1",
            "urls": ["http://172.16.0.8:2379", "http://etcd.example.com:2379"],
        }

    def test_say_what_they_do_and_where(self):
        hosts = [replace(host, authorities=Authorities("/pki", missing=("client",))) for host in three(tls=True)]
        first = [steps[0] for steps in bootstrap.waves(hosts, VERSION)]
        assert {step.host for step in first} == {"etcd-host0"}
        assert [step.title for step in first] == [
            f"install etcd {VERSION} on etcd-host0",
            "make the client CA in /pki",
            "write the files of etcd-host0",
            "reach every member from etcd-host0",
            "start etcd-host0",
            "await etcd-host0",
        ]

    def test_install_only_where_the_release_is_not_there(self):
        hosts = three()
        hosts[1] = seeing(hosts[1], releases=[VERSION], account={"exists": True})
        assert [step.host for step in wave(hosts, "install")] == ["etcd-host0", "etcd-host2"]
        (act, _same) = (step.act for step in wave(hosts, "install"))
        assert act == Install(VERSION, f"etcd-v{VERSION}-linux-amd64.tar.gz")

    def test_install_also_where_only_the_account_is_missing(self):
        hosts = [seeing(host, releases=[VERSION]) for host in three()]
        assert [step.host for step in wave(hosts, "install")] == ["etcd-host0", "etcd-host1", "etcd-host2"]

    def test_fetch_the_archive_of_each_hosts_own_architecture(self):
        hosts = three()
        hosts[2] = seeing(hosts[2], host={"architecture": "aarch64"})
        assert wave(hosts, "install")[2].act.archive == f"etcd-v{VERSION}-linux-arm64.tar.gz"

    @pytest.mark.parametrize("missing", [("client", "peer"), ("peer",)])
    def test_make_the_authorities_that_are_missing_once(self, missing):
        hosts = [replace(host, authorities=Authorities("/pki", missing=missing)) for host in three(tls=True)]
        assert kinds(hosts) == ["install", "authority", "configure", "prove", "start", "await"]
        (step,) = wave(hosts, "authority")
        assert step.title == f"make the {' and '.join(missing)} CA in /pki"

    def test_make_no_authority_without_tls(self):
        hosts = [replace(host, authorities=Authorities("/pki", missing=("client",))) for host in three()]
        assert "authority" not in kinds(hosts)

    def test_of_a_single_member_are_the_same(self):
        assert kinds([bare()]) == ["install", "configure", "prove", "start", "await"]
        assert wave([bare()], "prove")[0].act.peers == []


class TestMembersThatNobodyCouldAsk:
    LOOPBACK = {
        "etcd_listen_client_urls": "http://127.0.0.1:2379",
        "etcd_advertise_client_urls": "http://127.0.0.1:2379",
    }

    def test_are_refused_where_there_are_others_to_ask_them(self):
        with pytest.raises(Refused) as caught:
            bootstrap.check_can_be_asked([bare(0), bare(1, **self.LOOPBACK), bare(2)])
        assert "etcd-host1 would advertise client URLs on loopback only (http://127.0.0.1:2379)" in str(caught.value)
        assert "take etcd_listen_client_urls and etcd_advertise_client_urls out of the inventory" in str(caught.value)

    @pytest.mark.parametrize(
        "hosts",
        [
            [bare(0, **LOOPBACK)],
            [bare(0, etcd_advertise_client_urls="http://127.0.0.1:2379,http://10.0.0.1:2379"), bare(1)],
            [bare(at, etcd_address="127.0.0.1", etcd_peer_port=2380 + at) for at in range(2)],
            [bare(0), absent(bare(1, **LOOPBACK))],
        ],
        ids=["alone", "with another URL", "all on one machine", "to be absent"],
    )
    def test_are_none_where_there_is_nobody_else_or_another_way(self, hosts):
        bootstrap.check_can_be_asked(hosts)


class TestTheToken:
    def test_comes_from_numbers_that_all_hosts_drew(self):
        drawn = bootstrap.token(three())
        assert re.fullmatch("etcd_cluster-[0-9a-f]{16}", drawn)
        hosts = three()
        hosts[2] = seeing(hosts[2], host={"nonce": "another"})
        assert bootstrap.token(hosts) != drawn

    def test_is_the_same_whoever_computes_it(self):
        assert len({bootstrap.token(list(hosts)) for hosts in permutations(three())}) == 1

    def test_of_a_host_that_carries_one_is_kept(self):
        for at in range(3):
            hosts = three()
            hosts[at] = marked(hosts[at], OFFERED)
            assert bootstrap.token(hosts) == TOKEN

    def test_of_a_host_that_agreed_outranks_that_of_one_that_offered(self):
        """The others of the agreed one may carry it too, and start with it."""
        hosts = [marked(bare(0), OFFERED, token="a"), marked(bare(1), NEVER_STARTED, token="b"), bare(2)]
        assert bootstrap.token(hosts) == "b"

    @pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
    def test_that_differs_between_hosts_becomes_one(self, state):
        """All of them were asked, and nobody has started."""
        hosts = [marked(bare(at), state, token=token) for at, token in enumerate("bac")]
        assert {bootstrap.token(list(order)) for order in permutations(hosts)} == {"a"}
        assert {step.act.token for step in wave(hosts, "configure")} == {"a"}


class TestAnInterruptedBootstrapIsResumed:
    @pytest.mark.parametrize("offered", [{0}, {1}, {0, 1}, {0, 1, 2}])
    def test_a_host_that_only_offered_proves_that_nobody_started(self, offered):
        hosts = [marked(bare(at), OFFERED) if at in offered else bare(at) for at in range(3)]
        bootstrap.check(hosts)
        assert [step.host for step in wave(hosts, "configure")] == ["etcd-host0", "etcd-host1", "etcd-host2"]

    def test_a_missing_marker_beside_an_offered_one_is_completed(self):
        bootstrap.check([marked(bare(0), NEVER_STARTED), marked(bare(1), OFFERED), bare(2)])

    def test_all_that_agreed_go_on(self):
        hosts = [marked(bare(at), NEVER_STARTED) for at in range(3)]
        bootstrap.check(hosts)
        assert kinds(hosts) == ["configure", "prove", "start", "await"]
        assert bootstrap.token(hosts) == TOKEN

    def test_the_probe_that_the_last_run_left_is_no_stranger(self):
        probe = {"port": 2380, "address": "10.0.0.1", "pid": 9, "process": "python3", "unit": LAYOUT.probe_unit}
        bootstrap.check([seeing(marked(host, OFFERED), ports=[probe]) for host in three()])

    def test_the_unit_that_the_last_run_wrote_is_no_stranger(self):
        hosts = [marked(host, OFFERED) for host in three()]
        assert hosts[0].seen.unit.fragment_path
        bootstrap.check(hosts)

    def test_hosts_that_only_offered_may_become_other_members(self):
        """Nobody has started, so a slip in the inventory may be mended."""
        bootstrap.check([marked(host, OFFERED, initial_cluster="etcd-host9=http://10.0.0.9:2380") for host in three()])

    def test_a_host_that_only_offered_lets_those_that_agreed_become_other_members_too(self):
        """No host starts before all have agreed."""
        elsewhere = "etcd-host9=http://10.0.0.9:2380"
        hosts = [marked(bare(0), NEVER_STARTED, initial_cluster=elsewhere), marked(bare(1), OFFERED), bare(2)]
        bootstrap.check(hosts)

    def test_the_order_of_the_inventory_is_nobodys_identity(self):
        hosts = [marked(host, NEVER_STARTED) for host in three()]
        bootstrap.check(hosts[::-1])


class TestItIsRefused:
    @pytest.mark.parametrize("state", [None, OFFERED, NEVER_STARTED])
    def test_over_data_of_a_member_wherever_they_lie(self, state):
        """Its settings name other directories, or its unit was called otherwise: nothing else tells of it."""
        first, host, third = three() if state is None else [marked(host, state) for host in three()]
        text = refusal([first, seeing(host, data={"left": "/var/lib/etcd/member/wal/0.wal"}), third])
        assert "etcd-host1 has data of a member in /var/lib/etcd/member/wal/0.wal" in text
        assert "move /var/lib/etcd/member out of /var/lib/etcd" in text

    def test_over_none_of_a_host_that_is_to_be_no_member(self):
        bootstrap.check([bare(0), absent(seeing(bare(1), data={"left": "/var/lib/etcd/member/snap/db"}))])

    @pytest.mark.parametrize("at", range(3))
    @pytest.mark.parametrize("others", [None, OFFERED, NEVER_STARTED])
    def test_while_one_host_gives_no_answer(self, at, others):
        hosts = three() if others is None else [marked(host, others) for host in three()]
        hosts[at] = silent(hosts[at], "no route to host.")
        text = refusal(hosts)
        assert f"etcd-host{at} could not be looked at: no route to host." in text
        assert "may hold the data" in text
        assert "take it out of the inventory" in text

    def test_where_a_marker_is_missing_among_hosts_that_agreed(self):
        text = refusal([marked(bare(0), NEVER_STARTED), bare(1), marked(bare(2), NEVER_STARTED)])
        assert "etcd-host1 has no marker of this cluster, and etcd-host0 has agreed on a first start" in text
        assert LAYOUT.state_dir in text

    def test_where_a_host_that_left_another_cluster_is_among_hosts_that_agreed(self):
        left = marked(bare(0), REMOVED, cluster="other")
        text = refusal([left, *(marked(bare(at), NEVER_STARTED) for at in (1, 2))])
        assert "etcd-host0 has no marker of this cluster" in text

    def test_where_hosts_agreed_on_other_members(self):
        hosts = [marked(host, NEVER_STARTED, initial_cluster="etcd-host9=http://10.0.0.9:2380") for host in three()]
        text = refusal(hosts)
        assert "agreed on a first start as etcd-host9=http://10.0.0.9:2380" in text
        assert initial_cluster() in text

    def test_where_a_host_that_agreed_is_another_machine(self):
        hosts = [marked(host, NEVER_STARTED) for host in three()]
        hosts[1] = seeing(hosts[1], host={"machine_id": "a-new-one"})
        text = refusal(hosts)
        assert "etcd-host1 carries the marker of another machine (machine-1; this one is a-new-one)" in text
        assert text.endswith(
            "If the first machine is off for good and no host of the group holds a write-ahead log, remove "
            f"{LAYOUT.state_dir} on every host of the group and run again."
        )

    def test_where_a_host_that_joins_is_another_machine_which_concerns_nobody_else(self):
        joining = seeing(marked(bare(), NEVER_STARTED, origin="join"), host={"machine_id": "another"})
        with pytest.raises(Refused) as caught:
            bootstrap.check_machine(joining)
        assert str(caught.value).endswith(
            f"If the first machine is off for good, remove {LAYOUT.state_dir} here and run again."
        )

    @pytest.mark.parametrize("state", [STARTING, STARTED])
    def test_on_another_machine_only_while_a_member_has_not_started(self, state):
        """Afterwards its log says who it is."""
        bootstrap.check_machine(seeing(logged(marked(bare(), state)), host={"machine_id": "another"}))

    def test_where_a_disk_is_missing_that_was_there_when_a_host_agreed(self):
        hosts = [marked(host, NEVER_STARTED, mounts=("/srv", "/var/lib/etcd")) for host in three()]
        hosts = [seeing(host, data={"mounts": ["/srv", "/var/lib/etcd"]}) for host in hosts]
        bootstrap.check(hosts)
        hosts[2] = seeing(hosts[2], data={"mounts": ["/srv"]})
        text = refusal(hosts)
        assert "etcd-host2: /var/lib/etcd was a mount point when this member was set up, and is none now." in text
        assert text.endswith("Mount it. Run the same command again once that is so.")

    def test_where_a_foreign_unit_is_in_the_way(self):
        hosts = three()
        hosts[2] = seeing(hosts[2], unit={"fragment_path": "/lib/systemd/system/etcd.service"})
        text = refusal(hosts)
        assert "etcd-host2 has a unit etcd.service that this collection did not write" in text
        assert "systemctl disable --now etcd.service" in text

    def test_not_where_a_unit_of_ours_outlived_its_marker(self):
        hosts = [marked(host, OFFERED) for host in three()]
        hosts[2] = written(three()[2])
        bootstrap.check(hosts)

    @pytest.mark.parametrize("state", [None, OFFERED, NEVER_STARTED])
    def test_where_a_foreign_etcd_runs(self, state):
        hosts = three() if state is None else [marked(host, state) for host in three()]
        stranger = {"pid": 77, "unit": "", "command": ["etcd", "--data-dir", "/srv"], "uses": ["port 2379"]}
        hosts[0] = seeing(hosts[0], strangers=[stranger])
        text = refusal(hosts)
        assert "process 77, etcd --data-dir /srv" in text
        assert "a cluster that is not ours is left alone" in text
        assert text.endswith("stop it. Run the same command again once that is so.")

    def test_where_a_foreign_etcd_runs_saying_whose_it_is(self):
        stranger = {"pid": 77, "unit": "theirs.service", "command": ["etcd"], "uses": ["port 2379"]}
        assert "process 77 of theirs.service, etcd. It uses port 2379." in refusal(
            [seeing(bare(), strangers=[stranger])]
        )

    @pytest.mark.parametrize("state", [None, OFFERED, NEVER_STARTED])
    def test_where_a_port_is_taken_saying_by_what(self, state):
        hosts = three() if state is None else [marked(host, state) for host in three()]
        taken = {"port": 2380, "address": "0.0.0.0", "pid": 12, "process": "/usr/sbin/nginx", "unit": "nginx.service"}
        hosts[1] = seeing(hosts[1], ports=[taken])
        text = refusal(hosts)
        assert "Port 2380 on etcd-host1 is taken by /usr/sbin/nginx (process 12, nginx.service, on 0.0.0.0)" in text
        assert "etcd_peer_port" in text

    def test_where_a_port_is_taken_by_nobody_knows_what(self):
        taken = {"port": 2380, "address": "::", "pid": 12, "process": "", "unit": ""}
        assert "Port 2380 on etcd-host0 is taken by a process (process 12, on ::)." in refusal(
            [seeing(bare(), ports=[taken])]
        )

    def test_where_another_port_than_that_of_the_last_runs_probe_is_taken(self):
        probe = {"port": 2380, "address": "10.0.0.1", "pid": 9, "process": "python3", "unit": LAYOUT.probe_unit}
        taken = {"port": 2379, "address": "::", "pid": 12, "process": "nginx", "unit": ""}
        hosts = [marked(host, OFFERED) for host in three()]
        hosts[0] = seeing(hosts[0], ports=[probe, taken])
        assert "Port 2379 on etcd-host0 is taken by nginx" in refusal(hosts)
