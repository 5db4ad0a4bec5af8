# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Settings written as C(ETCD_...) variables: as the file that systemd reads them from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.quorum.etcd.plugins.module_utils._config.env_file import assignments
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value

#: The sections of the file, as etcd's own examples have them. What is in none of them comes last, sorted.
_SECTIONS: dict[str, tuple[str, ...]] = {
    "Member": ("name", "data-dir", "wal-dir", "listen-peer-urls", "listen-client-urls"),
    "Clustering": ("initial-advertise-peer-urls", "advertise-client-urls", "initial-cluster-state"),
    "Security": (
        "cert-file",
        "key-file",
        "trusted-ca-file",
        "client-cert-auth",
        "auto-tls",
        "peer-cert-file",
        "peer-key-file",
        "peer-trusted-ca-file",
        "peer-client-cert-auth",
        "peer-auto-tls",
    ),
    "Logging": ("logger", "log-level", "log-format", "log-outputs", "enable-log-rotation", "log-rotation-config-json"),
}

#: Says neither time nor release, so that neither changes a file.
HEADER = "# Managed by quorum.etcd: changes made by hand are put right at the next run."


def render(settings: Mapping[str, Value]) -> str:
    """The whole file."""
    blocks = [[HEADER]]
    for title, found in sections(settings):
        blocks.append([f"#[{title}]", *assignments(found)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def sections(settings: Mapping[str, Value]) -> Iterator[tuple[str, dict[str, Value]]]:
    """Each section's title and its settings, in the order of a file; none that is empty."""
    placed = {flag for flags in _SECTIONS.values() for flag in flags}
    others = tuple(sorted(flag for flag in settings if flag not in placed))
    for title, flags in {**_SECTIONS, "Settings": others}.items():
        found = {flag: settings[flag] for flag in flags if flag in settings}
        if found:
            yield title, found
