# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The one call of a module on its host that is an act of the plan, with all that the controller has for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls, env_file, first_start, render
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    initial_cluster,
    markers,
    releases,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV2, DiscoveryV3
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import YAML
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Data
from ansible_collections.quorum.etcd.plugins.plugin_utils import (
    _downgrade_calls,
    _install_calls,
    _maintenance_calls,
    _recovery_calls,
    _restore_calls,
    _upgrade_calls,
    _v2_calls,
    _whole_cluster_calls,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given

# Seconds in which each request of a discovery service must be answered.
_SERVICE_TIMEOUT = 10.0


def of_act(act: acts.Act, given: Given) -> Call:
    """Return the call that does an act.

    :raises EtcdError: a setting is wrong, an authority is missing, or the observation does not suit the act.
    """
    return HANDLERS[type(act)](act, given)


def _configure(act: acts.Configure, given: Given) -> Call:
    wanted, content = given.wanted, given.content(given.host, act.version)
    if act.keeps_data:
        kept = _kept(wanted, given.host.seen.data)
        return Call("etcd_internal_files", {**content, "expected": given.expected, "wanted": kept.to_dict()})
    options = {
        "first_start": _first_start(act, given),
        "expected": given.expected,
        "wanted": _offered(given.host.marker, wanted, act).to_dict(),
        "listen": [*wanted.member.listen_peer_urls, *wanted.member.listen_client_urls],
    }
    return Call("etcd_internal_files", {**content, **options})


def _first_start(act: acts.Configure, given: Given) -> str:
    """The settings of the first start, with which the service's password may go."""
    if not act.learns:
        return first_start.static(act.initial_cluster, act.token)
    wanted, minor = given.wanted, releases.minor(act.version)
    is_yaml = wanted.layout.config_format == YAML
    return first_start.render(wanted.bootstrap, act.initial_cluster, act.token, minor, is_yaml, given.password)


def _draw_token(act: acts.DrawToken, given: Given) -> Call:
    source, size = given.wanted.bootstrap, len(initial_cluster.read(act.initial_cluster))
    if not isinstance(source, DiscoveryV2):
        raise EtcdError("This host is founded without a service that draws tokens.")
    options = {"state": "present", "size": size, "timeout": _SERVICE_TIMEOUT}
    return Call("etcd_discovery", {**options, "url": source.url, "proxy": source.proxy})


def _ask_service(act: acts.AskService, given: Given) -> Call:
    """By the host whose member is to ask there itself, as it will ask."""
    source, size = given.wanted.bootstrap, len(initial_cluster.read(act.initial_cluster))
    options: dict[str, Any] = {
        "state": "present" if act.makes and act.starts else "gathered",
        "size": size,
        "timeout": _SERVICE_TIMEOUT,
    }
    if isinstance(source, DiscoveryV2):
        return Call("etcd_discovery", {**options, "url": act.token, "proxy": source.proxy})
    if not isinstance(source, DiscoveryV3):
        raise EtcdError("This host is founded without a discovery service.")
    files = {"ca_path": source.ca_file, "client_cert": source.cert_file, "client_key": source.key_file}
    login = {"username": source.user, "password": given.password} if source.user else {}
    asked = {name: value for name, value in {**files, **login}.items() if value}
    return Call("etcd_discovery", {**options, "endpoints": list(source.endpoints), "token": act.token, **asked})


def _offered(marker: Marker | None, wanted: Desired, act: acts.Configure) -> Marker:
    # What it was in a cluster that it has left says nothing about this one.
    begun = marker is not None and marker.state != markers.REMOVED
    return Marker(
        state=marker.state if marker and begun else markers.OFFERED,
        cluster=wanted.cluster,
        name=wanted.name,
        token=act.token,
        initial_cluster=act.initial_cluster,
    )


def _kept(wanted: Desired, data: Data) -> Marker:
    """Of a system that was built anew beside the data of a member."""
    return Marker(
        markers.STARTED,
        origin=markers.KEPT,
        cluster=wanted.cluster,
        name=wanted.name,
        member_id=data.member_id,
        cluster_id=data.cluster_id,
    )


def _accept(_act: acts.Accept, given: Given) -> Call:
    return Call(
        "etcd_internal_files", {**given.layout, "files": [], "expected": given.expected, "wanted": given.expected}
    )


def _prove(act: acts.Prove, given: Given) -> Call:
    return Call("etcd_internal_prove", {**given.layout, "peers": act.peers, "token": act.token})


def _start(_act: acts.Start, given: Given) -> Call:
    return Call("etcd_service", {**given.layout, "state": "started"})


def _await(_act: acts.Await, given: Given) -> Call:
    return Call("etcd_service", {**given.layout, "state": "ready", "timeout": given.start_timeout})


def _join(act: acts.Join, given: Given) -> Call:
    wanted = given.wanted
    options = {
        "cluster": wanted.cluster,
        "name": wanted.name,
        "peer_urls": list(wanted.member.peer_urls),
        "endpoints": act.endpoints,
        "members": act.members,
        "nonce": act.nonce,
        "timeout": given.start_timeout,
    }
    return Call("etcd_internal_join", {**given.content(given.host, act.version), **options})


def _leave(act: acts.Leave, given: Given) -> Call:
    options = {
        "cluster": given.wanted.cluster,
        "name": given.wanted.name,
        "member_id": act.member_id,
        "endpoints": act.endpoints,
        "members": act.members,
        "nonce": act.nonce,
    }
    return Call("etcd_internal_leave", {**given.layout, **options})


def _forget(act: acts.Forget, given: Given) -> Call:
    """By a host that serves, with its administrator's certificate; the peer's shows whether the member still lives."""
    layout = given.wanted.layout
    options = {
        "state": "absent",
        "member_id": act.member_id,
        "only_if_silent": True,
        "ignore_unidentified": act.confirmed,
        "endpoints": act.endpoints,
        "members": act.members,
    }
    if "peer" in render.leaves(given.wanted):
        files = {"peer_ca_path": "peer-ca", "peer_cert": "peer", "peer_key": "peer-key"}
        options |= {option: layout.certificate(name) for option, name in files.items()}
    options |= given.login
    return Call("etcd_member", options)


def _update(act: acts.Update, given: Given) -> Call:
    host, environment = given.host, env_file.environment(render.flags(given.wanted, act.version))
    if act.certificates == "kept":
        host = replace(host, authorities=replace(host.authorities, renew={}))
    content = given.content(host, act.version)
    if act.certificates == "only":
        shown = auto_tls.published(given.wanted.auto_tls, given.place, host.seen.runtime.environment)
        content.update(files=[], links={**shown, **render.leaf_links(given.wanted)} if shown else {})
    options = {
        "restart": act.restart,
        "allow_outage": given.wanted.said.allow_outage,
        "peer_urls": act.peer_urls,
        "endpoints": act.endpoints,
        "members": act.members,
        "environment": environment,
        "from_version": act.from_version,
    }
    return Call("etcd_internal_update", {**content, **_on_a_member(act, given), **options})


def _roll_back(act: acts.RollBack, given: Given) -> Call:
    options = {
        "state": "undone",
        "files": [],
        "endpoints": act.endpoints,
        "members": act.members,
        "allow_outage": given.wanted.said.allow_outage,
    }
    return Call("etcd_internal_update", {**given.layout, **_on_a_member(act, given), **options})


def _on_a_member(act: acts.Reported, given: Given) -> dict[str, Any]:
    """What an update says of the member that there is, whichever way it goes."""
    if given.expected is None:
        raise Refused(
            "This host has no marker.",
            "Nothing says that its member may start again once it is stopped.",
            "Run the playbook: it says what is safe.",
            code="marker-lost",
        )
    return {
        "expected": given.expected,
        "name": given.wanted.name,
        "nonce": act.nonce,
        "reports": given.reports,
        "timeout": given.start_timeout,
    }


#: By kind of act. The CAs are made on the controller, which calls no module for them.
HANDLERS: dict[type[acts.Act], Callable[[Any, Given], Call]] = {
    acts.Install: _install_calls.install,
    acts.Configure: _configure,
    acts.AskService: _ask_service,
    acts.DrawToken: _draw_token,
    acts.Accept: _accept,
    acts.Prove: _prove,
    acts.Start: _start,
    acts.Await: _await,
    acts.Join: _join,
    acts.Leave: _leave,
    acts.Forget: _forget,
    acts.Update: _update,
    acts.RollBack: _roll_back,
    **_restore_calls.HANDLERS,
    **_recovery_calls.HANDLERS,
    **_upgrade_calls.HANDLERS,
    **_downgrade_calls.HANDLERS,
    **_whole_cluster_calls.HANDLERS,
    **_maintenance_calls.HANDLERS,
    **_v2_calls.HANDLERS,
}
