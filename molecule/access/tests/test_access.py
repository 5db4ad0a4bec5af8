# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, roles and authentication of an inventory, on a cluster that serves."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
PLAYBOOK = "quorum.etcd.access"
SECRET = "a\\b\tc'd\"e"
#: A certificate without a common name names no user, so that the password counts.
LOGIN = "ETCDCTL_CERT=/etc/etcd/ssl/etcd.pem ETCDCTL_KEY=/etc/etcd/ssl/etcd-key.pem etcdctl"

WRITTEN = {
    "etcd_roles": [
        {"name": "root"},
        {
            "name": "app",
            "permissions": [{"access": "readwrite", "prefix": "/app/"}, {"access": "read", "key": "/motd"}],
        },
    ],
    "etcd_users": [
        {"name": "root", "roles": ["root"], "no_password": True},
        {"name": "app", "roles": ["app"], "password": SECRET},
        {"name": "idle", "roles": [], "no_password": True},
    ],
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The variables of the inventory's group, as a file whose name alone is an argument."""

    def to(**variables):
        path = tmp_path_factory.mktemp("written") / "access.json"
        path.write_text(json.dumps({**WRITTEN, **variables}))
        path.chmod(0o600)
        return ("--extra-vars", f"@{path}")

    return to


@pytest.fixture(scope="module")
def first(cluster):
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def refused(cluster, first, written):
    return cluster.play(*written(etcd_users=[{"name": "app", "password": ""}]))


@pytest.fixture(scope="module")
def foreseen(cluster, refused, written):
    return cluster.play(*written(etcd_auth=True), "--check", "--diff")


@pytest.fixture(scope="module")
def applied(cluster, foreseen, written):
    """By the ordinary run."""
    return cluster.play(*written(etcd_auth=True), "--diff", "-vvv")


@pytest.fixture(scope="module")
def again(cluster, applied, written):
    return cluster.play(*written(etcd_auth=True))


def asked(cluster, host, command):
    """What etcdctl says to the user app."""
    password = r"""$(printf 'a\\b\tc\047d\042e')"""
    return cluster.on(host, f'{LOGIN} --user app --password "{password}" {command} 2>&1 || true')


def shown(run):
    """Whether a password is in what was printed, in any of the spellings of the program that prints."""
    spelt = {SECRET, repr(SECRET)[1:-1], json.dumps(SECRET)[1:-1], "c'd", "c\\'d"}
    return [one for one in spelt if one in run.output]


def test_an_empty_password_is_refused_before_anything_is_touched(refused, cluster):
    assert refused.code != 0
    assert "The password of user app is empty" in refused.said
    assert cluster.on(HOSTS[0], "etcdctl user list") == ""


def test_check_mode_says_what_would_change_and_changes_nothing(foreseen, cluster):
    assert foreseen.code == 0
    assert "nothing to do" in foreseen.said
    assert "/app/" in foreseen.output
    assert not shown(foreseen)
    assert cluster.on(HOSTS[0], "etcdctl user list") == ""


def test_the_ordinary_run_applies_users_roles_and_authentication(applied, first, cluster):
    assert applied.code == 0
    assert not shown(applied)
    assert cluster.on(HOSTS[0], "etcdctl user list").split() == ["app", "idle", "root"]
    assert cluster.processes(HOSTS) == first
    assert cluster.on(HOSTS[0], "etcdctl get --prefix --keys-only /quorum.etcd/authentication") == ""


def test_no_host_keeps_a_password(applied, cluster):
    for host in HOSTS:
        assert cluster.on(host, 'grep -rlF "c\'d" /tmp /root /etc /var/lib/quorum.etcd /var/log || true') == ""
        assert cluster.on(host, 'journalctl --no-pager | grep -cF "c\'d" || true').strip() == "0"


def test_a_user_may_what_his_roles_say(applied, cluster):
    cluster.on(HOSTS[0], "etcdctl put /motd hello")
    assert "OK" in asked(cluster, HOSTS[1], "put /app/a 1")
    assert "hello" in asked(cluster, HOSTS[2], "get /motd")
    assert "permission denied" in asked(cluster, HOSTS[1], "put /motd other")
    assert "permission denied" in asked(cluster, HOSTS[1], "get /other")


def test_who_names_no_user_is_refused(applied, cluster):
    assert "permission denied" in cluster.on(HOSTS[0], f"{LOGIN} get /motd 2>&1 || true")


def test_once_more_there_is_nothing_to_do(again):
    assert again.found_nothing_to_do


def test_what_no_list_names_goes_only_by_a_word(again, cluster, written):
    fewer = {"etcd_users": WRITTEN["etcd_users"][:2]}
    kept = cluster.play(*written(**fewer), playbook=PLAYBOOK)
    assert kept.code == 0
    assert "idle" in cluster.on(HOSTS[0], "etcdctl user list")
    wrong = cluster.play(*written(**fewer), "-e", "etcd_access_purge=other", playbook=PLAYBOOK)
    assert wrong.code != 0
    assert "this cluster is etcd_cluster" in wrong.said
    gone = cluster.play(*written(**fewer), "-e", "etcd_access_purge=etcd_cluster", playbook=PLAYBOOK)
    assert gone.code == 0
    assert cluster.on(HOSTS[0], "etcdctl user list").split() == ["app", "root"]


def test_nobody_shuts_himself_out(again, cluster, written):
    users = [{"name": "root", "roles": []}]
    run = cluster.play(*written(etcd_users=users), playbook=PLAYBOOK)
    assert run.code != 0
    assert "must have the role root" in run.said


def test_a_setting_changes_while_authentication_is_on(again, cluster, written):
    run = cluster.play(*written(etcd_settings={"snapshot-count": 5000}))
    assert run.code == 0
    assert len([step for step in run.taken if "restart" in step]) == 3
    assert run.said.count("healthy |") >= 3


def test_it_is_switched_off_again(again, cluster, written):
    run = cluster.play(*written(etcd_auth=False), playbook=PLAYBOOK)
    assert run.code == 0
    assert "hello" in cluster.on(HOSTS[0], f"{LOGIN} get /motd")


def test_a_module_tells_users_and_no_secret(again, inventory):
    ssl = "/etc/etcd/ssl"
    admin = f"ca_path={ssl}/ca.pem client_cert={ssl}/admin.pem client_key={ssl}/admin-key.pem"
    done = subprocess.run(
        [
            *["ansible", "-i", inventory, HOSTS[1], "-m", "quorum.etcd.etcd_auth_info"],
            *["-a", f"endpoints=https://127.0.0.1:2379 {admin}"],
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
    )
    assert '"app"' in done.stdout
    assert "c'd" not in done.stdout
