# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore will do, or why not, from what hosts say."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import datetime, timezone

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._plan import restore, roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore import HostView, RestoreRequest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate
from inventory_of import (
    CLUSTER_ID,
    absent,
    bare,
    emptied,
    initial_cluster,
    learning,
    logged,
    marked,
    member_id,
    member_list,
    saying,
    seeing,
    serving,
    silent,
    stopped,
    three,
)
from snapshots_of import manifest

NOW = datetime(2026, 11, 22, 7, 40, tzinfo=timezone.utc).timestamp()
WISH = RestoreRequest("etcd_cluster")
#: The id of the cluster that a restore makes.
MADE = "1f2e3d4c5b6a7988"
PATH = "/var/lib/etcd-snapshots/etcd_cluster-20261122T070000Z-1000.db"


def at(host, now=NOW):
    return seeing(host, host={"time": now})


def answering(host, revision=1200):
    return telling(serving(at(host)), revision)


def telling(host, revision=1200):
    return seeing(host, cluster={"status": replace(host.seen.status, revision=revision)})


def kept(host, path=PATH, **changes):
    return Candidate(host.name, path, manifest(**changes))


def look(host, *snapshots, **changes):
    return HostView(host, kept=snapshots, staged={}, **changes)


def well(*snapshots_of_first):
    """Three members that serve, the first of which has snapshots."""
    hosts = [answering(host) for host in three()]
    return [look(hosts[0], *(snapshots_of_first or (kept(hosts[0]),))), *map(look, hosts[1:])]


def with_quota(quota):
    hosts = [answering(bare(number, etcd_settings={"quota-backend-bytes": quota})) for number in range(3)]
    return [look(hosts[0], kept(hosts[0])), *map(look, hosts[1:])]


def on_one_machine(look, **changes):
    """The member of a host as an instance of its own on a machine that all of them are."""
    instance = f"etcd{look.host.name[-1]}"
    wanted = bare(int(look.host.name[-1]), etcd_instance=instance).wanted
    layout = replace(wanted.layout, instance=instance, data_dir=f"/data/{instance}", conf_dir=f"/etc/{instance}")
    snapshots = replace(wanted.snapshots, directory=f"/snapshots/{instance}")
    settings = {"listen-metrics-urls": f"http://127.0.0.1:{look.host.name[-1]}2381"}
    wanted = replace(wanted, layout=layout, snapshots=snapshots, settings=settings)
    host = seeing(replace(look.host, wanted=wanted), host={"machine_id": "one", "boot": "one"}, **changes)
    return replace(look, host=host)


def heard(number):
    """A member that is said to be off and answers."""
    (one,) = member_list([number])
    return {"name": one.name, "peer_urls": one.peer_urls, "answer": f"answers at {one.client_urls[0]}"}


def lost():
    """Three members without data, of which the last one has a snapshot."""
    hosts = [at(emptied(host)) for host in three()]
    return [look(hosts[0]), look(hosts[1]), look(hosts[2], kept(hosts[2]))]


def new(size=3, *snapshots):
    """Machines that have never seen etcd, with other addresses than the old ones."""
    return [look(at(bare(number)), *(snapshots if number == 5 else ())) for number in range(5, 5 + size)]


def given(**changes):
    return Candidate("", "/srv/etcd.db", manifest(**changes))


def copied(**changes):
    """A file without a manifest, as somebody has read it."""
    details = {
        "sha256": "b" * 64,
        "size": 20480,
        "revision": 900,
        "members": [asdict(one) for one in member_list()],
        "cluster_version": "3.6.0",
        "storage_version": "3.6.0",
        "has_hash": False,
    }
    return Candidate("", "/srv/db", None, {**details, **changes})


def kinds(plan):
    """The waves, each as what is done in it and by whom."""
    return [(wave[0].kind, [step.host for step in wave]) for wave in plan.plan.waves]


class TestItsWaves:
    ALL = ["etcd-host0", "etcd-host1", "etcd-host2"]

    def test_are_done_by_every_host_before_the_next(self):
        assert kinds(restore.plan(well(), WISH)) == [
            ("fetch", ["etcd-host0"]),
            ("stage", self.ALL),
            ("save", ["etcd-host1"]),
            ("try", ["etcd-host2"]),
            ("prepare", self.ALL),
            ("mark", self.ALL),
            ("stop", ["etcd-host1", "etcd-host2"]),
            ("stop-leader", ["etcd-host0"]),
            ("archive", self.ALL),
            ("put-in-place", self.ALL),
            ("start-apart", self.ALL),
            ("compare", self.ALL),
            *(("open", [host]) for host in self.ALL),
            ("finish", self.ALL),
        ]

    def test_can_be_rolled_back_until_a_host_gets_its_new_data(self):
        plan = restore.plan(well(), WISH)
        assert kinds(plan)[plan.plan.reversible] == ("put-in-place", self.ALL)

    def test_are_what_is_printed(self):
        plan = restore.plan(well(), WISH).plan
        printed = [line.partition(": ")[2] for line in plan.text("c").splitlines() if line.startswith("  step ")]
        assert printed == list(dict.fromkeys(step.title for step in plan.steps))


