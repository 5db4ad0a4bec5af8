# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the SRV records of a cluster, on the controller."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import srv
from ansible_collections.quorum.etcd.plugins.plugin_utils import _dns
from ansible_collections.quorum.etcd.plugins.plugin_utils._controller_action import ControllerAction

_LISTS = {
    "peers_tls": srv.Service(srv.PEER, True),
    "peers": srv.Service(srv.PEER, False),
    "clients_tls": srv.Service(srv.CLIENT, True),
    "clients": srv.Service(srv.CLIENT, False),
}


class ActionModule(ControllerAction):
    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "domain": {"type": "str", "required": True},
        "suffix": {"type": "str", "default": ""},
        "members": {"type": "dict"},
        "addresses": {"type": "dict", "default": {}},
        "name_servers": {"type": "list", "elements": "str", "default": []},
        "port": {"type": "int", "default": _dns.PORT},
        "timeout": {"type": "float", "default": 10.0},
    }

    def act(self, arguments: dict[str, Any], now: datetime) -> dict[str, Any]:
        domain = srv.check_domain(arguments["domain"], arguments["suffix"])
        if not arguments["timeout"] > 0:
            raise BadInput(f"timeout {arguments['timeout']:g} is no time; give seconds above 0.")
        members, addresses = (_lists(option, arguments[option]) for option in ("members", "addresses"))
        servers = _dns.NameServers(arguments["name_servers"], arguments["port"], arguments["timeout"])
        records = servers.records(domain, arguments["suffix"])
        result = {
            "changed": False,
            "domain": domain,
            "name_server": records.server,
            **{name: [_told(one) for one in records.of[service]] for name, service in _LISTS.items()},
            "peer_urls": records.urls(srv.PEER),
            "endpoints": records.urls(srv.CLIENT),
        }
        if arguments["members"] is not None:
            result["differences"] = [one._asdict() for one in srv.compare(records, members, addresses)]
        return result


def _told(record: srv.Record) -> dict[str, Any]:
    return {**record._asdict(), "addresses": list(record.addresses)}


def _lists(option: str, given: dict[str, Any] | None) -> dict[str, list[str]]:
    """A dictionary of lists of texts.

    :raises BadInput: it is another one.
    """
    for name, texts in (given or {}).items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadInput(f"{option} has {texts!r} for {name}; give a list of texts.")
    return {str(name): list(map(str, texts)) for name, texts in (given or {}).items()}
