# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done about a lost quorum, and when nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_space import Place
from ansible_collections.quorum.etcd.plugins.module_utils._plan import recovery
from ansible_collections.quorum.etcd.plugins.module_utils._plan.recovery import MemberRemains, RecoveryConsent
from inventory_of import (
    CLUSTER_ID,
    bare,
    emptied,
    marked,
    member_id,
    member_list,
    running,
    saying,
    seeing,
    serving,
    silent,
    stopped,
)

PENDING = markers.RECOVERY_PENDING


def log(index=100, term=5, commit=None, keepable=None, torn=False):
    return {
        "term": term,
        "index": index,
        "commit": index if commit is None else commit,
        "keepable": index if keepable is None else keepable,
        "torn": torn,
    }


def place(path="/var/lib/etcd/recovering", device=1, **sizes):
    """Where something will be written, in MiB."""
    return Place(path, device, **{name: size << 20 for name, size in {"free": 100, "needs": 0, **sizes}.items()})


def left(at=0, **fields):
    """What is left on C(etcd-hostAT): its log, unless a test says otherwise."""
    return MemberRemains(
        **{
            "state": markers.STARTED,
            "member_id": member_id(at),
            "cluster_id": CLUSTER_ID,
            "log": log(),
            "members": member_list(),
            "copies": (place(needs=1),),
            "version": "3.6.0",
            **fields,
        }
    )


NOTHING = MemberRemains()


def plan(hosts, found, at_rest=False, **words):
    words["fenced"] = tuple(words.get("fenced", ()))
    told = {host.name: one for host, one in zip(hosts, found, strict=True) if one is not None}
    return recovery.plan(hosts, told, RecoveryConsent(**words), at_rest)


def titles(found):
    return list(dict.fromkeys(step.title for step in found.plan.steps))


def survivor():
    return stopped(bare(0))


def one_left(**fields):
    """One host with its data, one that was built anew, and one that is off."""
    return [survivor(), bare(1), silent(bare(2))], [left(0, **fields), NOTHING, None]


