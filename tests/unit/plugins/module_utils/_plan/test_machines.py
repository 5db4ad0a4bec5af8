# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several members of one cluster on one machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Install, Join, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import SnapshotPolicy
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_acts import Drain, RunTasks, Undrain
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Drained, Owner
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, host_maintenance, machines
from ansible_collections.quorum.etcd.plugins.module_utils._plan.host_maintenance import Wish
from inventory_of import LAYOUT, bare, emptied, marked, member_id, saying, seeing, serving, silent, stopped, written

OURS = Owner("root@admin", "100 started 1 on admin")


def places(instance, **changes):
    """Where an instance lies by the role's defaults."""
    own = {"instance": instance, "data_dir": f"/var/lib/{instance}", "conf_dir": f"/etc/{instance}"}
    return replace(LAYOUT, **{**own, **changes})


def on(machine, at, life=lambda host: host, layout=None, snapshots=None, **variables):
    """A host C(etcd-hostN) that is the instance C(etcdN+1) of a machine, at this point of its life."""
    instance = variables.setdefault("etcd_instance", f"etcd{at + 1}")
    variables.setdefault("ansible_host", f"10.0.0.{machine + 1}")
    host = bare(at, layout=places(instance, **(layout or {})), **variables)
    kept = snapshots or SnapshotPolicy(directory=f"/var/lib/{instance}-snapshots")
    host = replace(host, wanted=replace(host.wanted, snapshots=kept))
    return life(seeing(host, host={"machine_id": f"machine-{machine}", "boot": f"boot-{machine} pid:[1]"}))


def listed(hosts):
    """The member list of a cluster that these make."""
    return [
        ClusterMember(
            member_id(at), host.name, list(host.wanted.member.peer_urls), list(host.wanted.member.client_urls)
        )
        for at, host in enumerate(hosts)
    ]


def cluster(*sizes, **variables):
    """Members in service, so many on each machine."""
    homes = [machine for machine, size in enumerate(sizes) for _one in range(size)]
    members = listed([on(machine, at, **variables) for at, machine in enumerate(homes)])
    return [on(machine, at, lambda host: serving(host, members), **variables) for at, machine in enumerate(homes)]


def refusal(hosts, planned=cluster_plan.plan, *arguments):
    with pytest.raises(Refused) as refused:
        planned(hosts, *arguments)
    return refused.value


def steps(hosts, kind):
    return [step for step in cluster_plan.plan(hosts).steps if isinstance(step.act, kind)]


