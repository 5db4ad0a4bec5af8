# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads of a plan and of its refusals, to the word where a word could mislead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities, Checksums, Confirmations
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import VERSION, bare, logged, member_id, member_list, running, seeing, serving, silent, stopped, three


def refusal(hosts, error=Refused):
    with pytest.raises(error) as caught:
        cluster_plan.plan(hosts)
    return str(caught.value)


@pytest.mark.parametrize("size, counted", [(1, "1 host"), (2, "2 hosts"), (3, "3 hosts")])
def test_hosts_are_counted(size, counted):
    hosts = [bare(at) for at in range(size)]
    assert cluster_plan.plan(hosts).summary == f"{counted}, no cluster yet: found one with etcd {VERSION}, without TLS"
    hosts = [serving(host, member_list(size)) for host in hosts]
    assert cluster_plan.plan(hosts).summary == f"{counted}, etcd {VERSION}: nothing to do"


def test_each_wrong_variable_is_a_line_of_the_hosts_that_have_it():
    hosts = [replace(host, problems=("etcd_tls is 'maybe'.", f"{at} is no port.")) for at, host in enumerate(three())]
    assert refusal(hosts, BadInput).splitlines() == [
        "etcd-host0, etcd-host1, etcd-host2: etcd_tls is 'maybe'.",
        *(f"etcd-host{at}: {at} is no port." for at in range(3)),
    ]


def test_each_wrong_setting_is_a_line_of_the_hosts_that_have_it():
    hosts = [bare(0, etcd_settings={"enable-v2": True}), bare(1), bare(2, etcd_settings={"zzzzzz": 1})]
    lines = refusal(hosts, BadInput).splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith("- ")] == ["etcd-host0", "etcd-host2"]


def test_a_wrong_setting_is_found_behind_a_host_that_is_silent():
    wrong = serving(bare(2, etcd_settings={"max-txn-ops": 128}))
    wrong = replace(wrong, wanted=replace(wrong.wanted, settings={"zzzzzz": 1}))
    assert "etcd-host2: " in refusal([silent(bare(0)), serving(bare(1)), wrong], BadInput)


def test_a_foreign_authority_is_found_behind_a_host_that_is_silent():
    strange = Authorities("/pki", strangers=("/etc/etcd/ssl/ca.pem holds the CA 12:34.",))
    hosts = [silent(bare(0)), *(replace(serving(bare(at, tls=True)), authorities=strange) for at in (1, 2))]
    assert "etcd-host1: /etc/etcd/ssl/ca.pem holds the CA 12:34." in refusal(hosts)


FLEETING = Authorities("/tmp/a", missing=("client", "peer"), doubt="/tmp is for temporary files", remedy="Set DIR")


def fleeting(authorities=FLEETING, confirm=()):
    hosts = [replace(bare(at, tls=True), authorities=authorities) for at in range(3)]
    return [replace(host, wanted=replace(host.wanted, said=Confirmations(confirm=confirm))) for host in hosts]


def test_authorities_are_not_made_where_they_would_be_lost():
    assert refusal(fleeting()) == (
        "The client and peer CA would be made in /tmp/a (etcd_pki_dir), and /tmp is for temporary files. "
        "Without its key no member gets a new certificate and none can be added. "
        "Set DIR; or, if this directory is kept nevertheless, confirm it: -e etcd_confirm=/tmp/a"
    )
    assert "The peer CA would be made" in refusal(fleeting(replace(FLEETING, missing=("peer",))))


def test_the_word_that_the_refusal_names_is_accepted():
    word = refusal(fleeting()).rpartition("-e etcd_confirm=")[2]
    titles = [step.title for step in cluster_plan.plan(fleeting(confirm=(word,))).steps]
    assert "make the client and peer CA in /tmp/a" in titles
    assert "would be made in /tmp/a" in refusal(fleeting(confirm=("/tmp",)))


def test_authorities_that_are_there_already_are_used_wherever_they_lie():
    assert cluster_plan.plan(fleeting(replace(FLEETING, missing=()))).waves


