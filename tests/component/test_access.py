# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, roles and authentication against real etcd: the oldest and the newest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._access import (
    attempt,
    authentication,
    calls,
    inventory,
    wanted,
)
from ansible_collections.quorum.etcd.plugins.module_utils._access.authentication import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from cluster import EVERY_VERSION, Cluster, Tls, switch_authentication_on

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

pytestmark = pytest.mark.parametrize("release", [EVERY_VERSION[0], EVERY_VERSION[-1]])

PASSWORD = "a\\b\tc'd\"e"
ROOT = {"username": "root", "password": "secret-of-root"}


def login(name: str, password: str) -> dict[str, str]:
    return {"username": name, "password": password}


def refusals(result: dict[str, Any]) -> list[str]:
    return [one["code"] for one in result.get("refusals", [])]


def asker_of(cluster: Cluster, name: str = "", password: str = "") -> Asker:
    credentials = cluster.credentials
    return Asker(cluster.endpoints, credentials._replace(username=name or None, password=password or None), 5.0)


def make_root(run_module: RunModule, cluster: Cluster, **how: object) -> None:
    told = {"endpoints": cluster.endpoints, **connection(cluster)}
    assert not run_module("etcd_role", name="root", **told).failed
    done = run_module("etcd_user", name="root", roles=["root"], **(how or {"user_password": ROOT["password"]}), **told)
    assert not done.failed, done.result["msg"]


def connection(cluster: Cluster) -> dict[str, Any]:
    if not cluster.tls:
        return {}
    ca, cert, key = cluster.credentials[:3]
    return {"ca_path": ca, "client_cert": cert, "client_key": key}


def users(client: Client) -> set[str]:
    return set(client.call("Auth.UserList")["users"])


def permissions(client: Client, role: str) -> list[tuple[str, bytes, bytes]]:
    return [
        (one["permType"], one["key"], one["range_end"]) for one in client.call("Auth.RoleGet", {"role": role})["perm"]
    ]


