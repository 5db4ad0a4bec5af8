# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that etcd would take and a running cluster would pay for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    JOIN,
    NEVER_STARTED,
    REMOVED,
    STARTED,
    STARTING,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster, safety
from inventory_of import (
    CLUSTER_ID,
    LAYOUT,
    VERSION,
    absent,
    bare,
    learner,
    logged,
    marked,
    member_id,
    member_list,
    running,
    saying,
    seeing,
    serving,
    silent,
    stopped,
    three,
)

GIB = 1 << 30


def check(hosts):
    safety.check(hosts, roster.build(hosts), {host.name: VERSION for host in hosts})


def refusal(hosts):
    with pytest.raises(Refused) as caught:
        check(hosts)
    return str(caught.value)


def changing(host, **variables):
    """A member for which the inventory says something else now."""
    return replace(host, wanted=bare(int(host.name[-1]), **variables).wanted)


def sized(host, size):
    return seeing(host, cluster={"status": replace(host.seen.status, db_size=size)})


def cluster(**variables):
    return [changing(serving(host), **variables) for host in three()]


@pytest.mark.parametrize("life", [bare, lambda at: serving(bare(at)), lambda at: stopped(bare(at))])
def test_a_cluster_as_it_should_be_is_in_no_danger(life):
    check([life(at) for at in range(3)])
    check([life(0), silent(bare(1)), absent(life(2))])


class TestAQuota:
    def quota(self, value, size, host=None):
        hosts = [sized(serving(bare(0)), size), serving(bare(1)), host or serving(bare(2))]
        return [changing(host, etcd_settings={"quota-backend-bytes": value}) for host in hosts]

    def test_that_leaves_no_room_for_any_members_database_is_refused(self):
        text = refusal(self.quota(3 * GIB, 3 * GIB))
        assert f"quota-backend-bytes for etcd-host0 is {3 * GIB}, and the database of etcd-host0 has {3 * GIB}" in text
        assert f"Give it at least {int(3 * GIB * 1.2) + 1}" in text
        assert refusal(self.quota(int(3.5 * GIB), 3 * GIB))

    def test_with_room_is_fine(self):
        check(self.quota(4 * GIB, 3 * GIB))

    def test_that_stays_is_no_change_and_refuses_nothing(self):
        """Whoever has come near it must be able to run, for else nothing could be mended."""
        check([sized(serving(host), 8 * GIB) for host in three()])

    def test_taken_out_is_the_2_gib_of_etcd_itself(self):
        assert f"is {2 * GIB}" in refusal(self.quota(None, 2 * GIB))

    def test_of_any_size_is_less_than_none_at_all(self):
        host = serving(bare(2))
        environment = {**host.seen.runtime.environment, "ETCD_QUOTA_BACKEND_BYTES": "-1"}
        unlimited = seeing(host, runtime={"environment": environment})
        assert "quota-backend-bytes for etcd-host2" in refusal(self.quota(9 * GIB, 8 * GIB, unlimited))

    @pytest.mark.parametrize("host", [stopped(bare(2)), bare(2)])
    def test_of_one_that_is_to_start_with_it_counts_too(self, host):
        hosts = [sized(serving(bare(0)), 3 * GIB), serving(bare(1))]
        hosts.append(changing(host, etcd_settings={"quota-backend-bytes": 3 * GIB}))
        assert "quota-backend-bytes for etcd-host2" in refusal(hosts)


