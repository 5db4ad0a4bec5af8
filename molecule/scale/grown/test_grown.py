# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three lines more in the inventory: told by C(--check --diff), done, and done only once."""

from __future__ import annotations

import pytest

OLD = ("etcd-host0", "etcd-host1", "etcd-host2")
NEW = ("etcd-host3", "etcd-host4", "etcd-host5")
STEPS = [
    *(f"install etcd 3.6.14 on {host}" for host in NEW),
    *(f"let {host} join as a learner, and make it a voter once it has caught up" for host in NEW),
]
# What a run could change; data changes all the time.
LISTING = (
    "find /etc /home /opt /root /srv /usr /var/lib -xdev "
    r"\( -path /var/lib/systemd -o -path /var/lib/etcd -o -path /root/.ansible -o -name __pycache__ \) -prune "
    r"-o -printf '%p %y %m %u %g %s %l %T@\n' | sort"
)


@pytest.fixture(scope="module")
def look(cluster):
    """Looks at all that a run could change."""

    def looked():
        files = {host: cluster.on(host, LISTING) for host in (*OLD, *NEW)}
        return files, cluster.voters(OLD[0]), cluster.processes((*OLD, *NEW))

    return looked


@pytest.fixture(scope="module")
def before(look):
    return look()


@pytest.fixture(scope="module")
def foretold(cluster, before):
    return cluster.play("--check", "--diff")


@pytest.fixture(scope="module")
def untouched(look, foretold):
    return look()


@pytest.fixture(scope="module")
def done(cluster, untouched):
    return cluster.play()


def test_check_tells_the_steps_in_their_order(foretold):
    assert (foretold.code, foretold.planned) == (0, STEPS)


def test_check_takes_none_of_them(foretold, before, untouched):
    assert foretold.taken == []
    assert untouched == before


def test_the_run_takes_those_steps_and_no_others(done):
    assert (done.code, done.planned) == (0, STEPS)
    assert sorted(done.taken) == sorted(STEPS)


def test_those_who_join_take_turns(done):
    assert done.taken[-3:] == STEPS[-3:]


def test_old_members_were_not_restarted(done, before, cluster):
    _files, _voters, processes = before
    assert cluster.processes(OLD) == {host: processes[host] for host in OLD}


@pytest.mark.parametrize("host", OLD)
def test_old_members_got_no_other_files(host, done, before, cluster):
    files, _voters, _processes = before
    assert cluster.on(host, LISTING) == files[host]


def test_all_six_are_voters_and_the_old_ones_who_they_were(done, before, cluster):
    _files, old, _processes = before
    new = cluster.voters(OLD[0])
    assert sorted(new) == [*OLD, *NEW]
    assert {name: new[name] for name in OLD} == old


@pytest.mark.parametrize("host", NEW)
def test_a_new_member_knows_itself_and_its_cluster(host, done, cluster):
    marker, voters = cluster.marker(host), cluster.voters(host)
    assert (marker["STATE"], marker["ORIGIN"], marker["MEMBER_ID"]) == ("started", "join", voters[host])
    assert marker["CLUSTER_ID"] == cluster.marker(OLD[0])["CLUSTER_ID"]


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
