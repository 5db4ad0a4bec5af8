# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""A cluster's certificate authorities on the controller, judged against one host and used for it.

Leaf keys exist on their host only: a leaf is issued in memory and sent in the one call that writes a member's files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities, Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import UNVERIFIED
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._pki import content, cryptography_dep, engine, store
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import (
    CA_DAYS,
    PROFILES,
    AuthoritySpec,
    KeySpec,
    LeafSpec,
    check_renewal,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils import _keeping

if TYPE_CHECKING:
    from ansible_collections.quorum.etcd.plugins.module_utils._pki.store import Unvault

# The clock of a host may be ahead.
_THROWAWAY_DAYS = 30


@dataclass(frozen=True)
class Pki:
    """How a cluster's certificates are made.

    :param given: C(etcd_pki_dir), as it was given; empty where it is not set and the inventory has no directory.
    :param content: the authorities themselves where they come as variables: their names and values; else empty.
    :param days: how long a leaf is valid.
    :param renew_before_days: how many days before its end it is issued anew.
    """

    given: str
    key: KeySpec
    days: int
    renew_before_days: int
    passphrase: str | None
    unvault: Unvault
    content: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any], unvault: Unvault) -> Pki:
        """From the role's C(__etcd_pki).

        :raises BadInput: what it asks of certificates cannot be.
        """
        key = KeySpec(inputs["key_type"], int(inputs["key_size"] or 0))
        days, renew_before_days = int(inputs["days"]), int(inputs["renew_before_days"])
        check_renewal(LeafSpec.for_names("server", key=key, days=days), renew_before_days)
        return cls(
            given=inputs["directory"],
            key=key,
            days=days,
            renew_before_days=renew_before_days,
            passphrase=inputs["passphrase"] or None,
            unvault=unvault,
            content=content.check(inputs.get("content") or {}),
        )

    @property
    def directory(self) -> str:
        """The absolute path of the directory that has the authorities, or an empty string."""
        if self.content or not self.given:
            return ""
        return os.path.abspath(os.path.expanduser(self.given))

    @property
    def place(self) -> str:
        """Where the authorities are, for a message; empty where nobody says so."""
        return content.PLACE if self.content else self.directory

    def load(self, now: datetime) -> dict[str, engine.Authority]:
        """The authorities that are there.

        :raises EtcdError: one is there and cannot be used.
        """
        return {which: self._load(which, now) for which in store.AUTHORITIES if self._has(which)}

    def load_all(self, now: datetime) -> dict[str, engine.Authority]:
        """Both authorities.

        :raises EtcdError: one is missing or cannot be used.
        """
        return {which: self._load(which, now) for which in store.AUTHORITIES}

    def make(self, cluster: str, now: datetime, check: bool) -> tuple[bool, list[str]]:
        """Make the authorities that are missing.

        :returns: whether one was, and what a person should know of them.
        :raises EtcdError: one cannot be written, or is there and cannot be used.
        """
        made = False
        notes: list[str] = []
        for which in store.AUTHORITIES:
            spec = AuthoritySpec(f"etcd {cluster} {which} CA", self.key, CA_DAYS)
            authority, is_new = store.ensure_authority(
                self.directory, which, spec, now, passphrase=self.passphrase, unvault=self.unvault, check=check
            )
            made = made or is_new
            notes += authority.notes
        return made, notes

    def _has(self, which: str) -> bool:
        return bool(self.content) or store.is_made(self.directory, which)

    def _load(self, which: str, now: datetime) -> engine.Authority:
        if self.content:
            return content.load_authority(self.content, which, now, self.passphrase)
        return store.load_authority(self.directory, which, now, self.passphrase, self.unvault)

    def leaf(self, wanted: Desired, leaf: str) -> LeafSpec:
        """What one of a host's three leaves must be."""
        profile = render.LEAVES[leaf]
        if profile == "client":
            return LeafSpec.for_names(profile, common_name=render.ADMINISTRATOR, key=self.key, days=self.days)
        sans = topology.cert_sans(wanted.member)
        return LeafSpec.for_names(profile, [*sans["dns"], *sans["ip"]], key=self.key, days=self.days)


