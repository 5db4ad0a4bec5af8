# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""A discovery service, asked by a host and judged on the controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, discovery_registry, initial_cluster
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV2
from ansible_collections.quorum.etcd.plugins.module_utils._model.discovery_registry import Registry
from ansible_collections.quorum.etcd.plugins.plugin_utils import _calls
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

Run = Callable[[Call], dict[str, Any]]


def ask(act: acts.AskService, given: Given, run: Run) -> dict[str, Any]:
    """Ask the service as the member will, and compare who is registered with the inventory.

    A member that has registered with the API of version 2, and ended before it had a log, is not taken there again. All
    others count on it, so it is told their names: what it founds is the same (C(bootstrap_source)).

    :raises Refused: the service does not answer, or this is not the token of exactly these members.
    """
    found = _asked(act, given, run)
    registry = Registry.from_result(found)
    wanted = initial_cluster.read(act.initial_cluster)
    discovery_registry.check_waiting(registry, act.token, act.waiting)
    discovery_registry.check(registry, act.token, wanted, act.may_be_there, act.makes)
    if act.starts and isinstance(given.wanted.bootstrap, DiscoveryV2) and registry.has(given.wanted.name):
        return run(_calls.of_act(acts.Configure(act.version, act.initial_cluster, act.token), given))
    return {"changed": bool(found.get("changed"))}


def draw(act: acts.DrawToken, given: Given, run: Run, check: bool) -> dict[str, Any]:
    """Have the service draw a token, and the host offer itself with it. A token that nobody wrote down stays unused.

    :raises Refused: the service does not answer.
    """
    found = _asked(act, given, run)
    if check:
        return {"changed": True}
    token = str(found["token"])
    return run(_calls.of_act(acts.Configure(act.version, act.initial_cluster, token, learns=True), given))


def _asked(act: acts.Act, given: Given, run: Run) -> dict[str, Any]:
    """What the service answers.

    :raises Refused: it does not answer, or says no.
    """
    found = run(_calls.of_act(act, given))
    if found.get("failed"):
        raise Refused(
            f"The discovery service does not answer this host as it must: {found.get('msg', '')}",
            "The member would ask again and again, and the cluster would never begin.",
            "See that every host reaches the service, and that what is said above is mended. Then run the same command "
            "again. Without a service: etcd_bootstrap: static",
            code="discovery-unanswered",
        )
    return found
