# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The few requests of etcd's keys API of version 2 that discovery services are made of.

etcd 3.4 and 3.5 serve it with C(enable-v2), and public services speak it (etcd's discovery protocol: GET and PUT of
C(TOKEN/_config/size) and C(TOKEN/ID)). C(/new) is an addition of theirs.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError, WireError

# etcd's own codes (server/etcdserver/api/v2error/error.go).
_NOT_FOUND, _CHANGED, _EXISTS, _NOT_EMPTY = 100, 101, 105, 108
_AS_IT_MAY_BE = (_NOT_FOUND, _CHANGED, _EXISTS, _NOT_EMPTY)
# Bytes of an answer; a token of nine members has a few thousand.
_LARGEST = 1_000_000


class Keys:
    """One service.

    :param proxy: an HTTP proxy; empty for none. What the environment says of proxies counts no more than for etcd.
    :param ca_path: PEM file; without it the CAs that the host trusts.
    :param timeout: seconds for each request.
    :raises BadInput: the file is no certificate.
    """

    def __init__(self, proxy: str = "", ca_path: str | None = None, timeout: float = 5.0) -> None:
        try:
            context = ssl.create_default_context(cafile=ca_path)
        except (OSError, ssl.SSLError) as exc:
            raise BadInput(f"{ca_path} cannot be used as a file of CA certificates: {exc}") from exc
        proxies = {scheme: _with_scheme(proxy) for scheme in ("http", "https")} if proxy else {}
        handlers = [urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)]
        self._opener = urllib.request.build_opener(*handlers)
        self._timeout = timeout

    def get(self, url: str) -> dict[str, Any] | None:
        """Return what lies at a URL, as etcd's node; None where nothing does."""
        return self._node("GET", url)

    def create(self, url: str, value: str) -> bool:
        """Write where nothing is yet.

        :returns: whether nothing was.
        """
        body = urllib.parse.urlencode({"value": value}).encode()
        return self._node("PUT", f"{url}?prevExist=false", body) is not None

    def delete(self, url: str) -> bool:
        """Delete it with all that is below it.

        :returns: whether it was there.
        """
        return self._node("DELETE", f"{url}?recursive=true") is not None

    def text(self, url: str) -> str:
        """Return an answer that is a line of text."""
        status, body = self._ask("GET", url)
        if status != 200:
            raise WireError(f"{url} answered {status}: {_short(body)}")
        return body.decode(errors="replace").strip()

    def _node(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any] | None:
        return node_of(url, method, *self._ask(method, url, body))

    def _ask(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        deadline = Deadline(self._timeout)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return response.status, read(response, deadline, url, _LARGEST)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, read(exc, deadline, url, _LARGEST)
        except (OSError, http.client.HTTPException) as exc:
            raise TransportError(url, str(getattr(exc, "reason", "") or exc), sent=method != "GET") from exc


def node_of(url: str, method: str, status: int, answer: bytes) -> dict[str, Any] | None:
    """Return etcd's node of an answer; None where it says that nothing is there, or not as it was.

    :raises WireError: it is no answer of that API, or another error.
    """
    try:
        found = json.loads(answer)
        if isinstance(found["errorCode"] if status >= 400 else found["node"], (int, dict)):
            if found.get("errorCode") in _AS_IT_MAY_BE:
                return None
            if status < 400:
                return dict(found["node"])
    except (ValueError, KeyError, TypeError):
        pass
    raise WireError(f"{url} does not speak etcd's keys API v2: {method} answered {status}: {_short(answer)}")


def read(response: Any, deadline: Deadline, url: str, largest: int) -> bytes:
    """Read an answer, however slowly it comes, until the deadline."""
    parts, size = [], 0
    while True:
        part: bytes = response.read(65536)
        parts.append(part)
        size += len(part)
        if not part:
            return b"".join(parts)
        if size > largest or not deadline.left():
            raise TransportError(url, f"its answer has no end: {size} bytes in {deadline.seconds:g} s")


def _with_scheme(proxy: str) -> str:
    """etcd takes a proxy without a scheme for one by HTTP."""
    return proxy if "://" in proxy else f"http://{proxy}"


def _short(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return text if len(text) <= 200 else f"{text[:200]}..."
