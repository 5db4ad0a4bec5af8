# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""CAs that come as the content of variables, such as vaulted ones. They are read here and written nowhere."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine, store

CERTIFICATES = {which: f"etcd_pki_{which}_ca" for which in store.AUTHORITIES}
KEYS = {which: f"etcd_pki_{which}_ca_key" for which in store.AUTHORITIES}

#: Where they are, for a message.
PLACE = f"the variables {' and '.join(CERTIFICATES.values())}"

_WHOLE = (
    "Give the whole content of the PEM file with its line breaks, such as "
    "\"{{ lookup('ansible.builtin.file', PATH) }}\" or what ansible-vault encrypt_string printed of it."
)


def check(given: t.Mapping[str, object]) -> dict[str, str]:
    """The variables that hold CAs, all of them, or none.

    :param given: variable -> its value; what is empty is not given.
    :raises BadInput: only some are given, or one that is no text. No value is part of the message.
    """
    names = [*CERTIFICATES.values(), *KEYS.values()]
    there = [name for name in names if given.get(name)]
    missing = [name for name in names if name not in there]
    if there and missing:
        raise BadInput(
            f"{', '.join(there)} {_is(there)} given, and {', '.join(missing)} {_is(missing)} not. The CAs come as all "
            f"{len(names)} variables, or from etcd_pki_dir without any of them."
        )
    found: dict[str, str] = {}
    for name in there:
        value = given[name]
        if not isinstance(value, str):
            raise BadInput(f"{name} is no text but {type(value).__name__}. {_WHOLE}")
        if value.lstrip().startswith(store.VAULT_HEADER.decode()):
            raise BadInput(f"{name} is still encrypted: write the tag !vault before it, as encrypt_string prints it.")
        found[name] = value
    return found


def load_authority(
    given: t.Mapping[str, str], which: str, now: datetime, passphrase: str | None = None
) -> engine.Authority:
    """A CA with its key, ready to sign.

    :param given: what :func:`check` returned, if that was something.
    :param which: C(client) or C(peer).
    :raises BadInput: it is no CA; the passphrase is missing or wrong.
    :raises Refused: its key belongs to another certificate; it has expired.
    """
    certificate, key = CERTIFICATES[which], KEYS[which]
    bundle_pem = given[certificate].encode()
    try:
        with store.about(certificate):
            engine.certificates(bundle_pem)
        with store.about(key):
            private_key = engine.load_key(given[key].encode(), passphrase)
    except BadInput as exc:
        hint = "" if engine.is_encrypted(given[key].encode()) and str(exc).startswith(f"{key}:") else f" {_WHOLE}"
        raise BadInput(f"{exc}{hint}") from exc
    return store.usable(certificate, bundle_pem, key, private_key, now)


def _is(names: t.Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
