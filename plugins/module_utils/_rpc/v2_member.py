# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The keys API of version 2 of one member, over one connection that is kept.

Each key that moves is read and deleted by itself. A TLS handshake for each would take longer than all else.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import urllib.parse
from types import TracebackType
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import TransportError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import parse_url
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import v2_keys

# Bytes of a listing: all values are in it.
_LARGEST = 2 << 30


class V2Member:
    """The API of one member.

    :param endpoint: a client URL of it.
    :param context: whom to trust and what to show; unused where the URL is a plain one.
    :param timeout: seconds for each request.
    """

    def __init__(self, endpoint: str, context: ssl.SSLContext, timeout: float) -> None:
        url = parse_url(endpoint, "endpoint")
        self._endpoint = str(url)
        self._timeout = timeout
        self._connection = (
            http.client.HTTPSConnection(url.host, url.port, timeout=timeout, context=context)
            if url.scheme == "https"
            else http.client.HTTPConnection(url.host, url.port, timeout=timeout)
        )

    def __enter__(self) -> V2Member:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def is_served(self) -> bool:
        """Whether the member serves the API at all: one that does not knows no such page, in words and not in JSON."""
        status, answer = self._ask("GET", _path())
        return status != 404 or answer.lstrip().startswith(b"{")

    def demands_login(self) -> bool:
        """Whether users of version 2 are switched on. Then each one sees only what its roles show.

        :raises WireError: it is not to be told.
        """
        status, answer = self._ask("GET", "/v2/auth/enable")
        if status in (401, 403):
            return True
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if status == 200:
                return bool(json.loads(answer)["enabled"])
        raise WireError(f"{self._endpoint}/v2/auth/enable answered {status}: it does not tell whether users are on.")

    def tree(self, agreed: bool) -> dict[str, Any]:
        """Return the root with all that is below it and not hidden.

        :param agreed: as a quorum has it. Such a read is a request in the log of every member, as a write is.
        """
        query = "recursive=true&quorum=true" if agreed else "recursive=true"
        return self._node("GET", f"{_path()}?{query}") or {}

    def get(self, name: str) -> dict[str, Any] | None:
        """Return what this member has by a name, as etcd's node; None where it has nothing."""
        return self._node("GET", _path(name))

    def delete_unchanged(self, name: str, index: int) -> bool:
        """Delete one key that is as it was.

        :param index: its C(modifiedIndex) then.
        :returns: whether it was there, and was deleted.
        """
        return self._node("DELETE", f"{_path(name)}?prevIndex={index}") is not None

    def delete_directory(self, name: str) -> bool:
        """Delete a directory in which nothing is left, hidden keys included.

        :returns: whether it was there, and was deleted.
        """
        return self._node("DELETE", f"{_path(name)}?dir=true") is not None

    def _node(self, method: str, path: str) -> dict[str, Any] | None:
        return v2_keys.node_of(f"{self._endpoint}{path}", method, *self._ask(method, path))

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        """Ask once more where a connection was closed that had been kept. What is asked here may be asked twice."""
        kept = self._connection.sock is not None
        try:
            return self._ask_once(method, path)
        except TransportError:
            if not kept:
                raise
            return self._ask_once(method, path)

    def _ask_once(self, method: str, path: str) -> tuple[int, bytes]:
        url, deadline = f"{self._endpoint}{path}", Deadline(self._timeout)
        try:
            self._connection.request(method, path)
            response = self._connection.getresponse()
            return response.status, v2_keys.read(response, deadline, url, _LARGEST)
        except (OSError, http.client.HTTPException) as exc:
            self._connection.close()
            raise TransportError(url, str(exc) or type(exc).__name__, sent=method != "GET") from exc
        except TransportError:
            self._connection.close()
            raise


def _path(name: str = "/") -> str:
    return f"/v2/keys{urllib.parse.quote(name)}"
