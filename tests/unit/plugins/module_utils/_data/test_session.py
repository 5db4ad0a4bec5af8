# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why etcd does not let a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._data import session
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

DENIED = "etcdserver: permission denied"


class Etcd:
    """Knows one user with one role."""

    def call(self, method: str, _request: Mapping[str, Any]) -> dict[str, Any]:
        if method == "Auth.UserGet":
            return {"roles": ["ops"]}
        return {"perm": [{"permType": "READ", "key": b"/app/", "range_end": b"/app0"}]}


class Silent:
    """Tells nothing."""

    def call(self, method: str, _request: Mapping[str, Any]) -> dict[str, Any]:
        raise RpcError("http://x:1", method, 7, "PermissionDenied", DENIED)


def why(etcd: object, credentials: Credentials, wish: str, where: KeyRange, detail: str = DENIED) -> Refused:
    refused = session.why(Session(cast(Client, etcd), credentials), wish, where, detail)
    assert refused is not None
    return refused


def test_the_user_its_roles_and_the_command_are_named() -> None:
    refused = why(Etcd(), Credentials(username="app"), "readwrite", KeyRange(b"/x y"))
    assert refused.found == (
        "User app lacks the permission readwrite for /x y. Its roles: ops (read all keys that begin with /app/)."
    )
    assert refused.remedy.endswith("etcdctl role grant-permission ops readwrite '/x y'")
    refused = why(Etcd(), Credentials(username="app"), "read", KeyRange.beginning_with(b"/x/"))
    assert refused.remedy.endswith("etcdctl role grant-permission ops read --prefix=true '/x/'")
    refused = why(Etcd(), Credentials(username="app"), "read", KeyRange.beginning_with(b""))
    assert refused.remedy.endswith("etcdctl role grant-permission ops read --prefix=true ''")


def test_what_cannot_be_known_is_not_told() -> None:
    refused = why(Silent(), Credentials(username="app"), "read", KeyRange(b"/x"))
    assert refused.found == "User app lacks the permission read for /x."
    assert refused.remedy.endswith("etcdctl role grant-permission ROLE read '/x'")
    refused = why(Silent(), Credentials(client_cert="/c.pem"), "read", KeyRange(b"/x"))
    assert refused.found.startswith("The user that the certificate /c.pem names by its CN lacks")
    refused = why(Silent(), Credentials(), "read", KeyRange(b"/x"), "auth: user name is empty")
    assert refused.code == "login-needed"


def test_other_errors_stay_what_they_are() -> None:
    error = RpcError("http://x:1", "KV.Put", 8, "ResourceExhausted", "etcdserver: mvcc: database space exceeded")
    with (
        pytest.raises(RpcError) as caught,
        session.explained(Session(cast(Client, Silent()), Credentials()), "read", KeyRange(b"/x")),
    ):
        raise error
    assert caught.value is error
