# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Certificates and their keys on a host. etcd reads both at each handshake, and takes nobody unless they match."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence


def problems(certificates: Sequence[str]) -> dict[str, str]:
    """What is wrong with certificates that have a key beside them, C(NAME-key.pem).

    :param certificates: paths of PEM files.
    :returns: path -> one sentence; nothing for those that are a pair, or of which one file is missing.
    """
    found = {}
    for path in certificates:
        key = f"{path.removesuffix('.pem')}-key.pem"
        if os.path.isfile(path) and os.path.isfile(key):
            problem = _problem(path, key)
            if problem:
                found[path] = problem
    return found


def _problem(certificate: str, key: str) -> str:
    try:
        # Without an answer OpenSSL asks the terminal for the passphrase of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            return f"{key} is not the key of it."
        return f"{key} cannot be used with it: {(exc.reason or str(exc)).lower().replace('_', ' ')}."
    except OSError as exc:
        return f"{key} cannot be read: {exc.strerror}."
    return ""