class TestOneMemberGoesOn:
    def test_and_the_others_join_it_empty(self):
        found = plan(*one_left(), fenced=["etcd-host2"])
        assert (found.survivor, found.founds, found.rests) == ("etcd-host0", True, ("etcd-host0", "etcd-host1"))
        assert (found.saves, found.rolls_back, found.installs) == ((), (), ())

    def test_whatever_the_machines_are_called_by_that_are_off(self):
        hosts, found = one_left()
        hosts[2] = silent(replace(bare(2), name="db3"))
        for word in ("etcd-host2", "db3", "10.0.0.3", member_id(2)):
            made = plan(hosts, found, fenced=[word])
            assert (made.founds, made.off) == (True, ("db3",))

    def test_and_all_of_it_is_told(self):
        text = plan(*one_left(log=log(9, 2, commit=7, torn=True)), fenced=["etcd-host2"]).plan.text("prod")
        assert text.splitlines() == [
            "prod: 1 of 3 voters is left: etcd-host0 is to go on alone",
            "  step 1 of 4: stop the members on etcd-host0, etcd-host1, and let none start",
            "  step 2 of 4: the member on etcd-host0 goes on alone, from a copy of its data",
            "  step 3 of 4: archive the data on etcd-host1",
            "  step 4 of 4: etcd-host1 join it anew, empty, one after the other",
            "  note: etcd-host0: its log ends at term 2, entry 9 (torn behind that)",
            "  note: etcd-host1: no data",
            "  note: 2 entries at the end of that log were not known to be agreed on, and are kept; they may hold "
            "acknowledged writes, and such as were not",
            "  note: given up: etcd-host2. Never switch them on again with their old disks",
            "  note: writes that were acknowledged by lost members only are lost",
        ]

    def test_of_which_a_snapshot_is_saved_first_if_it_still_answers(self):
        hosts, found = one_left()
        answering = serving(survivor())
        hosts[0] = seeing(answering, cluster={"serves": False, "error": "no leader"})
        assert plan(hosts, found, fenced=["etcd-host2"]).saves == ("etcd-host0",)
        assert plan(hosts, found, fenced=["etcd-host2"], at_rest=True).saves == ("etcd-host0",)
        hosts[0] = running(survivor())
        assert plan(hosts, found, fenced=["etcd-host2"]).saves == ()

    @pytest.mark.parametrize(
        "logs, chosen",
        [
            ((log(100, 5), log(90, 6)), "etcd-host1"),
            ((log(100, 5), log(101, 5)), "etcd-host1"),
            ((log(100, 5), log(100, 5)), "etcd-host0"),
            ((log(101, 5, commit=50), log(100, 5, commit=100)), "etcd-host0"),
        ],
    )
    def test_whose_log_ends_with_the_highest_term_and_then_the_highest_index(self, logs, chosen):
        hosts = [stopped(bare(at)) for at in range(2)]
        hosts += [silent(bare(at)) for at in range(2, 5)]
        names = [f"etcd-host{at}" for at in range(2, 5)]
        found = [left(at, log=one, members=member_list(5)) for at, one in enumerate(logs)]
        made = plan(hosts, [*found, None, None, None], fenced=names)
        assert made.survivor == chosen

    def test_and_never_a_learner_or_a_log_that_is_damaged(self):
        hosts = [stopped(bare(at)) for at in range(4)]
        listed = [*member_list(range(1, 6)), replace(member_list(1)[0], is_learner=True)]
        found = [
            left(0, log=log(300), members=listed),
            left(1, log=None, damaged="it is broken.", members=listed),
            left(2, log=log(10), members=listed),
            left(3, log=log(9), members=listed),
        ]
        names = ["etcd-host4", "etcd-host5"]
        hosts, found = [*hosts, *(silent(bare(at)) for at in (4, 5))], [*found, None, None]
        made = plan(hosts, found, fenced=names)
        assert made.survivor == "etcd-host2"
        assert "etcd-host1: it is broken." in made.facts
        assert "etcd-host0: its log ends at term 5, entry 300, as a learner's: it is not taken" in made.facts

    def test_and_a_host_that_moved_with_all_that_it_remembers_is_that_members(self):
        hosts, found = one_left()
        hosts[1] = stopped(bare(1, etcd_address="10.0.9.2"))
        assert plan(hosts, found, fenced=["etcd-host2"]).founds

    def test_with_the_release_that_it_runs(self):
        hosts, found = one_left()
        hosts[0] = seeing(hosts[0], unit={"version": "3.5.33"})
        assert plan(hosts, found, fenced=["etcd-host2"]).goes_on.version == "3.5.33"

    def test_on_another_machine_under_another_name(self):
        """All that is left is a copied data directory; the old machines are off."""
        hosts = [bare(7), bare(8)]
        names = [member.name for member in member_list()]
        with pytest.raises(Refused, match="-e etcd_fenced=etcd-host0,etcd-host1,etcd-host2"):
            plan(hosts, [left(0, state=""), NOTHING])
        found = plan(hosts, [left(0, state=""), NOTHING], fenced=names)
        assert (found.survivor, found.goes_on.version) == ("etcd-host7", releases.DEFAULT_VERSION)
        older = plan(hosts, [left(0, state="", version="3.5.0"), NOTHING], fenced=names)
        assert older.goes_on.version == "3.5.33"
        assert [step.kind for step in found.installs] == ["install"]

    def test_where_an_interrupted_run_has_begun_whatever_the_others_have(self):
        hosts = [marked(survivor(), PENDING), marked(stopped(bare(1)), PENDING), silent(bare(2))]
        found = [left(0, state=PENDING, founded=True), left(1, state=PENDING, log=log(999)), None]
        made = plan(hosts, found, fenced=["etcd-host2"])
        assert (made.survivor, made.summary) == ("etcd-host0", "etcd-host0 has begun as the new cluster")

    def test_although_enough_are_here_where_a_run_was_interrupted_that_had_stopped_them(self):
        hosts = [marked(stopped(bare(at)), PENDING) for at in range(3)]
        assert plan(hosts, [left(at, state=PENDING) for at in range(3)]).founds