class TestAClusterThatServes:
    def test_is_replaced_by_its_newest_snapshot(self):
        older, newer = (
            kept(well()[0].host, path, taken_at=taken_at, sha256=sha256)
            for path, taken_at, sha256 in (
                ("/older.db", "2026-11-21T07:00:00Z", "0" * 64),
                ("/newer.db", "2026-11-22T07:00:00Z", "1" * 64),
            )
        )
        plan = restore.plan(well(newer, older), WISH)
        assert (plan.source.path, plan.restoration.sha256) == ("/newer.db", "1" * 64)
        assert plan.restoration.initial_cluster == initial_cluster()
        assert plan.restoration.version == "3.6.14"
        assert plan.restoration.began == "20261122T074000Z"

    def test_stops_its_leader_last(self):
        assert restore.plan(well(), WISH).leader == "etcd-host0"

    def test_is_replaced_by_what_it_was_last_and_not_by_what_a_wrong_clock_says(self):
        host = well()[0].host
        ahead = kept(host, "/ahead.db", revision=100, taken_at="2031-01-01T00:00:00Z", sha256="0" * 64)
        last = kept(host, "/last.db", revision=1000, taken_at="2026-11-22T07:00:00Z", sha256="1" * 64)
        for snapshots in ((ahead, last), (last, ahead)):
            assert restore.plan(well(*snapshots), WISH).source.path == "/last.db"

    def test_is_saved_first_by_a_follower(self):
        assert restore.plan(well(), WISH).saving == "etcd-host1"

    def test_is_never_saved_by_a_learner(self):
        """It may lack what the others have."""
        voter = at(stopped(bare(0)))
        looks = [look(voter, kept(voter)), look(telling(learning(at(bare(1)), member_list(2))))]
        assert restore.plan(looks, WISH).saving == ""

    def test_is_told_what_will_be_gone(self):
        text = restore.plan(well(), WISH).plan.text("etcd_cluster")
        assert "what was written after revision 1000 is not in the snapshot, and will be gone" in text
        assert "begins at revision 1001200" in text
        assert "member.restore-20261122T074000Z" in text

    def test_begins_above_its_present_revision(self):
        assert restore.plan(well(), WISH).restoration.restored_revision == 1_001_200

    def test_gets_a_token_that_no_other_restore_has(self):
        first = restore.plan(well(), WISH).restoration.token
        again = [replace(one, host=seeing(one.host, host={"nonce": f"again-{one.host.name}"})) for one in well()]
        assert first == restore.plan(well(), WISH).restoration.token != restore.plan(again, WISH).restoration.token

    def test_is_replaced_by_a_file_on_the_controller(self):
        plan = restore.plan(well(), RestoreRequest("etcd_cluster", "/srv/etcd.db"), given(sha256="c" * 64))
        assert (plan.source.host, plan.having, "fetch" in dict(kinds(plan))) == ("", {}, False)

    def test_and_whoever_has_the_file_needs_no_copy(self):
        plan = restore.plan(well(), WISH)
        assert plan.having == {"etcd-host0": PATH}
        assert kinds(plan)[0] == ("fetch", ["etcd-host0"])