def test_authorities_in_variables_are_the_same_on_every_host():
    hosts = [
        replace(bare(at, tls=True), authorities=Authorities("the variables", bundles={"/a": digest, "/b": "cd"}))
        for at, digest in enumerate(("ab", "ab", "ef"))
    ]
    text = refusal(hosts, BadInput)
    assert text.startswith("The SHA256 of the CAs in variables differs between the hosts of one cluster: ab and cd, ef")
    assert cluster_plan.plan(hosts[:2]).waves


def test_a_foreign_authority_is_to_be_brought_to_where_the_others_are():
    strange = Authorities("the variables x", strangers=("/etc/etcd/ssl/ca.pem holds the CA 12:34.",))
    assert "Bring the CA and its key to the variables x, from" in refusal(
        [replace(bare(tls=True), authorities=strange)]
    )


@pytest.mark.parametrize(
    "hosts, said",
    [
        (
            [bare(0, etcd_version="3.5.33"), bare(1, etcd_version="3.6.14"), bare(2)],
            "etcd_version differs between the hosts of one cluster: 3.5.33, 3.6.14. Give it once, for the group.",
        ),
        (
            [replace(bare(at), authorities=Authorities(f"/pki{at % 2}")) for at in range(3)],
            "etcd_pki_dir differs between the hosts of one cluster: /pki0, /pki1. Give it once, for the group.",
        ),
    ],
)
def test_what_is_one_for_the_cluster_is_named_where_it_is_not(hosts, said):
    assert refusal(hosts, BadInput) == said


def test_an_even_number_of_members_is_no_better_than_one_less():
    assert cluster_plan.plan([bare(at) for at in range(4)]).warnings == (
        "4 members tolerate no more failures than 3: an odd number is better.",
    )


def test_two_names_of_one_cluster_are_named():
    hosts = three()
    hosts[1] = replace(hosts[1], wanted=replace(hosts[1].wanted, cluster="another"))
    assert refusal(hosts, BadInput) == (
        "etcd_cluster_name differs between the hosts of one cluster: another, etcd_cluster. "
        "Give it once, for the group."
    )


def test_a_marker_that_cannot_be_understood_speaks_for_itself():
    hosts = [seeing(bare(0), marker_error="The marker has format '2'."), bare(1), bare(2)]
    assert refusal(hosts) == "etcd-host0: The marker has format '2'."


def test_a_member_of_somebody_else_that_has_no_log_yet_is_a_running_one():
    text = refusal([running(bare(0)), bare(1), bare(2)])
    assert text.startswith("etcd-host0 has a running member, and its marker (none) does not say that it is ours.")


def foreign(**runtime):
    """A host that runs an etcd of somebody else's."""
    unit = {"fragment_path": "/lib/systemd/system/etcd.service"}
    what = {"command": ["/usr/bin/etcd", "--debug"], "environment": {}, **runtime}
    return seeing(running(logged(bare(0))), unit=unit, runtime=what, cluster={"members": None})


def test_a_member_of_somebody_else_is_described_so_that_a_person_knows_it():
    host = seeing(
        foreign(environment={"ETCD_NAME": "infra0", "ETCD_DATA_DIR": "/d"}),
        cluster={
            "members": [
                ClusterMember("1", "infra0", ["http://10.0.0.1:2380", "http://10.1.0.1:2380"]),
                ClusterMember("2", "", ["http://10.0.0.2:2380"]),
            ]
        },
    )
    assert (
        "does not say that it is ours. It runs as etcd.service (/lib/systemd/system/etcd.service): /usr/bin/etcd "
        "--debug, with ETCD_DATA_DIR=/d ETCD_NAME=infra0. Its cluster's members: infra0 at http://10.0.0.1:2380, "
        "http://10.1.0.1:2380; not started at http://10.0.0.2:2380. It may be a member"
    ) in refusal([host])


def test_of_a_member_of_somebody_else_only_what_is_known_is_said():
    text = refusal([foreign()])
    assert "It runs as etcd.service (/lib/systemd/system/etcd.service): /usr/bin/etcd --debug. It may be" in text


