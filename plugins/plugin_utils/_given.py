# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What a call of a module on its host is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import wanted_of


class Call(NamedTuple):
    """A module of this collection, and its options."""

    module: str
    options: dict[str, Any]

    def having(self, **options: Any) -> Call:
        """Return the call with other options."""
        return Call(self.module, {**self.options, **options})


@dataclass(frozen=True)
class Given:
    """What calls are made of beside their acts.

    :param place: where the instance lies on its host.
    :param tls: whether the cluster uses TLS.
    :param host: as it was observed; without anything where it was not.
    :param content: renders the files of a host for a version of etcd, and issues what is due.
    :param reports: what etcd_peer_report returned for the other members.
    :param start_timeout: how long a member may take to serve, seconds.
    :param source: C(url), C(archive_dir), C(checksums) and C(checksums_from_mirror) of releases.
    :param password: of the discovery service. Secret.
    :param auto_tls: whether etcd made the certificate of the client port itself.
    """

    cluster: str
    place: Layout
    tls: bool
    host: Host
    content: Callable[[Host, str], dict[str, Any]]
    reports: Sequence[Mapping[str, Any]]
    start_timeout: float
    source: Mapping[str, Any]
    password: str = ""
    auto_tls: bool = False

    @property
    def wanted(self) -> Desired:
        return wanted_of(self.host)

    @property
    def layout(self) -> dict[str, Any]:
        return self.place.to_dict()

    @property
    def expected(self) -> dict[str, Any] | None:
        """The marker that the plan saw."""
        return self.host.marker.to_dict() if self.host.marker else None

    @property
    def login(self) -> dict[str, Any]:
        """Who asks the cluster on the host: its administrator's certificate, or the user of a file."""
        layout, login = self.place, {}
        if self.tls:
            shown = {} if self.auto_tls else {"client_cert": "admin", "client_key": "admin-key"}
            files = {"ca_path": "ca", **shown}
            login = {option: layout.certificate(name) for option, name in files.items()}
        return {**login, **({"user_file": layout.user_file} if layout.user_file else {})}
