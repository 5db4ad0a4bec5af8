# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A new connection to a member's peer port, opened as another member opens it.

It counts only once an HTTP answer was read over it: a certificate that was revoked, and what TLS 1.3 says of a client
certificate, come after a good handshake (client/pkg/transport/listener_tls.go). Each peer handler serves C(/members)
with the id of its cluster in a header (server/etcdserver/api/etcdhttp/peer.go); tried with etcd 3.4 to 3.7.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, endpoint_of

#: Seconds for one connection and its answer.
TIMEOUT = 3.0

_CLUSTER_ID = "X-Etcd-Cluster-ID"
# Every certificate of a bundle is an anchor to Go, be it an intermediate one (X509_V_FLAG_PARTIAL_CHAIN).
_PARTIAL_CHAIN = 0x80000
_TLS_VERSIONS = {"TLS1.2": ssl.TLSVersion.TLSv1_2, "TLS1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True)
class Side:
    """The files with which a member opens connections to its peers.

    :param ca: the bundle by which it judges them; empty for the system's own.
    :param cert: the certificate that it shows; empty for none.
    :param key: the key of that.
    :param verifies: does it judge them at all? With C(--peer-auto-tls) nobody does.
    :param oldest: the oldest TLS version that it accepts, as etcd spells it, or an empty string.
    :param newest: the newest.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    verifies: bool = True
    oldest: str = ""
    newest: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], ca: str = "") -> Side:
        """That of a process.

        :param environment: its C(ETCD_*).
        :param ca: the bundle that it has read, where that is known; else the file that it names.
        """

        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        verifies = environment.get("ETCD_PEER_AUTO_TLS", "").lower() != "true"
        # Else etcd shows its peers the pair that it made (embed/config.go, PeerSelfCert).
        made = "" if verifies else environment.get("ETCD_DATA_DIR", "") + "/fixtures/peer/"
        return cls(
            ca or first("ETCD_PEER_TRUSTED_CA_FILE"),
            first("ETCD_PEER_CLIENT_CERT_FILE", "ETCD_PEER_CERT_FILE") or (made and f"{made}cert.pem"),
            first("ETCD_PEER_CLIENT_KEY_FILE", "ETCD_PEER_KEY_FILE") or (made and f"{made}key.pem"),
            verifies,
            environment.get("ETCD_TLS_MIN_VERSION", ""),
            environment.get("ETCD_TLS_MAX_VERSION", ""),
        )

    def context(self) -> ssl.SSLContext:
        """Its TLS settings.

        :raises OSError: one of its files cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.hostname_checks_common_name = False
        context.verify_flags |= _PARTIAL_CHAIN
        context.minimum_version = _TLS_VERSIONS.get(self.oldest, ssl.TLSVersion.TLSv1_2)
        if self.newest in _TLS_VERSIONS:
            context.maximum_version = _TLS_VERSIONS[self.newest]
        if not self.verifies:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca:
            context.load_verify_locations(cafile=self.ca)
        else:
            context.load_default_certs()
        if self.cert:
            # A key with a passphrase is no key to etcd; here it would ask the terminal for it.
            context.load_cert_chain(self.cert, self.key or None, password=lambda: "")
        return context


def failures(members: Iterable[ClusterMember], side: Side, cluster_id: str) -> dict[str, str]:
    """Open a new connection to each of these members at once.

    :param cluster_id: the cluster that they are of, in lower-case hex.
    :returns: member id -> why it could not be reached at any of its peer URLs, empty if it was.
    """
    listed = list(members)
    with ThreadPoolExecutor(max_workers=max(1, len(listed))) as pool:
        found = pool.map(lambda one: failure(one.peer_urls, side, cluster_id), listed)
        return {one.id: why for one, why in zip(listed, found)}


def failure(urls: Iterable[str], side: Side, cluster_id: str, timeout: float = TIMEOUT) -> str:
    """Why a member cannot be reached at any of its peer URLs, one sentence; empty if it can."""
    found = []
    for text in urls:
        why = _failure_at(text, side, cluster_id, timeout)
        if not why:
            return ""
        found.append(f"{text}: {why}")
    return " ".join(found) or "it has no peer URL."


def refusal(urls: Iterable[str], side: Side, timeout: float = TIMEOUT) -> str:
    """Why the member of this very host refuses new connections to its peer URLs, one sentence; empty if it takes them,
    or if nothing can be said from here: its address may lead elsewhere, or to loopback, where no peer comes from.
    """
    found = ""
    for text in urls:
        with contextlib.suppress(EtcdError):
            url = _urls.parse_url(text, "peer URL")
            raw = _connect(url, Deadline(timeout))
            if _urls.is_loopback(raw.getpeername()[0]) and not _urls.is_loopback(url.host):
                raw.close()
                continue
            why = _refusal_on(raw, url, side, "", timeout)
            if not why:
                return ""
            found = found or f"{text}: {why}"
    return found


def versions(urls: Iterable[str], side: Side, timeout: float = TIMEOUT) -> dict[str, str]:
    """What a member says at C(/version) of its peer port: C(etcdserver), C(etcdcluster) and, from 3.6 on, C(storage).

    :returns: empty where it does not answer.
    """
    for text in urls:
        with contextlib.suppress(EtcdError, OSError, http.client.HTTPException, ValueError):
            url = _urls.parse_url(text, "peer URL")
            with _connect(url, Deadline(timeout)) as raw:
                raw.settimeout(timeout)
                context = side.context() if url.scheme == "https" else None
                wire = context.wrap_socket(raw, server_hostname=url.host) if context else raw
                told = json.loads(_get(url, wire, "/version")[1])
                return {name: str(value) for name, value in told.items()}
    return {}


def _failure_at(text: str, side: Side, cluster_id: str, timeout: float) -> str:
    try:
        url = _urls.parse_url(text, "peer URL")
        return _refusal_on(_connect(url, Deadline(timeout)), url, side, cluster_id, timeout)
    except TransportError as exc:
        return exc.message
    except EtcdError as exc:
        return str(exc)


def _connect(url: Url, deadline: Deadline) -> socket.socket:
    """A new TCP connection.

    :raises TransportError: there is none.
    """
    return Dialer().connect(endpoint_of(str(url)), deadline)


def _refusal_on(raw: socket.socket, url: Url, side: Side, cluster_id: str, timeout: float) -> str:
    """Why a new TCP connection does not lead to an answer; empty if it does.

    :param cluster_id: empty for any.
    """
    shaken = False
    with raw:
        try:
            context = side.context() if url.scheme == "https" else None
        except OSError as exc:
            return f"{side.cert or side.ca or 'the system store'} and what goes with it cannot be used: {_words(exc)}."
        try:
            raw.settimeout(timeout)
            wire = context.wrap_socket(raw, server_hostname=url.host) if context else raw
            shaken = True
            said = _ask(url, wire)
        except (OSError, http.client.HTTPException) as exc:
            return _why(exc, side, shaken, timeout)
    if said != cluster_id and (cluster_id or not said):
        return f"a member of another cluster ({said or 'it names none'}) answers there, not of {cluster_id}."
    return ""


def _ask(url: Url, wire: socket.socket) -> str:
    """The id of the cluster whose member answers."""
    return str(_get(url, wire, "/members")[0].getheader(_CLUSTER_ID) or "")


def _get(url: Url, wire: socket.socket, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(url.host, url.port)
    connection.sock = wire
    with wire:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer, answer.read()


def _why(error: Exception, side: Side, shaken: bool, timeout: float) -> str:
    shown = f"the certificate {side.cert}" if side.cert else "a connection without a certificate"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message} (judged by {side.ca or 'the system store'})."
    if isinstance(error, socket.timeout):
        return f"the connection is open, and no answer came within {timeout:g} s."
    reason = getattr(error, "reason", None) or ""
    if "INTERNAL_ERROR" in reason:
        return "it cannot use its own certificate: see that its peer key is the key of its peer certificate."
    if "ALERT" in reason or "CERTIFICATE" in reason:
        return f"it refuses {shown}: {reason.lower().replace('_', ' ')}."
    if isinstance(error, ssl.SSLError) and not shaken:
        return f"the TLS handshake fails: {_words(error)}."
    if shaken:
        return (
            f"it closes the connection without an answer: it refuses {shown}, by its CRL (peer-crl-file) for instance, "
            "or that file cannot be read. Its log says which."
        )
    return f"the connection was closed: {_words(error)}."


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or error).rstrip(".")
