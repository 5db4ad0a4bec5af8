# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan to take a whole cluster away, once every host has answered."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._model import identity
from ansible_collections.quorum.etcd.plugins.module_utils._plan import destroy
from ansible_collections.quorum.etcd.plugins.module_utils._plan.destroy import HostView
from ansible_collections.quorum.etcd.plugins.plugin_utils._answered import answers, known
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request

_DANGER = "A member that is not stopped may go on serving, or come back beside the cluster that is founded next."


def plan(request: Request) -> Planned:
    """Plan the end of a cluster.

    :raises EtcdError: nothing may be done.
    """
    told, off = answers(request, _DANGER)
    everybody = known(request)
    names = {one.host: one.name for one in everybody}
    hosts = {name: HostView.from_result(names[name], one) for name, one in told.items()}
    destroy.check(hosts, everybody, identity.words_of(request.arguments["fenced"]))
    return Planned(destroy.plan(list(told)), list(told), off)