def test_of_data_of_somebody_else_nothing_is_said_that_runs():
    assert "does not say that it is ours. It may be a member" in refusal([logged(bare(0))])
    nameless = seeing(logged(bare(0)), data={"member_id": ""})
    assert "/wal, and its marker (none) does not say" in refusal([nameless])


def test_room_is_asked_for_the_release_that_is_to_be_installed():
    full = [seeing(host, releases=[VERSION], free={"install": 0}) for host in three()]
    assert cluster_plan.plan(full).waves
    assert "0 MiB free" in refusal(
        [seeing(host, releases=["3.5.33"], free={"install": 0}) for host in three()], BadInput
    )


def test_a_silent_host_whose_variables_are_known_is_still_only_silent():
    unknown = replace(silent(bare(2), "no route to host."), wanted=bare(2).wanted)
    plan = cluster_plan.plan([serving(bare(0)), serving(bare(1)), unknown])
    assert plan.waves == ()
    assert plan.differences == ("etcd-host2 could not be looked at: no route to host.",)


def test_a_member_that_gives_no_reason_answers_no_linearizable_read():
    mute = seeing(running(serving(bare(2))), cluster={"error": ""})
    plan = cluster_plan.plan([serving(bare(0)), serving(bare(1)), mute])
    assert plan.differences == ("etcd-host2 runs and does not serve: it answers no linearizable read.",)


def test_a_member_of_which_nothing_is_seen_answers_no_linearizable_read():
    hidden = running(stopped(bare(2)))
    plan = cluster_plan.plan([serving(bare(0)), serving(bare(1)), seeing(hidden, cluster=None)])
    assert plan.differences == ("etcd-host2 runs and does not serve: it answers no linearizable read.",)


def test_of_a_masked_unit_it_is_said_once_that_it_does_not_start():
    masked = seeing(serving(bare(2)), unit={"enabled": "masked"})
    (text,) = cluster_plan.plan([serving(bare(0)), serving(bare(1)), masked]).differences
    assert text.startswith("etcd-host2: etcd.service is masked.")


def test_a_member_that_stands_still_is_started_however_little_room_it_has():
    full = seeing(stopped(bare(2)), free={"data": 0, "install": 0})
    assert [step.kind for step in cluster_plan.plan([serving(bare(0)), serving(bare(1)), full]).steps] == [
        "start",
        "await",
    ]


def test_a_host_that_joins_needs_no_room_for_a_release_that_it_has():
    ready = seeing(bare(3), releases=[VERSION], free={"install": 0})
    assert "join" in [step.kind for step in cluster_plan.plan([*(serving(host) for host in three()), ready]).steps]


def test_a_member_that_is_on_no_host_is_named_with_all_its_peer_urls():
    urls = ["http://10.0.0.9:2380", "http://10.1.0.9:2380"]
    elsewhere = replace(member_list()[0], id=member_id(9), name="etcd-host9", peer_urls=urls)
    plan = cluster_plan.plan([serving(host, [*member_list(), elsewhere]) for host in three()])
    assert any(
        f"Member {member_id(9)} (etcd-host9, {', '.join(urls)}) is on no host" in text for text in plan.differences
    )