class TestNothingIsDoneWhile:
    def test_a_member_serves(self):
        hosts = [serving(survivor()), stopped(bare(1)), stopped(bare(2))]
        with pytest.raises(Refused, match=r"etcd-host0 serves: the quorum is not lost.*Run etcd\.yml"):
            plan(hosts, [left(at) for at in range(3)])

    def test_the_old_cluster_is_back(self):
        hosts = [serving(survivor()), marked(stopped(bare(1)), PENDING), stopped(bare(2))]
        with pytest.raises(Refused, match="not lost.*-e etcd_rollback=etcd_cluster"):
            plan(hosts, [left(0), left(1, state=PENDING), left(2)])

    def test_enough_are_here_to_be_started(self):
        hosts = [survivor(), stopped(bare(1)), silent(bare(2))]
        with pytest.raises(Refused, match=r"2 of 3 voters are here.*That is a quorum.*Run etcd\.yml"):
            plan(hosts, [left(0), left(1), None], fenced=["etcd-host2"])
        assert plan(hosts, [left(0), left(1), None], fenced=["etcd-host2"], quorum_lost=True).founds

    def test_a_member_tells_us_nothing_whatever_the_operator_believes(self):
        error = "KV.Range: PermissionDenied: etcdserver: permission denied"
        hosts = [seeing(running(survivor()), cluster={"error": error}), stopped(bare(1)), silent(bare(2))]
        with pytest.raises(Refused, match="Authentication is on.*etcd_user_file=PATH"):
            plan(hosts, [left(0), left(1), None], fenced=["etcd-host2"], quorum_lost=True)

    def test_a_host_was_not_heard(self):
        hosts, found = one_left()
        hosts[2] = silent(bare(2), "No route to host")
        with pytest.raises(Refused, match=r"etcd-host2 could not be looked at: No route to host\. Its .*=etcd-host2$"):
            plan(hosts, found)

    def test_a_restore_is_under_way(self):
        with pytest.raises(Refused, match=r"A restore from a snapshot is under way.*etcd\.restore .*=etcd_cluster"):
            plan(*one_left(state=markers.RESTORED), fenced=["etcd-host2"])

    def test_a_machine_that_is_said_to_be_off_is_on(self):
        with pytest.raises(BadInput, match="names etcd-host1, whose machine was just looked at: it is on"):
            plan(*one_left(), fenced=["etcd-host1", "etcd-host2"])

    def test_a_machine_that_is_said_to_be_off_by_its_members_name_is_on(self):
        hosts, found = one_left()
        hosts[1] = bare(1, NODE_NAME="m1")
        with pytest.raises(BadInput, match="names m1 .etcd-host1., whose machine was just looked at: it is on"):
            plan(hosts, found, fenced=["m1", "etcd-host2"])

    def test_a_member_that_is_said_to_be_off_answers(self):
        heard = [{"id": member_id(2), "name": "etcd-host2", "answer": "answers at http://10.0.0.3:2379"}]
        with pytest.raises(Refused, match="names etcd-host2, and asked from etcd-host0 it answers at http"):
            plan(*one_left(heard=heard), fenced=["etcd-host2"])

    def test_one_is_said_to_be_off_whom_nobody_knows(self):
        with pytest.raises(BadInput, match="etcd_fenced names etcd-host9, which is no host"):
            plan(*one_left(), fenced=["etcd-host2", "etcd-host9"])

    def test_a_member_is_known_that_is_nowhere_in_the_inventory(self):
        hosts, found = one_left(members=member_list(4))
        with pytest.raises(
            Refused, match=r"members that no host.*etcd-host3 at http.*etcd_fenced=etcd-host2,etcd-host3"
        ):
            plan(hosts, found, fenced=["etcd-host2"])
        assert plan(hosts, found, fenced=["etcd-host2", "etcd-host3"]).founds
        assert plan(hosts, found, fenced=["etcd-host2", member_id(3)]).founds

    def test_a_lost_members_name_and_another_address_are_a_new_machines(self):
        """The old one, which nobody has looked at, may go on with others."""
        hosts, found = one_left()
        hosts[1] = bare(1, etcd_address="10.0.9.2")
        with pytest.raises(Refused, match=f"etcd-host1 at http://10.0.0.2:2380.*=etcd-host2,{member_id(1)}$"):
            plan(hosts, found, fenced=["etcd-host2"])
        with pytest.raises(BadInput, match=f"names etcd-host1, which could be each of.*{member_id(1)}"):
            plan(hosts, found, fenced=["etcd-host2", "etcd-host1"])
        assert plan(hosts, found, fenced=["etcd-host2", member_id(1)]).founds

    def test_there_is_no_data(self):
        hosts = [emptied(bare(0)), bare(1), silent(bare(2))]
        with pytest.raises(Refused, match=r"nothing to recover from\. Restore a snapshot: .*quorum\.etcd\.restore"):
            plan(hosts, [left(0, log=None, member_id=""), NOTHING, None], fenced=["etcd-host2"])

    def test_there_is_no_data_any_more_once_all_rest(self):
        hosts = [marked(survivor(), PENDING), silent(bare(1)), silent(bare(2))]
        found = [left(0, state=PENDING, log=None, damaged="it is broken."), None, None]
        off = "-e etcd_fenced=etcd-host1,etcd-host2"
        with pytest.raises(Refused, match=f"recover .*-e etcd_rollback=etcd_cluster {off}.*restore .* {off}$"):
            plan(hosts, found, fenced=["etcd-host1", "etcd-host2"])

    def test_there_is_no_data_any_more_once_the_new_cluster_was_made(self):
        ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(0)}
        made = emptied(bare(0))
        hosts = [marked(made, markers.STARTED, origin=markers.RECOVERY, **ids), marked(emptied(bare(1)), PENDING)]
        found = [left(0, log=None, members=()), left(1, state=PENDING, log=None, members=())]
        with pytest.raises(Refused, match=r"etcd\.destroy .*=etcd_cluster\. Then restore .*etcd\.restore "):
            plan(hosts, found)

    def test_a_new_machine_has_a_lost_members_dns_name(self):
        """Its old machine may go on: those that know its address reach it."""
        listed = [replace(one, peer_urls=[f"http://db{at}.example:2380"]) for at, one in enumerate(member_list())]
        addresses = [f"db{at}.example" for at in range(3)]
        hosts = [
            stopped(bare(0, etcd_address=addresses[0])),
            bare(1, etcd_address=addresses[1]),
            silent(bare(2, etcd_address=addresses[2])),
        ]
        found = [left(0, members=listed), NOTHING, None]
        with pytest.raises(Refused, match=f"another machine.*-e etcd_fenced=etcd-host2,{member_id(1)}$"):
            plan(hosts, found, fenced=["etcd-host2"])
        # One that this recovery has suspended is no older for that.
        hosts[1] = marked(hosts[1], PENDING, before="", member_id="")
        with pytest.raises(Refused, match="another machine"):
            plan(hosts, found, fenced=["etcd-host2"], at_rest=True)
        assert plan(hosts, found, fenced=["etcd-host2", member_id(1)]).founds

    def test_the_logs_are_of_different_clusters(self):
        hosts = [survivor(), stopped(bare(1)), silent(bare(2))]
        with pytest.raises(Refused, match="etcd-host0 of cdf818194e3a8c32, etcd-host1 of feed"):
            plan(hosts, [left(0), left(1, cluster_id="feed"), None], fenced=["etcd-host2"])

    def test_the_only_log_is_not_the_one_that_its_marker_knows(self):
        with pytest.raises(Refused, match="different clusters: etcd-host0 of feed"):
            plan(*one_left(cluster_id="feed"), fenced=["etcd-host2"])

    def test_there_is_no_room_for_a_copy(self):
        with pytest.raises(Refused, match=r"etcd-host0 has 100 MiB free in .*takes 101 MiB\. "):
            plan(*one_left(copies=(place(needs=101),)), fenced=["etcd-host2"])

    def test_there_is_no_room_for_a_copy_of_a_log_that_lies_apart(self):
        apart = place("/wal.recovering", needs=60, device=2)
        same = place("/wal.recovering", needs=60)
        assert plan(*one_left(copies=(place(needs=60), apart)), fenced=["etcd-host2"]).founds
        with pytest.raises(Refused, match=r"free in .*etcd/recovering and /wal.recovering.*takes 120 MiB"):
            plan(*one_left(copies=(place(needs=60), same)), fenced=["etcd-host2"])

    def still_answering(self, **fields):
        hosts, found = one_left(**fields)
        hosts[0] = seeing(serving(survivor()), cluster={"serves": False, "error": "no leader"})
        return hosts, found

    def test_the_snapshot_that_is_saved_first_would_leave_no_room_for_the_copy(self):
        """It is refused while the member still answers, not once it is stopped."""
        sizes = {"copies": (place(needs=60),), "snapshot": place("/snapshots", needs=50)}
        hosts, found = self.still_answering(**sizes)
        with pytest.raises(Refused, match="takes 110 MiB, with the snapshot in /snapshots.*-e etcd_snapshot_dir=PATH"):
            plan(hosts, found, fenced=["etcd-host2"])
        # It is saved by then, or lies elsewhere.
        assert plan(hosts, found, fenced=["etcd-host2"], at_rest=True).founds
        hosts, found = self.still_answering(**{**sizes, "snapshot": place("/snapshots", needs=50, device=2)})
        assert plan(hosts, found, fenced=["etcd-host2"]).saves == ("etcd-host0",)

    def test_there_is_no_room_for_that_snapshot(self):
        sizes = {"copies": (place(needs=1),), "snapshot": place("/snapshots", needs=50, leaves=64)}
        hosts, found = self.still_answering(**sizes)
        way = r"100 MiB free in /snapshots.*needs 114 MiB.*etcd_snapshot_dir=PATH.*: systemctl stop etcd$"
        with pytest.raises(Refused, match=way):
            plan(hosts, found, fenced=["etcd-host2"])
        hosts[0] = survivor()
        assert plan(hosts, [left(0), *found[1:]], fenced=["etcd-host2"]).saves == ()

    def test_members_of_one_machine_save_theirs_at_the_same_time(self):
        """Each alone has room for its own."""
        ports = {"etcd_peer_port": 12380, "etcd_client_port": 12379}
        answering = [
            seeing(serving(stopped(bare(at, **ports if at else {}))), cluster={"serves": False}) for at in (0, 1)
        ]
        layout = replace(answering[1].wanted.layout, instance="etcd1", data_dir="/data/1", conf_dir="/etc/etcd1")
        snapshots = replace(answering[1].wanted.snapshots, directory="/snapshots1")
        settings = {"listen-metrics-urls": "http://127.0.0.1:12381"}
        wanted = replace(answering[1].wanted, layout=layout, snapshots=snapshots, settings=settings)
        answering[1] = replace(answering[1], wanted=wanted)
        off = ["etcd-host2", "etcd-host3", "etcd-host4"]

        def planned(hosts, copy, snapshot, device=1):
            places = {"copies": (place(needs=copy),), "snapshot": place("/snapshots", needs=snapshot, leaves=20)}
            found = [left(at, members=member_list(5), **places) for at in (0, 1)]
            found[1] = replace(found[1], snapshot=replace(found[1].snapshot, device=device))
            others = [silent(bare(at)) for at in (2, 3, 4)]
            return plan([*hosts, *others], [*found, None, None, None], fenced=off)

        apart = answering
        one = [seeing(host, host={"machine_id": "one", "boot": "one"}) for host in answering]
        assert planned(apart, 1, 45).founds
        with pytest.raises(Refused, match="100 MiB free in /snapshots.*needs 110 MiB, with those of 1 other member"):
            planned(one, 1, 45)
        assert planned(one, 1, 45, device=2).founds
        assert planned(apart, 50, 40).founds
        with pytest.raises(
            Refused, match="a copy of the data takes 130 MiB, with the snapshot in /snapshots and /snap"
        ):
            planned(one, 50, 40)

    def test_another_log_that_is_still_written_could_be_chosen_and_has_no_room(self):
        hosts = [stopped(bare(0)), running(stopped(bare(1))), *(silent(bare(at)) for at in (2, 3, 4))]
        found = [left(at, members=member_list(5), copies=(place(needs=1 + 100 * at),)) for at in (0, 1)]
        off = ["etcd-host2", "etcd-host3", "etcd-host4"]
        with pytest.raises(Refused, match="etcd-host1 has 100 MiB free"):
            plan(hosts, [*found, None, None, None], fenced=off)
        assert plan(hosts, [*found, None, None, None], fenced=off, at_rest=True).survivor == "etcd-host0"

    def test_nothing_tells_which_release_an_old_members_data_are_of(self):
        for written, text in (("3.4.0", "data of etcd 3.4, and no release"), ("", "data of an unknown etcd")):
            with pytest.raises(Refused, match=f"{text}.*-e etcd_version=X.Y.Z"):
                plan([bare(7)], [left(0, state="", version=written)], fenced=[one.name for one in member_list()])

    def test_what_is_asked_for_is_not_what_an_old_members_data_are_of(self):
        hosts, fenced = [bare(7, etcd_version="3.6.14")], [one.name for one in member_list()]
        with pytest.raises(Refused, match="data of an unknown etcd") as refused:
            plan(hosts, [left(0, state="", version="")], fenced=fenced)
        assert "etcd_confirm=X.Y.Z" in refused.value.remedy
        confirmed = [saying(hosts[0], confirm=("3.6.14",))]
        assert plan(confirmed, [left(0, state="", version="")], fenced=fenced).goes_on.version == "3.6.14"

    def test_another_minor_is_asked_for_than_the_data_are_of(self):
        hosts = [bare(7, etcd_version="3.6.14")]
        with pytest.raises(Refused, match=r"data of etcd 3\.5, and etcd_version is 3\.6\.14"):
            plan(hosts, [left(0, state="", version="3.5.0")], fenced=[one.name for one in member_list()])

    def test_its_certificate_authorities_are_not_here(self):
        urls = [{"peer_urls": [f"https://10.0.0.{at}:2380"]} for at in (1, 2, 3)]
        hosts, found = one_left(members=[replace(one, **url) for one, url in zip(member_list(), urls, strict=True)])
        hosts[0] = replace(stopped(bare(0, tls=True)), authorities=Authorities("/pki", missing=("client",)))
        hosts[1] = bare(1, tls=True)
        with pytest.raises(Refused, match="The client CA is not in /pki"):
            plan(hosts, found, fenced=["etcd-host2"])

    def test_a_marker_cannot_be_read(self):
        hosts, found = one_left()
        hosts[0] = seeing(hosts[0], marker_error="It is of another format.")
        with pytest.raises(Refused, match="etcd-host0: It is of another format"):
            plan(hosts, found, fenced=["etcd-host2"])


