# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Hide secrets in what a process was started with, before it leaves its host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HIDDEN = "(hidden)"

_SECRET = re.compile(r"pass(word|wd|phrase|$)|secret|credential|token|api_?key", re.IGNORECASE)
# With the word in their names, and with no secret. A discovery URL ends with a token.
_NO_SECRETS = ("AUTH_TOKEN", "AUTH_TOKEN_TTL", "INITIAL_CLUSTER_TOKEN")
_SECRETS = ("DISCOVERY", "DISCOVERY_CONFIG")
_LOGIN = re.compile(r"//[^/@\s]+@")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return variables with their secrets hidden."""
    return {name: _value(name, value) for name, value in given.items()}


def arguments(given: Iterable[str]) -> list[str]:
    """Return a command line with its secrets hidden, such as C(--password=X), C(--password X) or C(A_SECRET=X)."""
    found: list[str] = []
    flag = ""
    for word in given:
        name, equals, value = word.partition("=")
        if flag and not word.startswith("-"):
            found.append(_value(flag, word))
        else:
            found.append(name + equals + _value(name, value) if equals else _LOGIN.sub(f"//{HIDDEN}@", word))
        flag = word if word.startswith("-") and not equals else ""
    return found


def _value(name: str, value: str) -> str:
    plain = name.lstrip("-").replace("-", "_").upper().removeprefix("ETCD_")
    if value and plain not in _NO_SECRETS and (plain in _SECRETS or _SECRET.search(plain)):
        return HIDDEN
    return _LOGIN.sub(f"//{HIDDEN}@", value)