class TestBackups:
    def hosts(self, schedule="daily", **snapshots):
        """A cluster ten days old whose members save snapshots; the last host has one."""
        found = []
        for at in range(3):
            host = bare(at)
            wanted = replace(host.wanted.snapshots, schedule=schedule, max_age=93600)
            host = serving(replace(host, wanted=replace(host.wanted, snapshots=wanted)))
            last = {"at": "2027-01-15T07:30:00Z", "outcome": "passed", "message": "", "duration": 0.0}
            seen = {"since": 1_799_136_000.0, "last": last, **(snapshots if at == 2 else {})}
            timer = {"enabled": "enabled", "active_state": "active"}
            found.append(seeing(host, snapshots=seen, timer=timer, host={"time": 1_800_000_000.0}))
        return found

    def newest(self, taken_at):
        return {"path": "/x.db", "taken_at": taken_at, "size": 1, "revision": 1}

    def test_that_are_new_are_no_matter(self):
        assert cluster_plan.plan(self.hosts(newest=self.newest("2027-01-15T07:00:00Z"))).warnings == ()

    def test_that_are_old_are_warned_of(self):
        plan = cluster_plan.plan(self.hosts(newest=self.newest("2027-01-10T08:00:00Z")))
        assert plan.warnings == (
            "The newest snapshot was taken 2027-01-10T08:00:00Z and lies on etcd-host2: it is 5 days old, and "
            "etcd_snapshot_max_age is 26 h.",
        )
        assert plan.differences == ()
        assert "  warning: The newest snapshot" in plan.text("prod")

    def test_that_are_missing_are_warned_of(self):
        (text,) = cluster_plan.plan(self.hosts()).warnings
        assert text.startswith("There is no snapshot, although")

    def test_that_failed_are_warned_of(self):
        last = {"at": "2027-01-15T08:00:00Z", "outcome": "failed", "message": "no room.", "duration": 0.0}
        plan = cluster_plan.plan(self.hosts(newest=self.newest("2027-01-15T07:00:00Z"), last=last))
        assert plan.warnings == ("etcd-host2: its last snapshot failed at 2027-01-15T08:00:00Z: no room.",)

    def test_that_no_timer_starts_are_warned_of(self):
        hosts = self.hosts(newest=self.newest("2027-01-15T07:00:00Z"), last=None)
        (text,) = cluster_plan.plan(hosts).warnings
        assert text.startswith("etcd-host2: its timer has not had a snapshot tried for 10 days")
        hosts[2] = seeing(hosts[2], timer={"enabled": "masked", "active_state": "inactive"})
        (text,) = cluster_plan.plan(hosts).warnings
        assert "etcd-snapshot.timer is masked" in text

    def test_that_nobody_wants_are_no_matter(self):
        assert cluster_plan.plan(self.hosts(schedule="")).warnings == ()

    def test_that_a_member_may_not_save_are_warned_of(self):
        hosts = self.hosts(newest=self.newest("2027-01-15T07:00:00Z"))
        hosts[1] = seeing(hosts[1], timer={"enabled": "masked", "active_state": "inactive"})
        (text,) = cluster_plan.plan(hosts).warnings
        assert text == (
            "etcd-host1: etcd-snapshot.timer is masked: this member saves no snapshots, and in its turns no other "
            "takes its place."
        )

    @pytest.mark.parametrize("schedule, said", [("", "empty"), ("hourly", "hourly")])
    def test_at_other_times_than_those_of_the_others_are_warned_of(self, schedule, said):
        hosts = self.hosts(newest=self.newest("2027-01-15T07:00:00Z"))
        hosts[1] = self.hosts(schedule)[1]
        (text,) = cluster_plan.plan(hosts).warnings
        assert text == (
            "etcd_snapshot_schedule differs between the hosts of one cluster (etcd-host0, etcd-host2: daily; "
            f"etcd-host1: {said}): each saves at its own times only, and on its days no other takes its place. Give it "
            "once, for the group."
        )

    def test_by_a_member_that_leaves_are_no_matter(self):
        hosts = self.hosts(newest=self.newest("2027-01-15T07:00:00Z"))
        wanted = replace(hosts[1].wanted, present=False)
        hosts[1] = replace(hosts[1], wanted=replace(wanted, snapshots=replace(wanted.snapshots, schedule="")))
        assert not any("etcd_snapshot_schedule" in text for text in cluster_plan.plan(hosts).warnings)

    def test_at_times_that_systemd_does_not_know_are_refused(self):
        hosts = [seeing(host, snapshots={"schedule_problem": "Failed to parse."}) for host in self.hosts()]
        assert refusal(hosts, BadInput) == (
            "etcd-host0, etcd-host1, etcd-host2: etcd_snapshot_schedule is 'daily', which systemd does not take: "
            "Failed to parse."
        )


