# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a recovery from a lost quorum, out of what every host says of what is left."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import recovery
from ansible_collections.quorum.etcd.plugins.module_utils._plan.recovery import MemberRemains, RecoveryConsent
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import hosts_of

_LEFT_OUT = "it is not in this run (--limit or serial leave it out), and every host must be. Run without them."


def plan(request: Request) -> Planned:
    """Plan a recovery, or roll one back.

    :raises EtcdError: nothing may be done.
    """
    arguments = request.arguments
    words = RecoveryConsent(identity.words_of(arguments["fenced"]), arguments["quorum_lost"], arguments["roll_back"])
    hosts, left = _heard(request)
    found = recovery.plan(hosts, left, words, arguments["at_rest"])
    return Planned(
        found.plan,
        [host.name for host in hosts if not host.silent],
        found.off,
        {"founds": found.founds, "rolls_back": bool(found.rolls_back)},
        is_known=arguments["at_rest"],
    )


def refused(request: Request, text: str) -> str:
    if not request.arguments["at_rest"]:
        return f"{request.cluster}: refused, nothing was touched.\n{text}"
    undoing = advice.rollback("recover", request.cluster, identity.words_of(request.arguments["fenced"]))
    return (
        f"{request.cluster}: refused, now that every member is stopped.\n{text}\nThe same command looks again. To roll "
        f"it back: {undoing}"
    )


def _heard(request: Request) -> tuple[list[Host], dict[str, MemberRemains]]:
    """The hosts, and what is left on each that was heard."""
    hosts, left = [], {}
    for host in hosts_of(request.members, request.batch, request.hostvars):
        found = request.hostvars[host.name].get("__etcd_left") or {}
        if host.silent:
            hosts.append(host)
        elif host.name not in request.batch:
            hosts.append(replace(host, silent=_LEFT_OUT))
        elif found.get("failed") or "log" not in found:
            hosts.append(replace(host, silent=str(found.get("msg", "no result."))))
        else:
            hosts.append(host)
            left[host.name] = MemberRemains.from_result(found)
    return hosts, left
