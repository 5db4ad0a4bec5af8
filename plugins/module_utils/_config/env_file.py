# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Settings as C(ETCD_...) variables, as etcd's process has them.

Settings on a host are read as variables, from a file of either form (see C(env_text), C(yaml_file)), so that all can be
compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, text_of

_CLIENT, _PEER, _SOCKET = "client-transport-security", "peer-transport-security", "socket-options"

#: Setting -> the mapping that it stands in, and its key there. All others stand by themselves, under their own name.
PLACES: dict[str, tuple[str, str]] = {
    **{name: (_CLIENT, name) for name in ("cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "auto-tls")},
    "client-cert-allowed-hostname": (_CLIENT, "allowed-hostname"),
    "peer-cert-file": (_PEER, "cert-file"),
    "peer-key-file": (_PEER, "key-file"),
    "peer-trusted-ca-file": (_PEER, "trusted-ca-file"),
    "peer-client-cert-auth": (_PEER, "client-cert-auth"),
    "peer-auto-tls": (_PEER, "auto-tls"),
    "peer-cert-allowed-cn": (_PEER, "allowed-cn"),
    "peer-cert-allowed-hostname": (_PEER, "allowed-hostname"),
    "peer-skip-client-san-verification": (_PEER, "skip-client-san-verification"),
    "socket-reuse-address": (_SOCKET, "reuse-address"),
    "socket-reuse-port": (_SOCKET, "reuse-port"),
    "experimental-snapshot-catchup-entries": ("", "experimental-snapshot-catch-up-entries"),
}
_FLAG_AT = {place: flag for flag, place in PLACES.items()}

_ASSIGNMENT = re.compile(r'^([A-Z][A-Z0-9_]*)="(.*)"$', re.MULTILINE)
_YAML = re.compile(r"( *)([a-z0-9-]+):(?: +(.*))?")
_ESCAPED = re.compile(r'\\(["\\`$])')

#: Names the YAML file of a member to its gate; what etcd reads is a copy of it.
SETTINGS_VARIABLE = "QUORUM_ETCD_SETTINGS"

#: Of a process in a container: the directory of its release on the host, and what runs it.
RELEASE_VARIABLE, RUNTIME_VARIABLE = "QUORUM_ETCD_RELEASE", "QUORUM_ETCD_RUNTIME"

#: What is said of a variable that is not there.
UNSET = "(unset)"

_FILE = "--config-file="


def variable(flag: str) -> str:
    """The variable that etcd reads a flag from (pkg/flags/flag.go, FlagToEnv)."""
    return "ETCD_" + flag.upper().replace("-", "_")


def environment(settings: Mapping[str, Value]) -> dict[str, str]:
    """Variable -> text, as a process started with these settings has them in its environment."""
    return {variable(flag): text_of(value) for flag, value in settings.items()}


def differing(has: Mapping[str, str], should_have: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Variable, value and wanted value where a process runs with another than is wanted; those of a first start are
    their own affair.
    """
    for name in sorted({*should_have, *has}):
        value, wanted = has.get(name, UNSET), should_have.get(name, UNSET)
        if value != wanted and not name.startswith(("ETCD_INITIAL_CLUSTER", "ETCD_DISCOVERY")):
            yield name, value, wanted


def assignments(settings: Mapping[str, Value]) -> list[str]:
    """One line a setting, in the order given, quoted alike for systemd and for a POSIX shell.

    Within double quotes both take a backslash before a quote, a backslash, a backquote or a dollar sign for an escape,
    and before nothing else (systemd.exec(5), EnvironmentFile=; POSIX Shell Command Language, 2.2.3).
    """
    return [f'{name}="{escaped(text)}"' for name, text in environment(settings).items()]


def read(text: str) -> dict[str, str]:
    """Variable -> text, out of what C(env_text.render) or C(yaml_file.render) has written; of others what is clear."""
    found = {name: _ESCAPED.sub(r"\1", value) for name, value in _ASSIGNMENT.findall(text)}
    mapping = ""
    for indent, key, value in (match.groups() for match in map(_YAML.fullmatch, text.split("\n")) if match):
        mapping = mapping if indent else ("" if value else key)
        if value:
            found[variable(_FLAG_AT.get((mapping, key), key))] = _text_in(value)
    return found


def _text_in(value: str) -> str:
    """A value of the YAML file as a variable has it."""
    try:
        typed, end = json.JSONDecoder().raw_decode(value)
    except ValueError:
        return value.strip()
    # Behind nanoseconds stands what was given.
    comment = value[end:].partition("# ")[2]
    return comment if comment and isinstance(typed, int) and not isinstance(typed, bool) else text_of(typed)


def file_read(command: Iterable[str]) -> str:
    """The file that etcd reads by its command line; empty where it reads its environment."""
    return next((word[len(_FILE) :] for word in command if word.startswith(_FILE)), "")


def escaped(text: str) -> str:
    """A text as it stands within the quotes."""
    return "".join("\\" + char if char in '"\\`$' else char for char in text)
