# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Settings as the YAML file of etcd's C(--config-file), which etcd reads instead of all flags and variables.

etcd ignores a key that it does not know without a word (server/embed/config.go, C(configFromFile)), so where each
setting stands, and since which release, is a table. It was tried with 3.4.23, 3.5.33, 3.6.14 and 3.7.1, and the patches
are those whose source has the key first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import PLACES
from ansible_collections.quorum.etcd.plugins.module_utils._config.env_text import HEADER, sections
from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import FLAGS
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, duration, text_of
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases

#: Setting -> the first release in which it has a key, where that is not the one in which it came.
_FIRST: dict[str, str] = {
    **dict.fromkeys(("client-cert-allowed-hostname", "peer-cert-allowed-cn", "peer-cert-allowed-hostname"), "3.5.14"),
    **dict.fromkeys(("socket-reuse-address", "socket-reuse-port"), "3.5.10"),
    "experimental-peer-skip-client-san-verification": "3.6.0",
}
_NEVER = ("client-crl-file", "peer-crl-file", "raft-read-timeout", "raft-write-timeout")

#: Of the lists, these are lists in the file too; the others are one text with commas.
_LISTS = (
    "cipher-suites",
    "client-cert-allowed-hostname",
    "log-outputs",
    "peer-cert-allowed-cn",
    "peer-cert-allowed-hostname",
)


def without_key(settings: Mapping[str, Value], version: str) -> Iterator[str]:
    """Say which settings a release cannot be given in such a file.

    :param version: C(3.6.14).
    """
    has = releases.order(releases.plain(version))
    for flag in settings:
        first = _FIRST.get(flag, "")
        if flag in _NEVER or (first and has < releases.order(first)):
            since = f", which has it from etcd {first} on" if first else ""
            yield (
                f"{flag} has no key in etcd's configuration file{since}: etcd would ignore it. Take it out, or set "
                "etcd_config_format: env."
            )


def beside(settings: Mapping[str, Value], minor: int) -> dict[str, Value]:
    """Return what a file must say to mean the same as the variables: here etcd has other defaults for the two
    (embed/config.go, C(NewConfig), and etcdmain/config.go, C(newConfig)).
    """
    if minor > 5:
        return {}
    # Without a mode etcd compacts nothing, without a word, where the retention is a number; else it does not start.
    found: dict[str, Value] = {"auto-compaction-mode": "periodic"}
    if minor == 4:
        # Off, where a file does not mention it.
        return {**found, "enable-grpc-gateway": True}
    # Else Go decides, whose own least version was TLS 1.0 for those who built the patches before 3.5.16.
    found["tls-min-version"] = "TLS1.2"
    if settings.get("experimental-enable-distributed-tracing"):
        tracing = "experimental-distributed-tracing-"
        found |= {f"{tracing}address": "localhost:4317", f"{tracing}service-name": "etcd"}
    return found


def render(settings: Mapping[str, Value]) -> str:
    """The whole file. What it says is JSON behind each key, so that no value is taken for another type."""
    blocks = [[HEADER]]
    for title, found in sections({flag: value for flag, value in settings.items() if not _place(flag)[0]}):
        blocks.append([f"# {title}", *(f"{_place(flag)[1]}: {_value(flag, value)}" for flag, value in found.items())])
    # Each mapping once: of two with one name etcd takes the last one.
    for mapping in dict.fromkeys(place for place, _key in PLACES.values() if place):
        lines = [
            f"  {key}: {_value(flag, settings[flag])}"
            for flag, (place, key) in PLACES.items()
            if place == mapping and flag in settings
        ]
        if lines:
            blocks.append([f"{mapping}:", *lines])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _place(flag: str) -> tuple[str, str]:
    return PLACES.get(flag, ("", flag))


def _value(flag: str, value: Value) -> str:
    if flag in FLAGS and FLAGS[flag].kind == "duration":
        # A text is refused by etcd: it takes nanoseconds.
        return f"{duration(str(value), flag)}  # {value}"
    if isinstance(value, (bool, int)) or (isinstance(value, list) and flag in _LISTS):
        return quoted(value)
    return quoted(text_of(value))


def quoted(value: Any) -> str:
    """JSON that is YAML too: its pairs of surrogates are not, and YAML breaks lines at more than it does."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() or char > "\uffff" else f"\\u{ord(char):04x}" for char in text)