class TestEverythingAtOnce:
    """Each mistake by itself is tested elsewhere; here, that one hides no other."""

    STRANGER = {"pid": 77, "unit": "", "command": ["etcd", "--name", "x"], "uses": ["port 2379"]}

    def texts(self, hosts, error=Refused):
        with pytest.raises(error) as caught:
            cluster_plan.plan(hosts)
        return caught.value.texts

    def test_the_inventory_comes_first_then_the_hosts(self):
        hosts = [bare(at, etcd_settings={"quota-backend-byte": 1}, etcd_version="3.6") for at in range(3)]
        hosts[0] = replace(hosts[0], problems=("etcd_tls is 'maybe'.",), wanted=None, seen=Observation())
        hosts[1] = replace(hosts[1], problems=("etcd_verison is no variable.",))
        hosts[1] = seeing(hosts[1], host={"not_here": ["192.0.2.9"]}, strangers=[self.STRANGER])
        hosts[2] = silent(hosts[2], "Connection refused")
        found = self.texts(hosts)
        for text, said in zip(
            found,
            [
                "etcd-host0: etcd_tls is 'maybe'.",
                "etcd-host1: etcd_verison is no variable.",
                "etcd_version is '3.6'",
                "quota-backend-byte is no setting of etcd",
                "192.0.2.9, which is on none of its interfaces",
                "etcd-host2 could not be looked at: Connection refused. No cluster answers here",
                "etcd-host1 runs an etcd that this collection did not start: process 77, etcd --name x. It uses",
            ],
            strict=True,
        ):
            assert said in text

    def test_members_contradict_each_other_in_more_than_one_way(self):
        hosts = [bare(0, NODE_NAME="a"), bare(1, NODE_NAME="a", etcd_address="10.0.0.1"), bare(2)]
        found = self.texts(hosts, BadInput)
        assert ["both named a" in found[0], "same peer URL" in found[1]] == [True, True]

    def test_every_silent_host_is_named_with_its_cause(self):
        causes = ["Connection refused", "Permission denied (publickey).", "its Python is 3.6, and 3.9 is needed"]
        text = refusal([silent(bare(at), cause) for at, cause in enumerate(causes)])
        said = [f"etcd-host{at} could not be looked at: {cause.rstrip('.')}." for at, cause in enumerate(causes)]
        assert text.startswith(" ".join([*said, "No cluster answers here, and"]))
        assert "-e etcd_fenced=etcd-host0,etcd-host1,etcd-host2" in text

    def test_a_running_cluster_hides_no_wrong_setting(self):
        hosts = [serving(bare(at)) for at in range(3)]
        wrong = replace(hosts[2], wanted=replace(hosts[2].wanted, settings={"zzzzzz": 1}))
        strange = seeing(hosts[1], marker_error="The marker is not readable.")
        found = self.texts([hosts[0], strange, wrong])
        assert ["The marker is not readable." in found[0], "zzzzzz is no setting" in found[1]] == [True, True]

    def test_an_archive_without_a_checksum_is_known_before_it_is_fetched(self):
        def mirrored(host, *given):
            return replace(host, wanted=replace(host.wanted, checksums=Checksums(given, listed=False)))

        hosts = [mirrored(bare(at, etcd_version="3.6.99")) for at in range(3)]
        found = self.texts(hosts, BadInput)
        assert len(found) == 1
        assert "No checksum is known for etcd-v3.6.99-linux-amd64.tar.gz" in found[0]
        hosts = [mirrored(bare(at, etcd_version="3.6.99"), "etcd-v3.6.99-linux-amd64.tar.gz") for at in range(3)]
        assert cluster_plan.plan(hosts).steps
        assert cluster_plan.plan([mirrored(bare(at)) for at in range(3)]).steps, "the default is pinned"


def test_another_etcd_that_is_in_nobodys_way_is_a_warning():
    other = {"pid": 77, "unit": "theirs.service", "command": ["etcd", "--data-dir", "/srv"], "uses": []}
    plan = cluster_plan.plan([seeing(bare(0), strangers=[other]), bare(1), bare(2)])
    assert plan.warnings == (
        "etcd-host0 runs another etcd, process 77 of theirs.service, etcd --data-dir /srv. It uses none of the ports "
        "and directories of this one and is left alone.",
    )
    assert plan.steps