class TestFounding:
    def test_three_of_one_machine_have_the_ports_of_the_guide(self):
        hosts = [on(0, at) for at in range(3)]
        assert [host.wanted.member.client_urls for host in hosts] == [
            (f"http://10.0.0.1:{at}2379",) for at in (1, 2, 3)
        ]
        assert [host.wanted.member.peer_urls for host in hosts] == [(f"http://10.0.0.1:{at}2380",) for at in (1, 2, 3)]
        assert "found one" in cluster_plan.plan(hosts).summary

    def test_a_release_is_installed_once_for_all_that_share_it(self):
        hosts = [*(on(0, at) for at in range(2)), on(1, 2)]
        assert [step.host for step in steps(hosts, Install)] == ["etcd-host0", "etcd-host2"]
        assert [step.host for step in steps([written(hosts[0]), *hosts[1:]], Install)] == ["etcd-host1", "etcd-host2"]

    def test_another_place_or_account_is_installed_for_itself(self):
        hosts = [on(0, 0), on(0, 1, layout={"install_dir": "/srv/etcd"}), on(0, 2, layout={"user": "other"})]
        assert len(steps(hosts, Install)) == 3

    def test_another_way_to_install_is_installed_for_itself(self):
        hosts = [on(0, 0), on(0, 1, layout={"install_method": "container"}), on(1, 2)]
        known = Container("podman", "registry.example.com/etcd", {releases.DEFAULT_VERSION: "2f" * 32})
        hosts[1] = replace(hosts[1], wanted=replace(hosts[1].wanted, container=known))
        assert [step.host for step in steps(hosts, Install)] == ["etcd-host0", "etcd-host1", "etcd-host2"]

    @pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
    def test_may_be_on_loopback(self, address):
        assert cluster_plan.plan([on(0, at, etcd_address=address) for at in range(3)]).waves

    def test_but_not_on_two_machines(self):
        hosts = [on(at // 2, at, etcd_address="127.0.0.1") for at in range(3)]
        found = refusal(hosts)
        assert found.code == "peers-on-loopback"
        assert "etcd-host0 would tell the others http://127.0.0.1:12380, and the members are on 2 machines" in str(
            found
        )

    def test_siblings_are_no_news(self):
        process = {"pid": 7, "unit": "etcd2.service", "command": ["etcd"], "uses": []}
        other = {**process, "unit": "etcd9.service"}
        hosts = [seeing(on(0, 0), strangers=[process, other]), on(0, 1), on(0, 2)]
        told = [text for text in cluster_plan.plan(hosts).warnings if "another etcd" in text]
        assert len(told) == 1
        assert "etcd9.service" in told[0]


class TestTheMachines:
    def test_are_told_by_what_they_show_and_not_by_their_addresses(self):
        """Two names may be one machine, and behind one address there may be two."""
        one = [on(0, 0, ansible_host="10.0.0.1"), on(0, 1, ansible_host="10.9.9.9")]
        two = [on(0, 2, ansible_host="10.0.0.5"), on(1, 3, ansible_host="10.0.0.5")]
        assert [len(found) for found in machines.of(one)] == [2]
        assert [len(found) for found in machines.of(two)] == [1, 1]
        assert len(machines.of([silent(on(0, 0)), silent(on(0, 1))])) == 2

    @pytest.mark.parametrize(
        "sizes, spare",
        [
            ([1], 0),
            ([1, 1, 1], 1),
            ([3], 0),
            ([2, 1], 0),
            ([2, 2, 1], 1),
            ([3, 1, 1], 0),
            ([1] * 5, 2),
            ([2, 2, 2], 1),
            ([], 0),
        ],
    )
    def test_are_what_may_fail(self, sizes, spare):
        assert machines.tolerance(sizes) == spare

    @pytest.mark.parametrize(
        "sizes, told",
        [
            (
                (3,),
                "etcd-host0, etcd-host1 and etcd-host2 are one machine and fail together: "
                "3 members on 1 machine, and without it nobody is served.",
            ),
            (
                (2, 1),
                "etcd-host0 and etcd-host1 are one machine and fail together: "
                "3 members on 2 machines, and without the one that has most of them nobody is served.",
            ),
            (
                (2, 2, 1),
                "etcd-host0 and etcd-host1 are one machine and fail together; "
                "etcd-host2 and etcd-host3 are one machine and fail together: "
                "5 members on 3 machines, and the cluster outlives the loss of 1 of them, whichever it is.",
            ),
        ],
        ids=str,
    )
    def test_are_counted_in_a_warning(self, sizes, told):
        assert told in cluster_plan.plan(cluster(*sizes)).warnings

    def test_an_even_number_is_told_in_machines(self):
        warnings = cluster_plan.plan(cluster(2, 2)).warnings
        assert not any("odd number" in text for text in warnings)
        assert any("4 members on 2 machines" in text for text in warnings)

    def test_of_one_member_each_are_not_spoken_of(self):
        assert machines.warnings(cluster(1, 1, 1)) == []

    def test_are_no_clones_of_themselves(self):
        assert not any("cloned" in text for text in cluster_plan.plan(cluster(2, 1)).warnings)


class TestBesideEachOther:
    @pytest.mark.parametrize(
        "variables",
        [
            {"etcd_client_port": 2379},
            {"etcd_peer_port": 2380, "etcd_listen_peer_urls": "http://0.0.0.0:2380"},
            {"etcd_settings": {"listen-metrics-urls": "http://127.0.0.1:2381"}},
            {"etcd_client_port": 22380},
        ],
        ids=["clients", "peers", "metrics", "one's clients and the other's peers"],
    )
    def test_a_port_of_both_is_refused(self, variables):
        found = refusal(
            [
                on(0, 0, **variables),
                on(0, 1, **({} if variables.get("etcd_client_port") == 22380 else variables)),
                on(1, 2),
            ]
        )
        assert "etcd-host0 and etcd-host1 are one machine, and both are to listen on port" in str(found)
        assert "members-collide" in [one["code"] for one in found.refusals]

    @pytest.mark.parametrize(
        "name, mine, theirs, remedy",
        [
            (
                "etcd_data_dir",
                {"data_dir": "/data/etcd"},
                {"data_dir": "/data/etcd"},
                "etcd_data_dir: /data/etcd-{{ etcd_instance }}",
            ),
            (
                "etcd_conf_dir",
                {"conf_dir": "/etc/etcd"},
                {"conf_dir": "/etc/etcd"},
                "etcd_conf_dir: /etc/etcd-{{ etcd_instance }}",
            ),
            (
                "etcd_log_file",
                {"log_file": "/var/log/etcd/a.log"},
                {"log_file": "/var/log/etcd/a.log"},
                "etcd_log_file: /var/log/etcd/a-{{ etcd_instance }}.log",
            ),
            (
                "etcd_data_dir",
                {"data_dir": "/data/all"},
                {"data_dir": "/data/all/etcd2"},
                "etcd_data_dir: /data/all-{{ etcd_instance }}",
            ),
            (
                "etcd_data_dir",
                {"data_dir": "/data/etcd1/all"},
                {"data_dir": "/data/etcd1/all"},
                "etcd_data_dir: /data/{{ etcd_instance }}/all",
            ),
        ],
        ids=["data", "settings", "log", "one in the other", "a path with an instance in it"],
    )
    def test_a_place_of_both_is_refused(self, name, mine, theirs, remedy):
        found = refusal([on(0, 0, layout=mine), on(0, 1, layout=theirs), on(1, 2)])
        assert found.code == "members-collide"
        assert name in str(found)
        assert remedy in found.remedy

    def test_neither_are_snapshots_in_one_directory(self):
        kept = SnapshotPolicy(directory="/backup/etcd")
        found = refusal([on(0, 0, snapshots=kept), on(0, 1, snapshots=kept), on(1, 2)])
        assert "etcd_snapshot_dir: /backup/etcd-{{ etcd_instance }}" in found.remedy

    def test_on_machines_of_their_own_they_may_be_called_alike(self):
        machines.check([on(at, at, etcd_instance="etcd1") for at in range(3)])

    def test_one_instance_is_told_how_two_are_written(self):
        found = refusal([on(0, 0, etcd_instance="etcd"), on(0, 1, etcd_instance="etcd", etcd_address="10.0.0.9")])
        assert found.code == "machine-twice"
        assert "such as etcd_instance=etcd1 and etcd_instance=etcd2" in found.remedy

    @pytest.mark.parametrize("state", [markers.STARTED, markers.NEVER_STARTED])
    def test_a_member_whose_instance_was_renamed_is_not_taken_for_one_that_lost_all(self, state):
        others = {"etcd9": Marker(state, cluster="etcd_cluster", name="etcd-host1")}
        hosts = cluster(1, 1, 1)
        found = refusal([hosts[0], seeing(on(1, 1), others=others), hosts[2]])
        assert found.code == "instance-changed"
        assert "etcd_instance=etcd9" in found.remedy

    @pytest.mark.parametrize(
        "other",
        [{"name": "etcd-host7"}, {"cluster": "another"}, {"state": markers.REMOVED}],
        ids=["another member", "another cluster", "one that has left"],
    )
    def test_but_others_on_its_machine_are_others(self, other):
        seen = {"cluster": "etcd_cluster", "name": "etcd-host1", "state": markers.STARTED, **other}
        machines.check([seeing(on(1, 1), others={"etcd9": Marker(**seen)})])


class TestChanges:
    def test_two_that_have_each_others_instance_are_refused(self):
        """Each is found by its process: they would be renamed one by one, and have one name between."""
        first, second, third = cluster(3)
        first, second = (
            replace(first, name=second.name, wanted=on(0, 1, etcd_instance="etcd1").wanted),
            replace(second, name=first.name, wanted=on(0, 0, etcd_instance="etcd2").wanted),
        )
        found = refusal([second, first, third])
        assert {one["code"] for one in found.refusals} == {"instance-changed"}
        assert "etcd-host0 has etcd_instance etcd2, and on its machine that is etcd-host1" in str(found)
        assert "etcd_instance=etcd2 in the line of etcd-host1" in str(found)

    @pytest.mark.parametrize("state", [markers.STARTING, markers.STARTED, markers.LEAVING])
    def test_no_cluster_is_founded_beside_a_member_of_its_name(self, state):
        """All of its lines were written anew, with other names and other instances."""
        others = {"etcd7": Marker(state, cluster="etcd_cluster", name="of-before")}
        found = refusal([seeing(on(0, 0), others=others), on(0, 1), on(1, 2)])
        assert found.code == "instance-changed"
        assert "has a member of etcd_cluster already, etcd7 (of-before)" in str(found)
        assert "etcd_instance=etcd7" in found.remedy

    @pytest.mark.parametrize(
        "other",
        [
            Marker(markers.REMOVED, cluster="etcd_cluster", name="of-before"),
            Marker(markers.OFFERED, cluster="etcd_cluster", name="of-before"),
            Marker(markers.STARTED, cluster="another", name="of-before"),
        ],
        ids=["that has left it", "that never was one", "of another cluster"],
    )
    def test_beside_others_one_is(self, other):
        assert cluster_plan.plan([seeing(on(0, at), others={"etcd7": other}) for at in range(3)]).waves

    def test_members_of_a_machine_restart_one_after_the_other(self):
        due = [saying(host, restart=("all",)) for host in cluster(3)]
        waves = [wave for wave in cluster_plan.plan(due).waves if any(step.restarts for step in wave)]
        assert [len(wave) for wave in waves] == [1, 1, 1]
        assert waves[-1][0].host == "etcd-host0"

    @pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1"])
    def test_a_fourth_joins_and_asks_those_that_are_there(self, address):
        hosts = [*cluster(3, etcd_address=address), on(0, 3, etcd_address=address)]
        (step,) = steps(hosts, Join)
        assert step.act.endpoints == [f"http://{address}:{at}2379" for at in (1, 2, 3)]

    def test_one_that_lost_its_data_is_replaced_beside_the_others(self):
        hosts = cluster(3)
        members = hosts[0].seen.members
        assert [step.host for step in steps([*hosts[:2], emptied(on(0, 2))], Join)] == ["etcd-host2"]
        assert len(members) == 3

    def test_a_changed_setting_is_an_update_of_each(self):
        hosts = [replace(host, wanted=replace(host.wanted, settings={"log-level": "debug"})) for host in cluster(3)]
        assert [step.host for step in steps(hosts, Update)] == ["etcd-host1", "etcd-host2", "etcd-host0"]


def wish(meant, **changes):
    return Wish(**{"owner": OURS, "hosts": [host.name for host in meant], "tasks": "/tasks.yml", **changes})


def maintained(group, **changes):
    return host_maintenance.plan(group, wish(group, **changes))


class TestMaintenance:
    def test_takes_all_members_of_a_machine_out_at_once_and_its_leader_last(self):
        hosts = cluster(2, 2, 1)
        found = [(type(step.act), step.host) for step in maintained(hosts).steps]
        one = [
            (Drain, "etcd-host2"),
            (Drain, "etcd-host3"),
            (RunTasks, "etcd-host2"),
            (Undrain, "etcd-host2"),
            (Undrain, "etcd-host3"),
        ]
        assert found[:5] == one
        assert found[5:8] == [(Drain, "etcd-host4"), (RunTasks, "etcd-host4"), (Undrain, "etcd-host4")]
        assert found[8:10] == [(Drain, "etcd-host1"), (Drain, "etcd-host0")]

    def test_asks_the_guard_with_all_of_them_down(self):
        first, second, *_rest = maintained(cluster(2, 2, 1)).steps
        assert first.act.machine == second.act.machine == [member_id(2), member_id(3)]
        # Who was drained before reports nothing.
        assert set(first.act.witnesses) == {"etcd-host0", "etcd-host1", "etcd-host3", "etcd-host4"}
        assert set(second.act.witnesses) == {"etcd-host0", "etcd-host1", "etcd-host4"}

    def test_is_refused_where_the_others_are_no_quorum(self):
        hosts = [saying(host, allow_outage=True) for host in cluster(2, 1)]
        found = refusal(hosts, host_maintenance.plan, wish(hosts))
        assert found.code == "quorum-at-risk"
        assert "Too many members are on this machine" in found.remedy

    def test_of_a_machine_with_all_of_them_is_an_outage_to_be_allowed(self):
        hosts = cluster(3)
        found = refusal(hosts, host_maintenance.plan, wish(hosts))
        assert found.code == "outage-not-allowed"
        assert "etcd-host0, etcd-host1, etcd-host2 are one machine, and all voters" in str(
            found
        ) or "etcd-host1" in str(found)

    def test_of_a_machine_with_all_of_them_drains_as_many_as_leave_a_quorum(self):
        """Without a quorum nobody grants the lock for the next one."""
        hosts = [saying(host, allow_outage=True) for host in cluster(3)]
        plan = maintained(hosts)
        assert [type(step.act) for step in plan.steps][:5] == [Drain, RunTasks, Undrain, Undrain, Undrain]
        assert any("etcd-host2, etcd-host0 serve until it is shut down" in note for note in plan.notes)

    def test_of_a_part_of_a_machine_is_refused(self):
        hosts = cluster(2, 2, 1)
        found = refusal(hosts, host_maintenance.plan, wish(hosts[:1]))
        assert found.code == "machine-in-part"
        assert found.remedy.endswith("name all of them: --limit etcd-host0,etcd-host1")
        assert maintained(hosts, hosts=["etcd-host0", "etcd-host1"]).waves

    def test_drains_a_whole_machine_and_not_two(self):
        hosts = cluster(2, 2, 1)
        assert len(maintained(hosts, tasks="", hosts=["etcd-host0", "etcd-host1"]).steps) == 2
        found = refusal(hosts, host_maintenance.plan, wish(hosts, tasks=""))
        assert found.code == "drained-twice"
        assert "--limit etcd-host0,etcd-host1." in found.remedy

    def test_goes_on_where_one_of_two_was_drained(self):
        hosts = cluster(2, 2, 1)
        members = hosts[0].seen.members
        hosts[3] = seeing(on(1, 3, stopped), drained=Drained(*OURS, until=2e9))
        assert len(members) == 5
        found = [(type(step.act), step.host) for step in maintained(hosts).steps]
        assert found[:3] == [(Drain, "etcd-host3"), (Drain, "etcd-host2"), (RunTasks, "etcd-host3")]

    def test_tells_of_members_of_other_clusters(self):
        other = {"etcd9": Marker(markers.STARTED, cluster="events", name="e1")}
        hosts = cluster(1, 1, 1)
        hosts[1] = seeing(hosts[1], others=other)
        assert any("a member of events, too (etcd9)" in note for note in maintained(hosts).notes)


def test_two_that_offered_themselves_go_on_beside_each_other():
    hosts = [on(0, at, lambda host: marked(host, markers.OFFERED)) for at in range(3)]
    assert cluster_plan.plan(hosts).waves