class TestADirectory:
    @pytest.mark.parametrize("key, variable", [("data_dir", "etcd_data_dir"), ("wal_dir", "etcd_wal_dir")])
    @pytest.mark.parametrize("remembered", [False, True])
    def test_that_changes_in_place_is_refused(self, key, variable, remembered):
        """Of a member that is stopped its marker says where the data lie; its log is not seen in the new place."""
        host = marked(bare(0), "started", data_dir="/var/lib/etcd") if remembered else serving(bare(0))
        text = refusal([changing(host, layout=replace(LAYOUT, **{key: "/srv/etcd"}))])
        assert f"{variable} " in text
        assert "/srv/etcd" in text
        assert "etcd_member_state: absent" in text

    def test_that_changes_is_refused_for_one_that_is_to_leave_too(self):
        """Its data would stay behind."""
        leaving = absent(changing(serving(bare(0)), layout=replace(LAYOUT, data_dir="/srv/etcd")))
        assert "/srv/etcd" in refusal([leaving])

    @pytest.mark.parametrize("state", [NEVER_STARTED, REMOVED])
    def test_of_a_host_without_data_may_be_another(self, state):
        host = marked(bare(0), state, data_dir="/var/lib/etcd")
        check([changing(host, layout=replace(LAYOUT, data_dir="/srv/etcd"))])

    def test_of_a_marker_that_remembers_none_is_not_guessed_at(self):
        check([changing(logged(marked(bare(0), "started")), layout=replace(LAYOUT, data_dir="/srv/etcd"))])


class TestAnAccount:
    LAYOUT = replace(LAYOUT, user="etcd2")
    ANOTHERS = {"not_its_own": "/var/lib/etcd/member (etcd:etcd)"}

    def hosts(self, host, data, exists=True):
        host = seeing(host, data=data, account={"exists": exists})
        return [replace(host, wanted=replace(host.wanted, layout=self.LAYOUT))]

    @pytest.mark.parametrize(
        "host, data, exists",
        [
            (serving(bare()), ANOTHERS, True),
            (serving(bare()), {}, False),
            (serving(bare()), {**ANOTHERS, "owner": "999"}, True),
            (stopped(bare()), {}, False),
        ],
        ids=["of a member that runs", "which is not there yet", "instead of a removed one", "of one that is down"],
    )
    def test_that_changes_while_the_data_are_the_old_ones_is_refused(self, host, data, exists):
        said = refusal(self.hosts(host, data, exists))
        owner = data.get("owner", "etcd")
        assert f"The data of etcd-host0 belong to the account {owner}, and the inventory says etcd2" in said
        assert (f"Put etcd_system_user back to {owner}." in said) is (owner == "etcd"), "a number is no account"
        assert "systemctl stop etcd.service" in said
        assert "chown -R etcd2:etcd /var/lib/etcd)" in said

    def test_that_changes_takes_the_directories_above_log_and_log_file_along(self):
        host = seeing(serving(bare(layout=replace(LAYOUT, wal_dir="/wal/etcd/log"))), data=self.ANOTHERS)
        layout = replace(host.wanted.layout, user="etcd2", log_file="/var/log/etcd/etcd.log")
        said = refusal([replace(host, wanted=replace(host.wanted, layout=layout))])
        assert "chown -R etcd2:etcd /var/lib/etcd /wal/etcd /var/log/etcd)" in said

    def test_that_has_its_data_already_is_fine(self):
        check(self.hosts(stopped(bare()), {"owner": "etcd2"}))

    def test_with_two_names_is_one(self):
        check(self.hosts(serving(bare()), {}))

    def test_that_owns_all_but_a_file_is_no_other(self):
        check([seeing(serving(bare()), data={"not_its_own": "/var/lib/etcd/member/snap/db.tmp (root:root)"})])

    def test_of_a_system_that_was_built_anew_is_made_anew(self):
        check(self.hosts(logged(bare()), {"owner": "999"}, exists=False))


class TestHeartbeatAndElection:
    def test_that_do_not_fit_in_the_mixture_are_refused(self):
        text = refusal(cluster(etcd_settings={"heartbeat-interval": 500, "election-timeout": 5000}))
        assert "will have a heartbeat-interval of 500 ms" in text
        assert "has an election-timeout of 1000 ms" in text
        assert "change election-timeout in one run and heartbeat-interval in another" in text

    def test_are_changed_in_two_runs(self):
        check(cluster(etcd_settings={"election-timeout": 5000}))
        between = [serving(bare(at, etcd_settings={"election-timeout": 5000})) for at in range(3)]
        both = {"heartbeat-interval": 500, "election-timeout": 5000}
        check([changing(host, etcd_settings=both) for host in between])

    def test_of_different_hosts_must_fit_too(self):
        hosts = [serving(bare(0)), changing(serving(bare(1)), etcd_settings={"election-timeout": 600})]
        assert "election-timeout of 600 ms" in refusal(
            [changing(hosts[0], etcd_settings={"heartbeat-interval": 150}), hosts[1]]
        )


