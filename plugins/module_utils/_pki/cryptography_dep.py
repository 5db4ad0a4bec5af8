# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The one place that imports cryptography, and knows from which version on it is good enough.

Importing this file never fails. Where the library is missing or too old, the first use of any of its names
raises :class:`HostError`, which says what is wrong and with which Python.
"""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._base.python_library import Python

__all__ = ["InvalidSignature", "ec", "hashes", "rsa", "serialization", "x509"]

MINIMUM = 42
"""First major version with C(not_valid_after_utc) (https://cryptography.io/en/latest/changelog/)."""


class Unusable:
    """Stands where a part of the library should be, and says at the first use why it is not there."""

    def __getattr__(self, name: str) -> t.NoReturn:
        check()
        raise AttributeError(name)


def check() -> None:
    """Can the library be used?

    :raises HostError: it is missing or too old.
    """
    if problem is not None:
        raise HostError(
            f"Certificates are made on the controller with the Python library cryptography {MINIMUM} or newer, "
            f"and {problem}. {Python.running().installing(f'cryptography>={MINIMUM}')}"
        )


def shortcoming(version: str, path: str) -> str | None:
    """What is wrong with a library of this version found at this path; None if it is good enough."""
    if int(version.partition(".")[0]) >= MINIMUM:
        return None
    return f"version {version} was found at {path}"


problem: str | None = None

if t.TYPE_CHECKING:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
else:
    try:
        import cryptography

        problem = shortcoming(cryptography.__version__, cryptography.__file__)
        if problem is None:
            from cryptography import x509
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ec, rsa
    except ImportError as exc:
        problem = f"{sys.executable} cannot import it ({exc})"
    if problem is not None:
        x509 = hashes = serialization = ec = rsa = Unusable()
        InvalidSignature = HostError
