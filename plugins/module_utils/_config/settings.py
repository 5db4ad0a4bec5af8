# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The settings of a member as one typed mapping, keyed by etcd's own flag names.

etcd itself starts with a setting it does not know in its environment and only logs a warning (pkg/flags/flag.go), so a
mistyped or removed setting is silently lost: it is refused here, before anything stops.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import check_listen, parse_url
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls
from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import (
    CHOICES,
    FEATURE_GATES,
    FLAGS,
    GATE_OF,
    LAST_WITH_CHOICE,
    NEWEST,
    OLDEST,
    REMOVED,
    SUCCESSOR,
    flag_name,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, duration, read
from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import NO_PORT, AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member

GIB = 1024**3

#: With these etcd keeps its database from being swapped out.
LOCKING = ("memory-mlock", "experimental-memory-mlock")

_METRICS = "listen-metrics-urls"

_MEMBERS = "the hosts of the group decide it; a member's URL follows from etcd_address, or from ETCD_NODES"
_CERTIFICATES = "use etcd_tls; all certificates are issued for you, into ssl below etcd_conf_dir"
_DISCOVERY = "use etcd_bootstrap: discovery, and what belongs to it"
_SRV = "use etcd_bootstrap: srv with etcd_discovery_srv, and etcd_discovery_srv_name for the suffix"
_PROXY = "a member of a cluster cannot be a proxy"

#: What the role decides, and by what. A name ending in C(-) stands for all that begin so.
NOT_SETTINGS: dict[str, str] = {
    "name": "use NODE_NAME or etcd_name",
    "data-dir": "use etcd_data_dir",
    "wal-dir": "use etcd_wal_dir",
    "listen-peer-urls": "use etcd_listen_peer_urls",
    "listen-client-urls": "use etcd_listen_client_urls",
    "advertise-client-urls": "use etcd_advertise_client_urls",
    "initial-advertise-peer-urls": _MEMBERS,
    "initial-cluster": _MEMBERS,
    "initial-cluster-state": "it is always 'existing' but for a member's one first start; take it out",
    "initial-cluster-token": "every new cluster gets its own; take it out",
    "force-new-cluster": "it gives up every other member for good, which no setting may do",
    "cert-file": _CERTIFICATES,
    "key-file": _CERTIFICATES,
    "trusted-ca-file": _CERTIFICATES,
    "client-cert-auth": _CERTIFICATES,
    "client-cert-file": _CERTIFICATES,
    "client-key-file": _CERTIFICATES,
    "peer-cert-file": _CERTIFICATES,
    "peer-key-file": _CERTIFICATES,
    "peer-trusted-ca-file": _CERTIFICATES,
    "peer-client-cert-auth": _CERTIFICATES,
    "peer-client-cert-file": _CERTIFICATES,
    "peer-client-key-file": _CERTIFICATES,
    "auto-tls": "use etcd_auto_tls; it encrypts, and verifies nobody",
    "peer-auto-tls": "use etcd_peer_auto_tls; it encrypts, and verifies nobody",
    "log-output": "use etcd_log_file; without it the log goes to the journal",
    "log-outputs": "use etcd_log_file; without it the log goes to the journal",
    "enable-log-rotation": "a file in etcd_log_file is always rotated; how, says log-rotation-config-json",
    "config-file": "write its settings into etcd_settings; etcd_config_format: yaml makes the file of them",
    "version": "use etcd_version",
    "discovery": _DISCOVERY,
    "discovery-srv": _SRV,
    "discovery-srv-name": _SRV,
    "discovery-": _DISCOVERY,
    "proxy": _PROXY,
    "proxy-": _PROXY,
}

#: What etcd accepts, or would silently replace by something else.
_RANGES: dict[str, tuple[int, int]] = {
    "bcrypt-cost": (4, 31),
    "distributed-tracing-sampling-rate": (0, 1_000_000),
    "election-timeout": (1, 50_000),
    "experimental-distributed-tracing-sampling-rate": (0, 1_000_000),
    "heartbeat-interval": (1, 10_000),
    "max-request-bytes": (1, 2**31 - 1),
    "max-txn-ops": (1, 2**31 - 1),
    # Years. With 0 etcd does not start, and a duration of Go ends after 292.
    "self-signed-cert-validity": (1, 292),
    # 0 is etcd's own default of 2 GiB, and a negative quota none at all.
    "quota-backend-bytes": (1, 2**63 - 1),
}

_LOG_ROTATION: dict[str, Value] = {"maxsize": 100, "maxage": 0, "maxbackups": 10, "localtime": False, "compress": True}


def defaults(version: str) -> dict[str, Value]:
    """What a member gets that etcd by itself would not do, for a version.

    :param version: C(3.6.14) or C(3.6).
    """
    minor = minor_of(version)
    chosen: dict[str, Value] = {
        # Without compaction the history grows until the quota is reached and the cluster takes no more writes. An
        # hour of it, at a thousand writes of one KiB a second, is 3.5 GiB and fits the quota; eight hours would not.
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
        # The most that etcd's documentation suggests (dev-guide/limit). It takes no space before it is needed.
        "quota-backend-bytes": 8 * GIB,
        "log-level": "info",
        # Metrics and health without a client certificate, for those on the host only.
        _METRICS: [f"http://127.0.0.1:{topology.METRICS_PORT}"],
    }
    # A member whose data differs from the others' does not start, instead of serving wrong answers.
    if minor >= FEATURE_GATES["InitialCorruptCheck"][0]:
        chosen["feature-gates"] = {"InitialCorruptCheck": True}
    else:
        chosen["experimental-initial-corrupt-check"] = True
    if minor == 4:
        # The other logger of 3.4 has no levels of its own and is gone in 3.5.
        chosen["logger"] = "zap"
    return chosen


def effective(settings: Mapping[str, Any], version: str) -> dict[str, Value]:
    """The user's C(etcd_settings) over the defaults, typed and checked for the version that will read them.

    A null value takes a default out. Feature gates are merged gate by gate.

    :param settings: C(etcd_settings), keyed by etcd's flag names.
    :param version: C(3.6.14) or C(3.6).
    :raises BadInput: with everything that is wrong, one problem a line.
    """
    minor = minor_of(version)
    if not isinstance(settings, Mapping):
        raise BadInput(f"etcd_settings must be a dictionary such as {{log-level: debug}}, not {settings!r}.")
    problems: list[str] = []
    given: dict[str, Value | None] = {}
    for name, value in settings.items():
        try:
            given[str(name)] = _setting(str(name), value, minor)
        except BadInput as error:
            problems.append(str(error))
    merged = _over(defaults(version), given)
    problems.extend(_contradictions(merged))
    if problems:
        count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        lines = [f"etcd_settings has {count} for etcd 3.{minor}:", *(f"- {text}" for text in problems)]
        raise BadInput("\n".join(lines))
    return merged


def check_any_version(settings: Mapping[str, Any]) -> None:
    """Is there a version that takes these settings? For who does not know yet which one it will be.

    :raises BadInput: there is none; the mistakes are those for the newest.
    """
    for minor in range(OLDEST, NEWEST):
        with contextlib.suppress(BadInput):
            effective(settings, f"3.{minor}")
            return
    effective(settings, f"3.{NEWEST}")


def warnings(settings: Mapping[str, Value], version: str) -> list[str]:
    """What is allowed and yet worth a word.

    :param settings: as C(effective) returned them for that version.
    """
    found = []
    if settings.get("auto-compaction-retention", "0") == "0":
        found.append(
            "auto-compaction-retention is 0 or unset: the history grows until the quota stops all writes, unless a "
            "client compacts it."
        )
    quota = settings.get("quota-backend-bytes", 0)
    if isinstance(quota, int) and quota > 8 * GIB:
        found.append(f"quota-backend-bytes is {quota}: etcd suggests at most {8 * GIB} (8 GiB).")
    request = settings.get("max-request-bytes", 0)
    if isinstance(request, int) and request > 10 * 1024**2:
        found.append(f"max-request-bytes is {request}: etcd suggests at most {10 * 1024**2} (10 MiB).")
    if settings.get("unsafe-no-fsync") is True:
        found.append("unsafe-no-fsync is true: a power cut loses acknowledged writes and can break the data.")
    if settings.get("strict-reconfig-check") is False:
        found.append("strict-reconfig-check is false: etcd lets a membership change through that costs the quorum.")
    if settings.get("enable-v2") is True:
        found.append(
            "enable-v2 is true: what clients write by API version 2 is in no snapshot and in no watch of version 3, "
            "and etcd 3.6 does not start on it. Let clients speak version 3, then move the keys: "
            "ansible-playbook quorum.etcd.migrate_v2 (docs/api-version-2.md)."
        )
    for name in settings:
        if name.startswith("experimental-") and minor_of(version) >= 6:
            found.append(f"{name} is gone in etcd 3.{FLAGS[name].last + 1}{_instead(name)}.")
    return found


def wanted(
    member: Member, layout: Layout, settings: Mapping[str, Any], version: str, auto: AutoTls = NO_PORT
) -> dict[str, Value]:
    """Everything that a member's C(etcd.conf) says, as one mapping keyed by etcd's flag names.

    C(initial-cluster-state) is always C(existing) and C(initial-cluster) never there: a member that lost its data must
    not found a cluster by itself.

    :param settings: the user's C(etcd_settings).
    :param version: the version that will read them.
    :param auto: the ports whose certificates etcd makes itself.
    :raises BadInput: as C(effective), and when the metrics' port is one of the member's own.
    """
    chosen = effective(settings, version)
    if _METRICS not in settings:
        own = f"etcd_settings: {{{_METRICS}: http://127.0.0.1:PORT}}"
        port = topology.derived_port(layout.instance, topology.METRICS_PORT, f"{_METRICS} of {member.host}", own)
        chosen[_METRICS] = [f"http://127.0.0.1:{port}"]
    listen: dict[str, Sequence[str]] = {
        f"etcd_listen_peer_urls of {member.host}": member.listen_peer_urls,
        f"etcd_listen_client_urls of {member.host}": member.listen_client_urls,
    }
    for flag, urls in chosen.items():
        if flag.startswith("listen-") and isinstance(urls, list):
            listen[flag if flag in settings else f"{flag} (a default of this role; etcd_settings moves it)"] = urls
    check_listen({name: [parse_url(url, name) for url in urls] for name, urls in listen.items()})
    found: dict[str, Value] = {
        "name": member.name,
        "data-dir": layout.data_dir,
        "listen-peer-urls": list(member.listen_peer_urls),
        "listen-client-urls": list(member.listen_client_urls),
        "initial-advertise-peer-urls": list(member.peer_urls),
        "advertise-client-urls": list(member.client_urls),
        "initial-cluster-state": "existing",
    }
    if layout.wal_dir:
        found["wal-dir"] = layout.wal_dir
    if member.tls:
        found.update(_certificates(layout, auto))
    rotation = chosen.pop("log-rotation-config-json", None)
    return {**found, **chosen, **_logging(layout.log_file, rotation, minor_of(version))}


def _certificates(layout: Layout, auto: AutoTls) -> dict[str, Value]:
    clients: dict[str, Value] = {
        "trusted-ca-file": layout.certificate("ca"),
        "cert-file": layout.certificate("etcd"),
        "key-file": layout.certificate("etcd-key"),
        "client-cert-auth": True,
    }
    peers: dict[str, Value] = {
        "peer-trusted-ca-file": layout.certificate("peer-ca"),
        "peer-cert-file": layout.certificate("peer"),
        "peer-key-file": layout.certificate("peer-key"),
        "peer-client-cert-auth": True,
    }
    return {**({} if auto.clients else clients), **({} if auto.peers else peers), **auto_tls.flags(auto)}


def _logging(log_file: str, rotation: Value | None, minor: int) -> dict[str, Value]:
    if not log_file:
        # systemd puts it into the journal; 'default' would mean another way there in 3.4.
        return {"log-outputs": ["stderr"]}
    if minor < 5:
        return {"log-outputs": [log_file]}
    return {
        "log-outputs": [log_file],
        "enable-log-rotation": True,
        "log-rotation-config-json": rotation or json.dumps(_LOG_ROTATION, sort_keys=True),
    }


def _setting(name: str, value: Any, minor: int) -> Value | None:
    """One setting of the user's, typed; None when it is null.

    :raises BadInput: when etcd of that minor would not read it so.
    """
    plain = flag_name(name)
    reason = _not_setting(plain)
    if reason:
        raise BadInput(f"{name} is not a setting: {reason}.")
    if plain != name and plain in FLAGS:
        raise BadInput(f"{name}: write it as etcd's flags are written, {plain}.")
    flag = FLAGS.get(name)
    if flag is None:
        known = [other for other, (_kind, first, last) in FLAGS.items() if first <= minor <= last]
        near = get_close_matches(name, [*known, *NOT_SETTINGS], n=1)
        raise BadInput(f"{name} is no setting of etcd." + (f" Did you mean {near[0]}?" if near else ""))
    if minor < flag.first:
        older = next((old for old, new in SUCCESSOR.items() if new == name and FLAGS[old].first <= minor), None)
        raise BadInput(
            f"{name} came with etcd 3.{flag.first}"
            + (f"; in 3.{minor} it is {older}." if older else ". Take it out." + _gates_before(name))
        )
    if minor > flag.last:
        raise BadInput(
            f"{name} is gone in etcd 3.{flag.last + 1}{_instead(name) or REMOVED.get(name, '. Take it out')}."
        )
    if value is None:
        return None
    typed = read(flag.kind, value, name)
    _check_value(name, typed, minor)
    return typed


def _not_setting(name: str) -> str | None:
    family = next((key for key in NOT_SETTINGS if key.endswith("-") and name.startswith(key)), "")
    return NOT_SETTINGS.get(name) or NOT_SETTINGS.get(family)


def _instead(name: str) -> str:
    if name in GATE_OF:
        return f": use the gate {GATE_OF[name]} of feature-gates"
    return f": use {SUCCESSOR[name]}" if name in SUCCESSOR else ""


def _gates_before(name: str) -> str:
    return f" There the gates are settings: {', '.join(GATE_OF)}." if name == "feature-gates" else ""


def _check_value(name: str, value: Value, minor: int) -> None:
    choices = [choice for choice in CHOICES.get(name, ()) if LAST_WITH_CHOICE.get((name, choice), NEWEST) >= minor]
    if choices and value not in choices:
        raise BadInput(f"{name} is '{value}'. Use one of {', '.join(choices)}.")
    if name in _RANGES and isinstance(value, int):
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise BadInput(f"{name} is {value}. Use a number from {low} to {high}.")
    if name == "feature-gates" and isinstance(value, dict):
        known = [gate for gate, (first, last) in FEATURE_GATES.items() if first <= minor <= last]
        for gate in value:
            if gate not in known:
                near = get_close_matches(gate, known, n=1)
                raise BadInput(
                    f"feature-gates: {gate} is no gate of etcd 3.{minor}, which has {', '.join(known)}."
                    + (f" Did you mean {near[0]}?" if near else "")
                )
    if name.endswith("compact-hash-check-time") and duration(str(value), name) == 0:
        raise BadInput(f"{name} must be more than 0.")
    if name == "log-rotation-config-json":
        _check_rotation(str(value))


def _check_rotation(text: str) -> None:
    try:
        rotation = json.loads(text)
    except ValueError:
        rotation = None
    if not isinstance(rotation, dict) or any(type(v) is not type(_LOG_ROTATION.get(k)) for k, v in rotation.items()):
        raise BadInput(
            f"log-rotation-config-json is '{text}'. Write a dictionary of maxsize (MiB), maxage (days), maxbackups, "
            "localtime and compress."
        )


def _over(chosen: dict[str, Value], given: Mapping[str, Value | None]) -> dict[str, Value]:
    """The defaults with what the user gave in their place."""
    merged: dict[str, Value | None] = {**chosen, **given}
    own, gates = chosen.get("feature-gates"), given.get("feature-gates", {})
    if isinstance(own, dict) and isinstance(gates, dict):
        # etcd refuses a gate beside the experimental setting of the same thing.
        taken = {GATE_OF[name] for name in given if name in GATE_OF}
        merged["feature-gates"] = {**{gate: on for gate, on in own.items() if gate not in taken}, **gates} or None
    return {name: value for name, value in merged.items() if value is not None}


def _contradictions(settings: Mapping[str, Value]) -> Iterator[str]:
    """What is wrong between settings. Absent ones count with etcd's own defaults (server/embed/config.go, Validate)."""
    heartbeat, election = settings.get("heartbeat-interval", 100), settings.get("election-timeout", 1000)
    if isinstance(heartbeat, int) and isinstance(election, int) and election < 5 * heartbeat:
        yield f"election-timeout is {election}, and must be at least five times heartbeat-interval ({heartbeat})."
    if settings.get("tls-min-version") == "TLS1.3":
        if settings.get("tls-max-version") == "TLS1.2":
            yield "tls-min-version is above tls-max-version."
        if "cipher-suites" in settings:
            yield "cipher-suites cannot be chosen for TLS1.3: take it out, or set tls-min-version to TLS1.2."
    yield from _bad_retention(str(settings.get("auto-compaction-retention", "0")), settings.get("auto-compaction-mode"))
    gates = settings.get("feature-gates", {})
    yield from _said_twice(settings, ",".join(gates) if isinstance(gates, dict) else "")
    persist, checkpoint = "experimental-enable-lease-checkpoint-persist", "experimental-enable-lease-checkpoint"
    for switches, needing, needed in (
        (settings, persist, checkpoint),
        (gates if isinstance(gates, dict) else {}, "LeaseCheckpointPersist", "LeaseCheckpoint"),
    ):
        if switches.get(needing) is True and switches.get(needed) is not True:
            yield f"{needing} needs {needed}, too."


def _bad_retention(retention: str, mode: Value | None) -> Iterator[str]:
    """A number is revisions or hours, by the mode (server/embed/etcd.go, parseCompactionRetention)."""
    if retention.isdigit():
        return
    if mode == "revision":
        yield f"auto-compaction-retention is '{retention}'; in mode revision it is a number of revisions, as 10000."
        return
    try:
        duration(retention, "auto-compaction-retention")
    except BadInput as error:
        yield str(error)


def _said_twice(settings: Mapping[str, Value], gates: str) -> Iterator[str]:
    """Settings beside their successors: etcd takes only one of them."""
    for old, new in SUCCESSOR.items():
        if old in settings and new in settings and old.startswith("experimental-"):
            yield f"{old} and {new} are the same setting, and etcd takes only one. Keep {new}."
    for old, gate in GATE_OF.items():
        # etcd searches the whole text for the gate's name, so LeaseCheckpointPersist counts as LeaseCheckpoint, too.
        if old in settings and gate in gates:
            yield f"{old} and feature-gates ({gate}) are the same setting, and etcd takes only one. Keep the gate."


def minor_of(version: str) -> int:
    """The minor of etcd 3 that a version is of.

    :param version: C(3.6.14) or C(3.6).
    :raises BadInput: its settings are not known.
    """
    found = re.fullmatch(r"v?3\.([0-9]+)(\.[0-9]+)?", str(version))
    if not found or not OLDEST <= int(found.group(1)) <= NEWEST:
        raise BadInput(f"etcd '{version}' is not a version whose settings are known: 3.{OLDEST} to 3.{NEWEST} are.")
    return int(found.group(1))
