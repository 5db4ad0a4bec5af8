# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The options with which a module reaches etcd. Their documentation is the doc fragment C(connection)."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import env_fallback
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import user_file
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

DEFAULT_TIMEOUT = 5.0


def connection_spec() -> dict[str, dict[str, t.Any]]:
    """The argument spec of the connection options; etcdctl's environment variables stand in for what is not given."""
    return {
        "endpoints": {"type": "list", "elements": "str", "fallback": (env_fallback, ["ETCDCTL_ENDPOINTS"])},
        "ca_path": {"type": "path", "aliases": ["ca_cert"], "fallback": (env_fallback, ["ETCDCTL_CACERT"])},
        "client_cert": {"type": "path", "fallback": (env_fallback, ["ETCDCTL_CERT"])},
        "client_key": {"type": "path", "fallback": (env_fallback, ["ETCDCTL_KEY"])},
        "username": {"type": "str", "aliases": ["user"], "fallback": (_username_fallback,)},
        "password": {"type": "str", "no_log": True, "fallback": (_password_fallback,)},
        "user_file": {"type": "path"},
        "timeout": {"type": "float", "default": DEFAULT_TIMEOUT},
    }


def endpoints_of(params: t.Mapping[str, t.Any]) -> list[str]:
    """The endpoints to ask: those given, else the one of this host, as etcdctl has it."""
    secure = params["ca_path"] or params["client_cert"]
    return params["endpoints"] or [f"{'https' if secure else 'http'}://127.0.0.1:2379"]


def credentials_of(params: t.Mapping[str, t.Any]) -> Credentials:
    """Who the client is, from a module's parameters.

    :raises BadInput: a password without a user, or a user twice.
    :raises EtcdError: the file that names the user cannot be used.
    """
    if params["password"] and not params["username"]:
        raise BadInput("password is given without username; name the user, for example root.")
    given = {name: params[name] for name in Credentials._fields}
    if params["user_file"]:
        if params["username"]:
            raise BadInput("username and user_file are both given; name the user in one of them.")
        given["username"], given["password"] = user_file.read(params["user_file"])
    return Credentials(**given)


def client_of(params: t.Mapping[str, t.Any]) -> Client:
    """A client from a module's parameters.

    :raises BadInput: the options do not go together.
    """
    if not params["timeout"] > 0:
        raise BadInput(f"timeout {params['timeout']:g} is no time; give seconds above 0.")
    return Client(endpoints_of(params), credentials_of(params), params["timeout"])


# ETCDCTL_USER may hold "name:password". It is taken apart here, so that no password shows up as a user name in logs.


def _username_fallback() -> str:
    return _user()[0]


def _password_fallback() -> str:
    return os.environ.get("ETCDCTL_PASSWORD") or _user()[2]


def _user() -> tuple[str, str, str]:
    return str(env_fallback("ETCDCTL_USER")).partition(":")