class TestARunThatWasInterruptedLate:
    def test_lets_the_others_follow_the_new_cluster(self):
        alone = serving(survivor(), member_list(1))
        hosts = [alone, marked(stopped(bare(1)), PENDING), silent(bare(2))]
        found = plan(hosts, [left(0, members=member_list(1)), left(1, state=PENDING), None], fenced=["etcd-host2"])
        assert (found.survivor, found.founds, found.rests) == ("etcd-host0", False, ("etcd-host1",))
        assert titles(found) == ["stop the members on etcd-host1, and let none start", "archive the data on etcd-host1"]
        assert found.plan.follows == ("etcd-host1 join it anew, empty, one after the other",)

    def test_takes_the_same_words_again_although_nobody_knows_the_lost_ones_any_more(self):
        ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(0)}
        alone = serving(marked(survivor(), markers.STARTED, origin=markers.RECOVERY, **ids), member_list(1))
        hosts = [alone, marked(bare(1), PENDING, before="")]
        found = [left(0, members=member_list(1)), MemberRemains(state=PENDING)]
        assert plan(hosts, found, fenced=[member_id(1), "etcd-host2"]).rests == ("etcd-host1",)

    def test_has_nothing_left_but_an_ordinary_run(self):
        ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(0)}
        again = serving(marked(survivor(), markers.STARTED, origin=markers.RECOVERY, **ids), member_list(1))
        found = plan([again, bare(1)], [left(0), NOTHING])
        assert found.plan.steps == []