class TestAClusterThatIsLost:
    def test_is_restored_on_its_own_hosts(self):
        plan = restore.plan(lost(), WISH)
        assert (plan.source.host, plan.saving, plan.may_roll_back) == ("etcd-host2", "", True)
        assert "what .* serves now" not in plan.plan.text("etcd_cluster")

    def test_begins_above_what_may_have_been_written_since(self):
        looks = lost()
        host = looks[2].host
        looks[2] = look(host, kept(host, revision=100, taken_at="2026-11-22T06:00:00Z"), kept(host))
        # 900 in an hour, and 40 minutes since.
        assert restore.plan(looks, WISH).restoration.restored_revision == 1000 + 600 + 1_000_000

    @pytest.mark.parametrize(
        "changes", [{"serves": False, "cluster_id": CLUSTER_ID}, {"serves": True, "cluster_id": "ca11ed"}]
    )
    def test_begins_above_its_newest_snapshot_whatever_a_member_tells_that_cannot_know(self, changes):
        """One that lags behind the others that are lost, or a new cluster that was provisioned on its host."""
        looks = lost()
        host = looks[2].host
        answers = seeing(answering(host, revision=1100), cluster=changes)
        older = kept(host, revision=100, taken_at="2026-11-22T06:00:00Z")
        looks[2] = look(answers, older, kept(host))
        assert restore.plan(looks, WISH).restoration.restored_revision == 1000 + 600 + 1_000_000

    def test_begins_above_what_its_stopped_members_hold(self):
        """The file tells of nothing that was written since, and no member answers."""
        hosts = [at(stopped(host)) for host in three()]
        looks = [replace(look(host), known=member_list(), applied=70, revision=10**15) for host in hosts]
        copy = replace(copied(), modified=NOW)
        plan = restore.plan(looks, RestoreRequest("etcd_cluster", "/srv/db", snapshot_of="etcd_cluster"), copy)
        assert plan.restoration.restored_revision == 12 * 10**14

    def test_not_above_what_was_read_while_a_member_wrote_it(self):
        looks = well()
        looks[1] = replace(looks[1], revision=10**15)
        assert restore.plan(looks, WISH).restoration.restored_revision == 1_001_200

    @pytest.mark.parametrize("size", [1, 3, 5])
    def test_is_restored_on_other_machines_once_the_old_ones_are_off(self, size):
        wish = RestoreRequest("etcd_cluster", "/srv/etcd.db", fenced={f"etcd-host{old}": [] for old in range(3)})
        plan = restore.plan(new(size), wish, given())
        assert len(plan.restoration.members) == size
        assert [step.host for step in plan.installs] == [f"etcd-host{number}" for number in range(5, 5 + size)]
        assert "etcd-host0, etcd-host1, etcd-host2: said to be off" in plan.plan.text("etcd_cluster")

    def test_is_restored_with_the_etcd_that_wrote_the_snapshot(self):
        wish = RestoreRequest("etcd_cluster", "/srv/etcd.db", snapshot_of="other")
        plan = restore.plan(new(), wish, given(cluster="other", etcd_version="3.5.33", storage_version=""))
        assert plan.restoration.version == "3.5.33"

    def test_is_restored_with_no_release_behind_the_one_to_stop_at(self):
        looks = new()
        for at, look in enumerate(looks):
            wanted = replace(look.host.wanted, version="3.7.1", upgrade_stop_at="3.6")
            looks[at] = replace(look, host=replace(look.host, wanted=wanted))
        wish = RestoreRequest("etcd_cluster", "/srv/etcd.db", snapshot_of="other")
        assert restore.plan(looks, wish, given(cluster="other")).restoration.version == "3.6.14"

    def test_is_told_that_an_old_etcd_cannot_raise_the_revision(self):
        wish = RestoreRequest("etcd_cluster", "/srv/etcd.db", snapshot_of="other")
        plan = restore.plan(new(), wish, given(cluster="other", etcd_version="3.4.23", storage_version=""))
        assert plan.restoration.bump == 0
        assert "cannot raise the revision" in plan.plan.text("etcd_cluster")
        assert "3.4.27, 3.5.10" in plan.plan.text("etcd_cluster")


