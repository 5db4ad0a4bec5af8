# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and roles of an inventory are judged before anything is touched, all mistakes at once, without passwords."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._access import wanted
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused

SECRET = "of-a-user"


def test_what_is_right_is_read():
    found = wanted.access(
        [{"name": "app", "permissions": [{"access": "read", "key": "/a"}]}, {"name": "old", "state": "absent"}],
        [{"name": "app", "roles": ["app"]}, {"name": "cert", "no_password": True}, {"name": "gone", "state": "absent"}],
        {"app": SECRET},
    )
    assert [(role.name, role.is_present) for role in found.roles] == [("app", True), ("old", False)]
    assert [(user.name, user.password, user.no_password) for user in found.users] == [
        ("app", SECRET, False),
        ("cert", None, True),
    ]
    assert found.gone == ["gone"]


@pytest.mark.parametrize(
    ("roles", "users", "said"),
    [
        ("app", [], "etcd_roles is no list"),
        ([], {"app": {}}, "etcd_users is no list"),
        ([{}], [], "entry 1 has no name"),
        ([{"name": "a", "permission": []}], [], "etcd_roles: a has permission; known are"),
        ([{"name": "a"}, {"name": "a"}], [], "etcd_roles: a is there twice"),
        ([{"name": "a", "state": "gone"}], [], "state is present or absent"),
        ([{"name": "root", "state": "absent"}], [], "root cannot be absent"),
        ([{"name": "root", "permissions": [{"access": "read", "key": "/a"}]}], [], "root may do everything"),
        ([{"name": "a", "state": "absent"}], [{"name": "u", "roles": ["a"]}], "a role that etcd_roles removes"),
        ([], [{"name": "root", "state": "absent"}], "etcdctl user delete root"),
        ([], [{"name": "root", "roles": ["app"]}], "roles: [root]".replace("[", "\\[").replace("]", "\\]")),
        ([], [{"name": "u", "roles": "app"}], "roles is a list of names"),
        ([], [{"name": "u", "append": "yes"}], "append is true or false"),
        ([], [{"name": "u", "update_password": "never"}], "update_password is one of"),
        ([], [{"name": "with", "no_password": True}], "a password and no_password"),
        ([], [{"name": "quorum.etcd-attempt"}], "makes and removes itself"),
    ],
)
def test_what_is_wrong_is_named(roles, users, said):
    with pytest.raises(BadInput, match=said) as caught:
        wanted.access(roles, users, {"with": SECRET})
    assert SECRET not in str(caught.value)


def test_every_mistake_is_named_at_once():
    with pytest.raises(BadInput) as caught:
        wanted.access([{"name": "a", "x": 1}], [{"name": "u", "roles": "app"}, {}], {})
    assert len(caught.value.texts) == 3


def test_an_empty_password_is_refused():
    with pytest.raises(BadInput, match="is empty"):
        wanted.access([], [{"name": "u"}], {"u": ""})


def test_a_file_is_read_if_its_owner_alone_can_read_it(tmp_path):
    path = tmp_path / "password"
    path.write_text("a\\b\tc'd\"e\nsecond line\n")
    path.chmod(0o640)
    with pytest.raises(Refused, match="chmod 0600") as caught:
        wanted.password_of_file(str(path), "u")
    assert caught.value.code == "secret-readable"
    path.chmod(0o600)
    assert wanted.password_of_file(str(path), "u") == "a\\b\tc'd\"e"