class TestClients:
    def test_that_a_listener_is_taken_from_are_confirmed(self):
        hosts = cluster(
            etcd_listen_client_urls="http://10.0.0.1:4379", etcd_advertise_client_urls="http://10.0.0.1:4379"
        )
        text = refusal(hosts)
        assert "etcd-host0 would change listen-client-urls: " in text
        assert "http://10.0.0.1:2379,http://127.0.0.1:2379 becomes http://10.0.0.1:4379" in text
        assert "-e etcd_confirm=listen-client-urls" in text
        check([saying(host, confirm=("listen-client-urls",)) for host in hosts])

    def test_that_a_listener_of_their_own_is_taken_from_are_confirmed(self):
        before = {"listen-client-http-urls": ["http://10.0.0.1:8080"]}
        hosts = [changing(serving(bare(0, etcd_settings=before)))]
        assert "-e etcd_confirm=listen-client-http-urls" in refusal(hosts)
        check([saying(host, confirm=("listen-client-http-urls",)) for host in hosts])

    def test_that_a_listener_on_all_addresses_takes_over_are_not_cut_off(self):
        check(cluster(etcd_listen_client_urls="http://0.0.0.0:2379"))
        elsewhere = {"etcd_listen_client_urls": "http://0.0.0.0:4379", "etcd_client_port": 4379}
        assert "would change listen-client-urls" in refusal(cluster(**elsewhere))

    def test_of_a_member_that_moves_itself_move_with_it(self):
        check([changing(serving(bare(0)), etcd_address="10.0.0.9")])

    @pytest.mark.parametrize("name, value", [("host-whitelist", ["a"]), ("client-crl-file", "/etc/crl")])
    def test_that_may_be_refused_are_confirmed(self, name, value):
        hosts = cluster(etcd_settings={name: value})
        assert f"-e etcd_confirm={name}" in refusal(hosts)
        assert f"{name}: (unset) becomes " in refusal(hosts)
        check([saying(host, confirm=(name,)) for host in hosts])

    def test_that_may_be_refused_as_before_need_no_confirming(self):
        before = [serving(bare(at, etcd_settings={"host-whitelist": ["a"]})) for at in range(3)]
        settings = {"host-whitelist": ["a"], "log-level": "debug"}
        check([changing(host, etcd_settings=settings) for host in before])

    def test_that_are_welcome_again_need_no_confirming(self):
        before = [serving(bare(at, etcd_settings={"host-whitelist": ["a"]})) for at in range(3)]
        check([changing(host) for host in before])

    def test_of_a_learner_are_none_yet(self):
        """Its listeners are corrected together with its address."""
        wrong = bare(3, etcd_listen_client_urls="http://0.0.0.0:2379")
        listed = [*member_list(), learner(3, started=False)]
        ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(3)}
        joining = running(logged(marked(wrong, STARTING, origin=JOIN, **ids)))
        check([*(serving(host, listed) for host in three()), changing(joining)])
        voter = running(logged(marked(wrong, STARTED, origin=JOIN, **ids)))
        assert "etcd_confirm" in refusal([*(serving(host, member_list(4)) for host in three()), changing(voter)])

    def test_of_members_that_are_down_are_cut_off_already(self):
        here = "http://127.0.0.1:2379"
        check([changing(stopped(bare(0)), etcd_listen_client_urls=here, etcd_advertise_client_urls=here)])


@pytest.mark.parametrize("before, after", [(False, True), (True, False)])
def test_a_live_cluster_does_not_change_between_plain_and_tls(before, after):
    hosts = [changing(serving(bare(at, tls=before)), tls=after) for at in range(3)]
    text = refusal(hosts)
    assert f"etcd_tls: {str(after).lower()}" in text
    assert f"Put etcd_tls back to {str(before).lower()}" in text
