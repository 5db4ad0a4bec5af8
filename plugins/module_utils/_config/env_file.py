# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Settings as C(ETCD_...) variables: as etcd's process has them, and as the file that systemd reads them from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value, text_of

#: The sections of the file, as etcd's own examples have them. What is in none of them comes last, sorted.
_SECTIONS: dict[str, tuple[str, ...]] = {
    "Member": ("name", "data-dir", "wal-dir", "listen-peer-urls", "listen-client-urls"),
    "Clustering": ("initial-advertise-peer-urls", "advertise-client-urls", "initial-cluster-state"),
    "Security": (
        "cert-file",
        "key-file",
        "trusted-ca-file",
        "client-cert-auth",
        "peer-cert-file",
        "peer-key-file",
        "peer-trusted-ca-file",
        "peer-client-cert-auth",
    ),
    "Logging": ("logger", "log-level", "log-format", "log-outputs", "enable-log-rotation", "log-rotation-config-json"),
}

_ASSIGNMENT = re.compile(r'^([A-Z][A-Z0-9_]*)="(.*)"$', re.MULTILINE)
_ESCAPED = re.compile(r'\\(["\\`$])')

#: What is said of a variable that is not there.
UNSET = "(unset)"

# Says neither time nor release, so that neither changes a file.
_HEADER = "# Managed by quorum.etcd: changes made by hand are put right at the next run."


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
        if value != wanted and not name.startswith("ETCD_INITIAL_CLUSTER"):
            yield name, value, wanted


def assignments(settings: Mapping[str, Value]) -> list[str]:
    """One line a setting, in the order given, quoted alike for systemd and for a POSIX shell.

    Within double quotes both take a backslash before a quote, a backslash, a backquote or a dollar sign for an escape,
    and before nothing else (systemd.exec(5), EnvironmentFile=; POSIX Shell Command Language, 2.2.3).
    """
    return [f'{name}="{_escape(text)}"' for name, text in environment(settings).items()]


def read(text: str) -> dict[str, str]:
    """Variable -> text, out of what C(assignments) or C(render) has written."""
    return {name: _ESCAPED.sub(r"\1", value) for name, value in _ASSIGNMENT.findall(text)}


def render(settings: Mapping[str, Value]) -> str:
    """The whole file."""
    placed = {flag for flags in _SECTIONS.values() for flag in flags}
    sections = {**_SECTIONS, "Settings": tuple(sorted(flag for flag in settings if flag not in placed))}
    blocks = [[_HEADER]]
    for title, flags in sections.items():
        lines = assignments({flag: settings[flag] for flag in flags if flag in settings})
        if lines:
            blocks.append([f"#[{title}]", *lines])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _escape(text: str) -> str:
    return "".join("\\" + char if char in '"\\`$' else char for char in text)