class TestARole:
    def test_may_do_what_is_written_and_the_second_run_changes_nothing(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        written = {
            "endpoints": cluster.endpoints,
            "name": "app",
            "permissions": [
                {"access": "readwrite", "prefix": "/app/"},
                {"access": "read", "key": "/motd"},
                {"access": "write", "range": ["/a", "/n"]},
                {"access": "read", "range": ["/z", ""]},
            ],
        }
        foreseen = run_module("etcd_role", check_mode=True, **written).result
        with cluster.client() as client:
            assert client.call("Auth.RoleList")["roles"] == []
            first = run_module("etcd_role", **written).result
            assert (foreseen["changed"], first["changed"]) == (True, True)
            assert foreseen["role"] == first["role"]
            assert set(permissions(client, "app")) == {
                ("READWRITE", b"/app/", b"/app0"),
                ("READ", b"/motd", b""),
                ("WRITE", b"/a", b"/n"),
                ("READ", b"/z", b"\0"),
            }
            assert not run_module("etcd_role", **written).result["changed"]
            assert len(permissions(client, "app")) == 4

    def test_keeps_no_grant_twice_where_keys_share_their_first(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        """etcd appends a grant once more where the role also has that key with another end."""
        cluster = make_cluster(release)
        told = {"endpoints": cluster.endpoints, "name": "app"}
        both = [{"access": "readwrite", "key": "/a"}, {"access": "readwrite", "range": ["/a", "/b"]}]
        for _time in range(2):
            run_module("etcd_role", permissions=both, **told)
        narrowed = [{"access": "read", "key": "/a"}, both[1]]
        assert run_module("etcd_role", permissions=narrowed, **told).result["changed"]
        with cluster.client() as client:
            assert sorted(permissions(client, "app")) == [("READ", b"/a", b""), ("READWRITE", b"/a", b"/b")]
            assert not run_module("etcd_role", permissions=narrowed, **told).result["changed"]
            added = run_module("etcd_role", permissions=[{"access": "read", "key": "/c"}], append=True, **told)
            assert len(added.result["role"]["permissions"]) == len(permissions(client, "app")) == 3
            assert run_module("etcd_role", permissions=[], **told).result["changed"]
            assert permissions(client, "app") == []
        assert run_module("etcd_role", state="absent", **told).result["changed"]
        assert not run_module("etcd_role", state="absent", **told).result["changed"]

    def test_is_refused_with_a_range_that_ends_before_it_begins(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        wrong = [{"access": "read", "range": ["/b", "/a"]}]
        failed, result = run_module("etcd_role", endpoints=cluster.endpoints, name="app", permissions=wrong)
        assert failed
        assert "ends before it begins" in result["msg"]
        with cluster.client() as client:
            assert client.call("Auth.RoleList")["roles"] == []


class TestAUser:
    def test_gets_a_changed_password_once_and_it_is_shown_nowhere(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        with cluster.client() as client:
            client.call("Auth.AuthEnable")
        app = {"endpoints": cluster.endpoints, "name": "app", **ROOT}
        assert run_module("etcd_user", user_password="first", **app).result["changed"]
        assert not run_module("etcd_user", user_password="first", **app).result["changed"]
        foreseen = run_module("etcd_user", user_password=PASSWORD, check_mode=True, **app).result
        done = run_module("etcd_user", user_password=PASSWORD, **app).result
        assert foreseen["changed"] and done["changed"]
        assert PASSWORD not in json.loads(json.dumps(done)).__repr__() and json.dumps(PASSWORD)[1:-1] not in str(done)
        assert not run_module("etcd_user", user_password=PASSWORD, **app).result["changed"]
        with Client(cluster.endpoints, Credentials()) as visitor:
            assert calls.login(visitor, "app", PASSWORD) == calls.RIGHT
            assert calls.login(visitor, "app", "first") == calls.WRONG

    def test_is_refused_with_a_role_that_is_not_there_or_an_empty_password(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule, tmp_path: Path
    ) -> None:
        cluster = make_cluster(release)
        told = {"endpoints": cluster.endpoints, "name": "app"}
        failed, result = run_module("etcd_user", user_password="of-another", roles=["nobody"], **told)
        assert failed and "nobody" in result["msg"]
        failed, result = run_module("etcd_user", user_password="", **told)
        assert failed and "empty" in result["msg"]
        readable = tmp_path / "password"
        readable.write_text("of-a-file\n")
        readable.chmod(0o644)
        failed, result = run_module("etcd_user", user_password_file=str(readable), **told)
        assert failed and refusals(result) == ["secret-readable"] and "of-a-file" not in str(result)
        with cluster.client() as client:
            assert users(client) == set()
        readable.chmod(0o600)
        assert run_module("etcd_user", user_password_file=str(readable), **told).result["changed"]

    def test_cannot_take_the_last_way_to_be_root(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        with cluster.client() as client:
            client.call("Auth.AuthEnable")
        told = {"endpoints": cluster.endpoints, **ROOT}
        run_module("etcd_user", name="second", user_password="of-another", roles=["root"], **told)
        for name, options in (
            ("root", {"state": "absent"}),
            ("root", {"roles": []}),
        ):
            failed, result = run_module("etcd_user", name=name, **options, **told)
            assert failed and refusals(result) == ["would-lock-out"], (name, options)
        second = {"endpoints": cluster.endpoints, **login("second", "of-another")}
        for options in ({"state": "absent"}, {"roles": []}):
            assert refusals(run_module("etcd_user", name="second", **options, **second).result) == ["would-lock-out"]
        failed, result = run_module("etcd_user", name="root", user_password="other", **told)
        assert failed and refusals(result) == ["own-password"]
        assert refusals(run_module("etcd_role", name="root", state="absent", **told).result) == ["would-lock-out"]
        assert not run_module("etcd_user", name="root", user_password=ROOT["password"], **told).result["changed"]

    def test_of_a_certificate_gets_no_password_that_etcd_would_not_take(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        told = {"endpoints": cluster.endpoints, **ROOT}
        assert run_module("etcd_user", name="cert", no_password=True, endpoints=cluster.endpoints).result["changed"]
        assert run_module("etcd_auth", state="enabled", **told).result["changed"]
        assert not run_module("etcd_user", name="cert", no_password=True, **told).result["changed"]
        given = run_module("etcd_user", name="cert", user_password="of-another", **told)
        assert refusals(given.result) == ["no-password-user"]
        assert refusals(run_module("etcd_user", name="root", no_password=True, **told).result) == ["no-password-user"]


class TestAuthentication:
    def test_is_not_switched_on_without_root_or_without_a_user(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        told = {"endpoints": cluster.endpoints, "state": "enabled"}
        assert refusals(run_module("etcd_auth", **told, **ROOT).result) == ["no-root"]
        make_root(run_module, cluster)
        assert refusals(run_module("etcd_auth", **told).result) == ["would-lock-out"]
        assert refusals(run_module("etcd_auth", **told, **login("nobody", "a")).result) == ["would-lock-out"]
        with cluster.client() as client:
            assert users(client) == {"root"}

    def test_goes_on_and_off_by_a_password(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release, size=3)
        make_root(run_module, cluster)
        told = {"endpoints": cluster.endpoints, **ROOT}
        assert run_module("etcd_auth", state="enabled", check_mode=True, **told).result["changed"]
        assert not run_module("etcd_auth", **told).result["enabled"]
        done = run_module("etcd_auth", state="enabled", **told)
        assert done.result["changed"], done.result
        assert not run_module("etcd_auth", state="enabled", **told).result["changed"]
        info = run_module("etcd_auth_info", **told).result
        assert info["enabled"] and not info["attempt_left"]
        assert info["users"] == [{"name": "root", "roles": ["root"]}]
        anonymous = run_module("etcd_auth_info", endpoints=cluster.endpoints).result
        assert (anonymous["enabled"], anonymous["is_complete"]) == (True, False)
        with cluster.client(**ROOT) as client:
            assert client.read(attempt.KEY)["kvs"] == []
        assert run_module("etcd_auth", state="disabled", **told).result["changed"]
        assert not run_module("etcd_auth", state="disabled", **told).result["changed"]
        with cluster.client() as client:
            assert users(client) == {"root"}

    def test_is_off_again_where_the_password_is_wrong(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attempt, "_PROVEN", 0.5)
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        failed, result = run_module("etcd_auth", state="enabled", endpoints=cluster.endpoints, **login("root", "wrong"))
        assert failed and refusals(result) == ["would-lock-out"], result
        assert not run_module("etcd_auth", endpoints=cluster.endpoints).result["enabled"]
        with cluster.client() as client:
            assert users(client) == {"root"}
            assert client.read(attempt.KEY)["kvs"] == []

    def test_is_off_again_where_a_member_takes_no_name_of_a_certificate(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attempt, "_PROVEN", 1.0)
        cluster = make_cluster(release, tls=tls, client_auth=False)
        make_root(run_module, cluster, no_password=True)
        told = {"endpoints": cluster.endpoints, **connection(cluster)}
        failed, result = run_module("etcd_auth", state="enabled", **told)
        assert failed and refusals(result) == ["would-lock-out"], result
        assert not run_module("etcd_auth", **told).result["enabled"]
        with cluster.client() as client:
            assert users(client) == {"root"}

    def test_goes_on_by_a_certificate(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls
    ) -> None:
        cluster = make_cluster(release, size=3, tls=tls)
        make_root(run_module, cluster, no_password=True)
        told = {"endpoints": cluster.endpoints, **connection(cluster)}
        done = run_module("etcd_auth", state="enabled", **told)
        assert done.result["changed"], done.result
        assert run_module("etcd_auth_info", **told).result["users"] == [{"name": "root", "roles": ["root"]}]

    def test_is_not_switched_on_while_a_member_is_silent(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release, size=3)
        make_root(run_module, cluster)
        # No election is to be waited for.
        cluster.lead(cluster.members[0])
        cluster.end(cluster.members[2])
        told = {"endpoints": cluster.endpoints, "timeout": 2.0, **ROOT}
        assert refusals(run_module("etcd_auth", state="enabled", **told).result) == ["member-silent"]
        assert not run_module("etcd_auth", **told).result["enabled"]

    @pytest.mark.parametrize("password, is_on", [(ROOT["password"], True), ("wrong", False)])
    def test_is_finished_or_taken_back_by_the_run_after_an_interrupted_one(
        self, release: str, password: str, is_on: bool, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        asker = asker_of(cluster, "root", password)
        with cluster.client() as client:
            attempt._make_second(client, attempt._second(asker))
            client.call("Auth.AuthEnable")
        done = run_module("etcd_auth", state="enabled", endpoints=cluster.endpoints, **login("root", password))
        assert done.failed is not is_on, done.result
        assert authentication.is_on(asker) is is_on
        with cluster.client(**(ROOT if is_on else {})) as client:
            assert users(client) == {"root"}

    def test_is_tried_by_one_run_at_a_time(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        make_root(run_module, cluster)
        with cluster.client() as client:
            client.put(attempt.KEY, b"")
        done = run_module("etcd_auth", state="enabled", endpoints=cluster.endpoints, **ROOT)
        assert refusals(done.result) == ["auth-attempted"]

    def test_of_a_stranger_switches_nothing_off(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        """Only who began an attempt can go back, and not after it has ended well."""
        cluster = make_cluster(release)
        with cluster.client() as client:
            switch_authentication_on(client, user="root", password=ROOT["password"])
        done = run_module("etcd_auth", state="enabled", endpoints=cluster.endpoints, **login("root", "wrong"))
        assert done.failed
        assert run_module("etcd_auth", endpoints=cluster.endpoints).result["enabled"]


class TestAnInventory:
    ROLES = [{"name": "root"}, {"name": "app", "permissions": [{"access": "readwrite", "prefix": "/app/"}]}]
    USERS = [{"name": "root", "roles": ["root"]}, {"name": "app", "roles": ["app"]}]
    PASSWORDS = {"root": ROOT["password"], "app": PASSWORD}

    def apply(self, cluster: Cluster, passwords: dict[str, str] = PASSWORDS, **options: Any) -> dict[str, Any]:
        access = wanted.access(options.pop("roles", self.ROLES), options.pop("users", self.USERS), passwords)
        asked = {"auth": True, "purge": False, "check": False, **options}
        return inventory.apply(asker_of(cluster, name="root", password=ROOT["password"]), access, **asked)

    def test_is_applied_once_and_without_secrets(
        self, release: str, make_cluster: MakeCluster, run_module: RunModule
    ) -> None:
        cluster = make_cluster(release)
        foreseen = self.apply(cluster, check=True)
        assert foreseen["changed"]
        assert not run_module("etcd_auth", endpoints=cluster.endpoints).result["enabled"]
        first = self.apply(cluster)
        assert first["changed"]
        for told in (foreseen, first):
            assert not any(repr(secret)[1:-1] in repr(told) for secret in self.PASSWORDS.values())
        second = self.apply(cluster)
        assert (second["changed"], second["notes"]) == (False, [])
        with cluster.client(**login("app", PASSWORD)) as client:
            client.put("/app/a", "1")
            with pytest.raises(EtcdError):
                client.put("/other", "1")

    def test_has_changed_passwords_of_users_who_were_there_before_authentication(
        self, release: str, make_cluster: MakeCluster
    ) -> None:
        cluster = make_cluster(release)
        self.apply(cluster, {**self.PASSWORDS, "app": "old"}, auth=None)
        assert self.apply(cluster, auth=None)["notes"]
        self.apply(cluster)
        assert not self.apply(cluster)["changed"]
        with Client(cluster.endpoints, Credentials()) as visitor:
            assert calls.login(visitor, "app", PASSWORD) == calls.RIGHT

    def test_takes_what_is_not_in_it_away_only_when_told_so(self, release: str, make_cluster: MakeCluster) -> None:
        cluster = make_cluster(release)
        self.apply(cluster)
        root = {"name": "root", "roles": ["root"]}
        staying = {"name": "app", "roles": [], "append": True}
        assert not self.apply(cluster, roles=self.ROLES[:1], users=[root])["changed"]
        # A role that a staying user holds by himself stays with him.
        assert not self.apply(cluster, roles=self.ROLES[:1], users=[root, staying], purge=True)["changed"]
        assert self.apply(cluster, roles=self.ROLES[:1], users=[root], purge=True)["changed"]
        with cluster.client(**ROOT) as client:
            assert users(client) == {"root"}
            assert client.call("Auth.RoleList")["roles"] == ["root"]
        assert self.apply(cluster, auth=False)["changed"]
        assert not self.apply(cluster, auth=False)["changed"]

    def test_is_refused_by_a_user_who_is_not_root(self, release: str, make_cluster: MakeCluster) -> None:
        cluster = make_cluster(release)
        self.apply(cluster)
        access = wanted.access(self.ROLES, self.USERS, self.PASSWORDS)
        with pytest.raises(Refused) as caught:
            inventory.apply(asker_of(cluster, "app", PASSWORD), access, None, False, False)
        assert caught.value.code == "permission-denied"