class TestIsRefused:
    def test_a_host_that_gives_no_answer(self):
        looks = well()
        looks[2] = look(silent(looks[2].host))
        with pytest.raises(Refused, match=r"etcd-host2 gave no answer: Failed to connect.* -e etcd_fenced=etcd-host2$"):
            restore.plan(looks, WISH)

    def test_a_member_that_is_not_in_the_inventory(self):
        with pytest.raises(Refused, match=r"etcd-host2 at http://10.0.0.3:2380.* -e etcd_fenced=etcd-host2"):
            restore.plan(well()[:2], WISH)

    def test_unless_its_machine_is_off(self):
        plan = restore.plan(well()[:2], RestoreRequest("etcd_cluster", fenced={"etcd-host2": []}))
        assert sorted(plan.restoration.members) == ["etcd-host0", "etcd-host1"]

    @pytest.mark.parametrize("word", ["etcd-host2", "db2", "10.0.0.3", member_id(2)])
    def test_whose_machine_is_named_by_any_word(self, word):
        looks = [*well()[:2], look(silent(replace(bare(2), name="db2")))]
        hosts = [roster.identity_of(one.host) for one in looks]
        fenced = restore.fenced_by([word], hosts, looks)
        assert restore.fenced_hosts(fenced, ["etcd-host0", "etcd-host1", "db2"]) == ["db2"]
        assert restore.plan(looks[:2], RestoreRequest("etcd_cluster", fenced=fenced)).source

    def test_a_host_of_the_inventory_that_is_off_is_known_by_its_address(self):
        wish = RestoreRequest("etcd_cluster", fenced={"third": ["third", "10.0.0.3"]})
        assert len(restore.plan(well()[:2], wish).restoration.members) == 2

    def test_not_one_that_is_off_and_that_the_others_still_name(self):
        nodes = ",".join(f"etcd-host{number}=http://10.0.0.{number + 1}:2380" for number in range(3))
        hosts = [answering(bare(number, ETCD_NODES=nodes, NODE_NAME=f"etcd-host{number}")) for number in range(2)]
        looks = [look(hosts[0], kept(hosts[0])), look(hosts[1])]
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2", "10.0.0.3"]})
        assert len(restore.plan(looks, wish).restoration.members) == 2

    def test_two_members_of_one_name_although_another_is_off(self):
        hosts = [answering(bare(number, NODE_NAME="same")) for number in range(2)]
        looks = [look(hosts[0], kept(hosts[0])), look(hosts[1])]
        with pytest.raises(BadInput, match="same"):
            restore.plan(looks, RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2"]}))

    def test_a_machine_that_nobody_knows(self):
        with pytest.raises(BadInput, match="etcd_fenced names etcd-hots2"):
            restore.plan(well(), RestoreRequest("etcd_cluster", fenced={"etcd-hots2": []}))

    def test_a_machine_that_is_said_to_be_off_and_answers(self):
        """Only Ansible cannot reach it: it would go on serving with the others of its kind."""
        looks = well()[:2]
        looks[1] = replace(looks[1], heard=[heard(2)])
        with pytest.raises(Refused, match=r"names etcd-host2, and asked from etcd-host1 it answers at http://10.0.0.3"):
            restore.plan(looks, RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2"]}))

    def test_not_one_that_was_looked_at_and_shares_the_address_of_one_that_is_off(self):
        looks = well()[:2]
        looks[0] = replace(looks[0], heard=[heard(1)])
        assert restore.plan(looks, RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2"]})).source

    def test_a_member_that_tells_nothing_to_whoever_is_not_logged_in(self):
        """What it serves would be replaced without having been saved."""
        looks = well()
        error = "Maintenance.Status: InvalidArgument: etcdserver: user name is empty"
        locked_out = {"status": None, "members": None, "serves": False, "error": error}
        looks[1] = replace(looks[1], host=seeing(looks[1].host, cluster=locked_out))
        with pytest.raises(Refused, match=r"etcd-host1 runs, and tells us nothing: .* etcd_user_file=PATH"):
            restore.plan(looks, WISH)

    def test_a_quorum_that_needs_machines_that_are_said_to_be_off(self):
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host1": ["etcd-host1"], "etcd-host2": ["etcd-host2"]})
        with pytest.raises(
            Refused, match=r"etcd-host0 serves, which takes 2 of 3 voters, and 1 .* etcd-host1, etcd-host2 cannot all"
        ):
            restore.plan(well()[:1], wish)

    def test_a_member_that_only_the_database_of_a_stopped_one_still_knows(self):
        """It joined after the last snapshot was saved."""
        hosts = [at(stopped(host)) for host in three()]
        looks = [replace(look(host), known=member_list(), applied=70) for host in hosts]
        looks[0] = replace(looks[0], kept=[kept(hosts[0])])
        looks[1] = replace(looks[1], known=member_list(4), applied=90)
        with pytest.raises(Refused, match=r"etcd-host3 at http://10.0.0.4:2380.* -e etcd_fenced=etcd-host3"):
            restore.plan(looks, WISH)

    def test_who_is_not_in_the_inventory_beside_those_that_are_named_already(self):
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host1": ["etcd-host1"]})
        with pytest.raises(Refused, match="-e etcd_fenced=etcd-host1,etcd-host2"):
            restore.plan(well()[:1], wish)

    def test_no_snapshot_at_all(self):
        with pytest.raises(BadInput, match="No host of etcd_cluster has a snapshot"):
            restore.plan([look(one.host) for one in well()], WISH)

    def test_a_path_that_leads_nowhere(self):
        with pytest.raises(BadInput, match="There is no file /nowhere.db on the controller, and none on any of"):
            restore.plan(well(), RestoreRequest("etcd_cluster", "/nowhere.db"))

    def test_a_path_that_leads_to_different_files(self):
        looks = well()
        looks[1] = replace(looks[1], named=kept(looks[1].host, "/srv/etcd.db", revision=3))
        with pytest.raises(BadInput, match="different files /srv/etcd.db: revision 1000 on the controller; revision 3"):
            restore.plan(looks, RestoreRequest("etcd_cluster", "/srv/etcd.db"), given(sha256="d" * 64))

    def test_a_snapshot_of_another_cluster(self):
        with pytest.raises(Refused, match="etcd_snapshot_of=77"):
            restore.plan(
                well(), RestoreRequest("etcd_cluster", "/srv/etcd.db"), given(cluster="other", cluster_id="77")
            )

    def test_a_snapshot_of_a_newer_minor(self):
        with pytest.raises(Refused, match="written by etcd 3.7.1, and etcd 3.6.14 is to restore it"):
            restore.plan(well(), RestoreRequest("etcd_cluster", "/srv/etcd.db"), given(etcd_version="3.7.1"))

    def test_a_snapshot_of_members_whose_data_differed(self):
        alarms = [Alarm(member_id(0), "CORRUPT"), Alarm("5", "CORRUPT")]
        looks = well(replace(kept(well()[0].host), alarms=alarms))
        with pytest.raises(
            Refused,
            match=r"saved, from etcd-host1, while the alarm CORRUPT was raised for etcd-host0 \(8e9e.*0\), 5\..*"
            "-e etcd_confirm=CORRUPT",
        ):
            restore.plan(looks, WISH)
        confirmed = [replace(one, host=saying(one.host, confirm=("CORRUPT",))) for one in looks]
        assert "without that alarm" in restore.plan(confirmed, WISH).plan.text("etcd_cluster")

    def test_not_one_that_was_saved_when_there_was_no_room(self):
        alarms = [Alarm(member_id(0), "NOSPACE")]
        plan = restore.plan(well(replace(kept(well()[0].host), alarms=alarms)), WISH)
        assert "saved under NOSPACE; the restored cluster is without that alarm, and takes writes" in plan.plan.text(
            "etcd_cluster"
        )

    def test_a_copied_database_of_a_newer_minor(self):
        with pytest.raises(Refused, match=r"written by etcd 3.7.0"):
            restore.plan(well(), RestoreRequest("etcd_cluster", "/srv/db"), copied(cluster_version="3.7.0"))

    def test_a_host_that_is_to_be_absent(self):
        looks = well()
        looks[2] = replace(looks[2], host=absent(looks[2].host))
        with pytest.raises(BadInput, match=r"etcd-host2 is to be absent .* -e etcd_fenced=NAME"):
            restore.plan(looks, WISH)

    @pytest.mark.parametrize("quota", [100, 1 << 20, (1 << 20) + 1])
    def test_a_quota_that_leaves_no_room_for_writes(self, quota):
        with pytest.raises(Refused, match=f"for etcd-host0 is {quota}, and the snapshot has 1048576") as refused:
            restore.plan(with_quota(quota), WISH)
        (needed,) = re.findall(r"to at least (\d+)", str(refused.value))
        assert restore.plan(with_quota(int(needed)), WISH).source

    def test_a_clock_behind_where_certificates_are_to_be_issued(self):
        looks = well()
        renewing = Authorities("/pki", renew={"peer": ["it is missing."]})
        looks[0] = replace(looks[0], host=replace(looks[0].host, authorities=renewing))
        looks[1] = replace(looks[1], host=replace(looks[1].host, skew=-3600.0))
        with pytest.raises(Refused, match="etcd-host1: its clock is 3600 s or more behind the controller's"):
            restore.plan(looks, WISH)

    def test_no_room_beside_the_old_data(self):
        looks = well()
        looks[1] = replace(looks[1], host=seeing(looks[1].host, free={"data": 300 << 20}))
        with pytest.raises(BadInput, match="etcd-host1 has 300 MiB free for its data, and the restored ones need 513"):
            restore.plan(looks, WISH)

    @pytest.mark.parametrize(
        "snapshots, copies", [(2, 0), (1, 2)], ids=["snapshots lie elsewhere", "two get a copy of the snapshot there"]
    )
    def test_no_room_for_all_members_of_a_machine_on_one_disk(self, snapshots, copies):
        """Each alone has enough, and all write at once, beside members that serve."""
        size = manifest().size
        needed = 3 * (size + restore.ROOM) + copies * size

        def with_free(free):
            devices = {"data": 1, "snapshots": snapshots}
            return [replace(on_one_machine(one, free={"data": free}), devices=devices) for one in well()]

        looks = with_free(needed)
        assert restore.plan(looks, WISH).hosts
        with pytest.raises(BadInput, match=f"are one machine .* need {needed >> 20} MiB beside the old ones"):
            restore.plan(with_free(needed - 1), WISH)
        apart = [replace(one, devices={"data": at, "snapshots": at}) for at, one in enumerate(looks)]
        assert restore.plan(apart, WISH).hosts

    def test_a_host_in_the_middle_of_a_recovery(self):
        looks = well()
        looks[1] = replace(looks[1], host=marked(looks[1].host, markers.RECOVERY_PENDING))
        fenced = RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2"]})
        both = "recover .* -e etcd_confirm_cluster=etcd_cluster {0}.*recover .* -e etcd_rollback=etcd_cluster {0}$"
        with pytest.raises(Refused, match=both.format("-e etcd_fenced=etcd-host2")):
            restore.plan(looks[:2], fenced)

    def test_a_host_in_the_middle_of_a_recovery_beside_a_restore(self):
        looks = [pending(host, begun()) for host in three()]
        looks[1] = look(marked(looks[1].host, markers.RECOVERY_PENDING))
        way = r"destroy .*confirm_cluster=etcd_cluster -e etcd_fenced=etcd-host0,etcd-host2\. Then run this again"
        with pytest.raises(Refused, match=way):
            restore.plan(looks, WISH)

    def test_a_new_machine_under_a_lost_members_dns_name(self):
        listed = [replace(one, peer_urls=[f"http://db{at}.example:2380"]) for at, one in enumerate(member_list())]
        hosts = [answering(bare(at, etcd_address=f"db{at}.example")) for at in range(2)]
        hosts = [seeing(host, cluster={"members": listed}) for host in hosts] + [bare(2, etcd_address="db2.example")]
        looks = [look(hosts[0], kept(hosts[0])), *map(look, hosts[1:])]
        with pytest.raises(Refused, match=f"another machine.* -e etcd_fenced={member_id(2)}$"):
            restore.plan(looks, WISH)
        assert restore.plan(looks, RestoreRequest("etcd_cluster", fenced={member_id(2): []})).source

    @pytest.mark.parametrize("how", ["masked", "masked-runtime"])
    def test_a_unit_that_nobody_may_start(self, how):
        """Before the first stop, not when the restored member is started."""
        looks = well()
        looks[1] = replace(looks[1], host=seeing(looks[1].host, unit={"enabled": how}))
        with pytest.raises(Refused, match=r"etcd-host1: etcd.service is masked.*systemctl unmask etcd.service"):
            restore.plan(looks, WISH)

    def test_somebody_elses_etcd_on_a_new_host(self):
        looks = new(1)
        looks[0] = replace(
            looks[0],
            host=seeing(looks[0].host, strangers=[{"pid": 7, "unit": "", "command": ["etcd"], "uses": ["port 2379"]}]),
        )
        with pytest.raises(Refused, match="runs an etcd that this collection did not start"):
            restore.plan(looks, RestoreRequest("etcd_cluster", "/srv/etcd.db", fenced={}), given())

    def test_a_group_of_which_all_is_off(self):
        with pytest.raises(BadInput, match="no host that is not fenced"):
            restore.plan([], WISH)


def begun():
    """The restore that three hosts are in the middle of."""
    return restore.plan(lost(), WISH).restoration


def pending(one, record, prepared=True):
    """A host that was marked."""
    found = marked(at(one), markers.RESTORE_PENDING, before=markers.STARTED, cluster_id=CLUSTER_ID)
    return look(found, record=record, prepared=prepared)


def restored(one, record):
    return look(logged(marked(at(one), markers.RESTORED, token=record.token)), record=record, prepared=True)


def over(one, record):
    """A host that has finished its part, whose record is gone."""
    made = {"token": record.token, "origin": markers.RESTORE, "cluster_id": MADE}
    serves = answering(logged(marked(one, markers.STARTED, **made)))
    return look(seeing(serves, data={"cluster_id": MADE}, cluster={"cluster_id": MADE}))


def wiped(one):
    """A host without its data, whatever it remembers."""
    return replace(one, host=seeing(one.host, data={"log": False}))


class TestARestoreThatIsUnderWay:
    def test_goes_on_with_what_was_written_down(self):
        record = begun()
        plan = restore.plan([pending(host, record) for host in three()], WISH)
        assert (plan.restoration, plan.source, plan.saving, plan.drilling) == (record, None, "", "")
        assert plan.may_roll_back

    def test_does_so_although_only_one_host_was_marked(self):
        record, hosts = begun(), [answering(host) for host in three()]
        looks = [pending(hosts[0], record), look(hosts[1], kept(hosts[1])), look(hosts[2])]
        plan = restore.plan(looks, WISH)
        assert plan.restoration == record
        # The file is found by its checksum.
        assert (plan.source.host, plan.source.path) == ("etcd-host1", PATH)

    def test_has_no_way_back_once_one_host_is_restored(self):
        record = begun()
        looks = [restored(bare(0), record), pending(bare(1), record), pending(bare(2), record)]
        assert not restore.plan(looks, WISH).may_roll_back
        with pytest.raises(Refused, match=r"etcd-host0 has the restored data already.*etcd\.restore .*=etcd_cluster"):
            restore.roll_back(looks, WISH)

    def test_goes_on_when_some_hosts_have_finished(self):
        record = begun()
        looks = [over(bare(0), record), over(bare(1), record), restored(bare(2), record)]
        assert restore.plan(looks, WISH).restoration == record

    def test_is_not_taken_for_a_new_one_when_only_its_record_was_left(self):
        """It ends, and is not a success: nothing was restored."""
        record = begun()
        looks = [over(bare(0), record), replace(over(bare(1), record), record=record), over(bare(2), record)]
        plan = restore.plan(looks, WISH)
        assert kinds(plan) == [("end", ["etcd-host1"]), ("await", ["etcd-host1"])]
        assert "this run restores nothing" in plan.plan.text("etcd_cluster")
        assert "restore the" not in plan.plan.text("etcd_cluster")
        looks[1] = replace(looks[1], record=None)
        with pytest.raises(Refused, match="has nothing left to do"):
            restore.plan([replace(looks[0], kept=[kept(looks[0].host)]), *looks[1:]], WISH)

    def test_is_not_over_while_a_host_has_not_finished(self):
        record = begun()
        looks = [over(bare(0), record), replace(over(bare(1), record), record=record), restored(bare(2), record)]
        assert not restore.plan(looks, WISH).ending

    def test_is_over_whatever_became_of_the_cluster_since(self):
        """Months later a member was replaced, another one was moved, and another snapshot is asked for."""
        record = begun()
        joined = marked(at(bare(1)), markers.STARTED, token="", origin=markers.JOIN, cluster_id=MADE)
        left = replace(over(bare(0), record), record=record)
        looks = [left, look(answering(logged(joined))), over(bare(2, etcd_address="10.0.0.77"), record)]
        wish = RestoreRequest("etcd_cluster", "/srv/etcd.db")
        assert restore.plan(looks, wish, given(sha256="e" * 64)).ending == ["etcd-host0"]

    def test_has_no_way_back_for_a_host_that_comes_late(self):
        """It was off while the others finished."""
        record = begun()
        looks = [over(bare(0), record), over(bare(1), record), pending(bare(2), record)]
        with pytest.raises(Refused, match="etcd-host0, etcd-host1 have the restored data already"):
            restore.roll_back(looks, WISH)
        assert restore.plan(looks, WISH).restoration == record

    def test_goes_on_without_a_machine_that_is_off(self):
        record = begun()
        looks = [restored(bare(0), record), pending(bare(1), record)]
        with pytest.raises(Refused, match=r"says otherwise of etcd-host2.*-e etcd_fenced=etcd-host2"):
            restore.plan(looks, WISH)
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host2": ["etcd-host2"]})
        assert restore.plan(looks, wish).restoration == record

    def test_does_not_go_on_without_most_of_its_machines(self):
        """Those that are left would never serve."""
        record = begun()
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host1": ["etcd-host1"], "etcd-host2": ["etcd-host2"]})
        with pytest.raises(
            Refused,
            match=r"1 of the 3 members .* a quorum needs 2; .* -e etcd_confirm_cluster=etcd_cluster "
            r"-e etcd_fenced=etcd-host1,etcd-host2\. Then restore",
        ) as refused:
            restore.plan([restored(bare(0), record)], wish)
        assert "etcd_rollback" not in str(refused.value)
        with pytest.raises(Refused, match="-e etcd_rollback=etcd_cluster"):
            restore.plan([pending(bare(0), record)], wish)

    def test_makes_no_member_anew_that_may_have_voted(self):
        """Its machine was lost once others served, and came back blank: another beside it would be a majority."""
        record = begun()
        looks = [over(bare(0), record), look(at(bare(1))), pending(bare(2), record)]
        with pytest.raises(Refused, match=r"etcd-host1 may have had .* -e etcd_fenced=etcd-host1\. .* join empty"):
            restore.plan(looks, WISH)
        wish = RestoreRequest("etcd_cluster", fenced={"etcd-host1": ["etcd-host1"]})
        assert restore.plan([looks[0], looks[2]], wish).restoration == record

    def test_does_not_go_on_where_the_restored_data_are_gone(self):
        record = begun()
        looks = [over(bare(0), record), wiped(over(bare(1), record)), pending(bare(2), record)]
        with pytest.raises(Refused, match=r"etcd-host1 may have had .* Once they serve, etcd.yml lets it join"):
            restore.plan(looks, WISH)

    def test_nor_where_they_are_gone_before_they_served(self):
        """Its marker says that a restore is under way, and lets nothing else happen."""
        record = begun()
        looks = [restored(bare(0), record), wiped(restored(bare(1), record)), restored(bare(2), record)]
        with pytest.raises(
            Refused,
            match=r"-e etcd_fenced=etcd-host1\. Once they serve, take away what etcd-host1 has of it: .*etcd.destroy .*"
            r" -e etcd_fenced=etcd-host0,etcd-host2\. Then etcd.yml",
        ):
            restore.plan(looks, WISH)

    def test_makes_a_blank_machine_a_member_as_long_as_nobody_serves(self):
        record = begun()
        looks = [restored(bare(0), record), look(at(bare(1)), kept(bare(1))), pending(bare(2), record)]
        assert restore.plan(looks, WISH).restoration == record

    def test_leaves_a_host_alone_that_has_joined_the_restored_cluster_meanwhile(self):
        record = begun()
        joined = marked(at(bare(1)), markers.STARTED, token="", origin=markers.JOIN, cluster_id=MADE)
        looks = [over(bare(0), record), look(answering(logged(joined))), pending(bare(2), record)]
        with pytest.raises(
            Refused, match=r"etcd-host1 has joined .* etcd-host2 was not there .* -e etcd_fenced=etcd-host0,etcd-host1"
        ):
            restore.plan(looks, WISH)

    def test_stays_with_its_snapshot(self):
        record = begun()
        looks = [pending(host, record) for host in three()]
        with pytest.raises(Refused, match=r"/srv/etcd.db on the controller is another one.*etcd_rollback=etcd_cluster"):
            restore.plan(looks, RestoreRequest("etcd_cluster", "/srv/etcd.db"), given(sha256="e" * 64))

    def test_stays_with_its_members(self):
        record = begun()
        looks = [pending(host, record) for host in (*three()[:2], bare(2, etcd_address="10.0.0.77"))]
        with pytest.raises(Refused, match="the inventory says otherwise of etcd-host2"):
            restore.plan(looks, WISH)

    def test_cannot_go_on_without_the_file_that_a_host_still_needs(self):
        record = begun()
        looks = [pending(bare(0), record), pending(bare(1), record), pending(bare(2), record, prepared=False)]
        with pytest.raises(Refused, match="No host has the snapshot any more .* etcd-host2 needs it"):
            restore.plan(looks, WISH)

    def test_is_not_two_of_them(self):
        record = begun()
        looks = [pending(bare(0), record), pending(bare(1), replace(record, token="other")), look(bare(2))]
        with pytest.raises(Refused, match="Hosts are in the middle of different restores"):
            restore.plan(looks, WISH)

    def test_is_not_guessed(self):
        looks = [pending(bare(0), None), look(bare(1)), look(bare(2))]
        with pytest.raises(Refused, match="in the middle of a restore, and its record is gone there"):
            restore.plan(looks, WISH)


class TestPuttingBack:
    def test_is_of_every_host_that_has_begun(self):
        record, hosts = begun(), [at(stopped(host)) for host in three()]
        looks = [pending(hosts[0], record), look(hosts[1], record=record, prepared=True), look(hosts[2])]
        assert restore.roll_back(looks, WISH) == ["etcd-host0", "etcd-host1"]

    def test_removes_copies_that_a_killed_run_has_left(self):
        looks = well()
        looks[2] = replace(looks[2], staged={"a" * 64: "/var/lib/etcd-snapshots/restoring-a.db"})
        assert restore.roll_back(looks, WISH) == ["etcd-host2"]

    def test_needs_something_that_was_begun(self):
        with pytest.raises(Refused, match="No restore is under way"):
            restore.roll_back(well(), WISH)


def test_what_was_made_and_never_marked_is_no_restore_under_way():
    """The run ended while all members served: the next one begins anew, with another token."""
    record = begun()
    looks = well()
    looks[1] = replace(looks[1], record=record, prepared=True)
    assert restore.plan(looks, WISH).restoration != record