class TestWhatWasBegunIsPutBack:
    def test_on_every_host_that_has_begun(self):
        hosts = [marked(survivor(), PENDING), marked(stopped(bare(1)), PENDING), stopped(bare(2))]
        found = plan(hosts, [left(0, state=PENDING), left(1, state=PENDING), left(2)], roll_back=True)
        assert (found.rolls_back, found.rests, found.founds) == (("etcd-host0", "etcd-host1"), (), False)
        assert titles(found) == ["etcd-host0 gets back what it had", "etcd-host1 gets back what it had"]

    def test_but_not_beside_a_new_cluster_that_was_made(self):
        hosts = [marked(survivor(), PENDING), marked(stopped(bare(1)), PENDING)]
        with pytest.raises(Refused, match=r"etcd-host0 has made the new cluster.*etcd\.recover .*=etcd_cluster"):
            plan(hosts, [left(0, state=PENDING, founded=True), left(1, state=PENDING)], roll_back=True)

    def test_nor_beside_one_that_has_begun_to_serve(self):
        hosts = [survivor(), marked(stopped(bare(1)), PENDING)]
        with pytest.raises(Refused, match="etcd-host0 has made the new cluster"):
            plan(hosts, [left(0, members=member_list(1)), left(1, state=PENDING)], roll_back=True)

    def test_nor_beside_one_that_a_second_attempt_has_stopped_again(self):
        hosts = [marked(survivor(), PENDING), marked(stopped(bare(1)), PENDING)]
        found = [left(0, state=PENDING, members=member_list(1)), left(1, state=PENDING)]
        with pytest.raises(Refused, match="etcd-host0 has made the new cluster"):
            plan(hosts, found, roll_back=True)

    def test_also_where_the_cluster_was_recovered_long_ago(self):
        hosts = [marked(survivor(), PENDING, origin=markers.RECOVERY), marked(stopped(bare(1)), PENDING)]
        assert plan(hosts, [left(0, state=PENDING), left(1, state=PENDING)], roll_back=True).rolls_back

    def test_nor_while_a_host_is_not_heard_that_may_have_made_it(self):
        hosts = [marked(survivor(), PENDING), silent(bare(1))]
        with pytest.raises(Refused, match="etcd-host1 could not be looked at.*-e etcd_fenced=etcd-host1$"):
            plan(hosts, [left(0, state=PENDING), None], roll_back=True)

    @pytest.mark.parametrize("log_or_none", [log(), None])
    def test_beside_machines_that_are_off_whatever_became_of_its_log(self, log_or_none):
        hosts = [marked(survivor(), PENDING), silent(bare(1)), silent(bare(2))]
        found = [left(0, state=PENDING, log=log_or_none), None, None]
        made = plan(hosts, found, roll_back=True, fenced=["etcd-host1", "etcd-host2"])
        assert (made.rolls_back, made.off) == (("etcd-host0",), ("etcd-host1", "etcd-host2"))

    def test_nor_beside_a_new_cluster_whose_members_cannot_be_read(self):
        ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(0)}
        made = marked(survivor(), markers.STARTED, origin=markers.RECOVERY, **ids)
        hosts = [made, marked(stopped(bare(1)), PENDING)]
        with pytest.raises(Refused, match="etcd-host0 has made the new cluster"):
            plan(hosts, [left(0, members=()), left(1, state=PENDING)], roll_back=True)
        assert plan(hosts, [left(0), left(1, state=PENDING)], roll_back=True).rolls_back

    def test_where_nothing_was_begun_there_is_nothing(self):
        with pytest.raises(Refused, match="No host of the group is in a recovery"):
            plan([survivor()], [left(0)], roll_back=True)