def judge(pki: Pki, wanted: Desired, seen: Observation, now: datetime) -> Authorities:
    """What the authorities mean for one host: nothing is written.

    :raises BadInput: nobody says where they are.
    """
    if not render.leaves(wanted):
        return Authorities()
    if not pki.place:
        raise BadInput(
            "etcd_pki_dir is not set, and this inventory has no directory in which the certificate authorities could "
            "be kept (-i HOST,). Set a directory on the controller that is kept, here and in each later run: "
            f"-e etcd_pki_dir={_keeping.kept_directory(wanted.cluster, os.environ)}"
        )
    try:
        # Where no CA is there yet nothing else would need it before hosts are changed.
        cryptography_dep.check()
        held = pki.load(now)
    except EtcdError as exc:
        return Authorities(pki.place, problem=str(exc))
    missing = tuple(which for which in store.AUTHORITIES if which not in held)
    doubt = _keeping.doubt(pki.given, wanted.cluster, os.environ) if missing else None
    layout, certificates = wanted.layout, seen.certificates
    strangers = []
    bundles = {}
    for name, which in render.bundles(wanted).items():
        path = layout.certificate(name)
        mine = engine.fingerprints(held[which].bundle_pem) if which in held else set()
        for fingerprint in sorted(_fingerprints(certificates.get(path, "")) - mine):
            strangers.append(f"{path} holds the CA {fingerprint}, which is not in {pki.place}.")
        if which in held:
            bundles[path] = hashlib.sha256(held[which].bundle_pem).hexdigest()
    return Authorities(
        place=pki.place,
        missing=missing,
        strangers=tuple(strangers),
        renew={
            leaf: reasons
            for leaf in render.leaves(wanted)
            if (reasons := _why_renew(pki, wanted, leaf, held, seen, now))
        },
        bundles=bundles,
        notes=tuple(note for which in held for note in held[which].notes),
        doubt=doubt.reason if doubt else "",
        remedy=doubt.remedy if doubt else "",
    )


def _fingerprints(bundle: str) -> set[str]:
    if bundle.startswith(UNVERIFIED):
        return set()
    try:
        return engine.fingerprints(bundle.encode()) if bundle else set()
    except EtcdError:
        return {"(unreadable)"}


def _why_renew(
    pki: Pki, wanted: Desired, leaf: str, held: Mapping[str, engine.Authority], seen: Observation, now: datetime
) -> list[str]:
    path, key = wanted.layout.certificate(leaf), wanted.layout.certificate(f"{leaf}-key")
    for needed in (path, key):
        if not seen.files[needed].exists:
            return [f"{needed} is missing."]
    owner, group = wanted.layout.owner_of_key(leaf)
    found = seen.files[key]
    if (found.mode, found.owner) != ("0600", owner):
        return [f"{key} is {found.owner}:{found.group} {found.mode}, not {owner}:{group} 0600."]
    if path in seen.unpaired:
        return [seen.unpaired[path]]
    which = PROFILES[render.LEAVES[leaf]].authority
    if which not in held:
        return [f"the {which} CA is not in {pki.place}."]
    return engine.why_renew(
        seen.certificates[path].encode(), pki.leaf(wanted, leaf), held[which].bundle_pem, now, pki.renew_before_days
    )


def issue(pki: Pki, wanted: Desired, leaves: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """New leaves for one host, and the CA bundles.

    :param leaves: the names of those to issue.
    :returns: C(leaves) and C(keys) (name -> PEM), C(bundles) (path -> PEM).
    :raises EtcdError: an authority is missing or cannot be used.
    """
    held = pki.load_all(now)
    issued = {
        leaf: engine.issue(held[PROFILES[render.LEAVES[leaf]].authority], pki.leaf(wanted, leaf), now)
        for leaf in leaves
    }
    return {
        "leaves": {leaf: pair.cert_pem.decode() for leaf, pair in issued.items()},
        "keys": {leaf: pair.key_pem.decode() for leaf, pair in issued.items()},
        "bundles": {
            wanted.layout.certificate(name): held[which].bundle_pem.decode()
            for name, which in render.bundles(wanted).items()
        },
    }


def throwaway(now: datetime) -> dict[str, dict[str, str]]:
    """Certificates for a member that is soon removed again, by a CA that nobody else trusts and whose key is forgotten.

    Whoever has its client certificate is root on that member, and nobody anywhere else.

    :returns: C(certificates) and C(private_keys), by the names of their files.
    """
    authority = engine.new_authority(AuthoritySpec("trial", days=_THROWAWAY_DAYS), now)
    bundle = authority.bundle_pem.decode()
    certificates, keys = dict.fromkeys(render.BUNDLES, bundle), {}
    for leaf, profile in render.LEAVES.items():
        name = render.ADMINISTRATOR if profile == "client" else None
        issued = engine.issue(authority, LeafSpec.for_names(profile, common_name=name, days=_THROWAWAY_DAYS), now)
        certificates[leaf], keys[f"{leaf}-key"] = issued.cert_pem.decode(), issued.key_pem.decode()
    return {"certificates": certificates, "private_keys": keys}
