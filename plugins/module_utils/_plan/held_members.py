# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Hosts whose gate keeps their stopped member down, as a plan sees them; see C(gate_refusals)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._config import gate_refusals, variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._config.gate_refusals import Obstacle
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host

# Who has one of these and a log may start.
_WITH_DATA = (markers.STARTING, markers.STARTED, markers.LEAVING)


def forced_by(host: Host) -> str:
    """What would let the next start of a host's etcd drop all other members; empty where files of ours are all that
    does, which are written again before that.
    """
    if host.wanted is None:
        return ""
    layout = host.wanted.layout
    found = [str(host.seen.unit.forced_by)]
    # The service manager's own settings are known of a process that has them.
    found += [str(place) for place, sets in host.seen.runtime.sources if variable_sources.is_forced(sets)]
    return next(
        (place for place in found if not variable_sources.is_ours(place, layout.conf_file, layout.unit_file)), ""
    )


def of_host(host: Host, hosts: Sequence[Host] = (), rebuilt: bool = False) -> Obstacle | None:
    """What keeps the member of a host down, None for one that runs or has no log.

    :param hosts: all of the group: which data belong where is told by their markers.
    :param rebuilt: the host's system is a new one; its marker is written again before the member starts.
    """
    marker = host.marker
    if marker is None or host.silent or host.runs or not host.has_log or marker.state not in _WITH_DATA:
        return None
    forced = forced_by(host)
    if forced:
        return gate_refusals.of_forced(host.label, forced)
    owners = {other.marker.member_id: other.label for other in hosts if other.marker is not None}
    machine_id = "" if rebuilt else host.seen.host.machine_id
    return gate_refusals.why_refused(marker, host.seen.data, machine_id, host.label, host.name, owners)


def accepted(host: Host) -> Host:
    """The host with its mount points and its machine as the member's own, as far as the operator has said so."""
    marker, wanted = host.marker, host.wanted
    if (
        marker is None
        or wanted is None
        or of_host(host) is None
        or forced_by(host)
        or gate_refusals.log_obstacle(marker, host.seen.data, "", "", {})
    ):
        return host
    names = {host.name, wanted.name}
    if names & set(wanted.said.accept_mounts):
        marker = replace(marker, mounts=tuple(host.seen.data.mounts))
    if names & set(wanted.said.accept_machine):
        marker = replace(marker, machine_id=host.seen.host.machine_id)
    return replace(host, seen=replace(host.seen, marker=marker))
