# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Endpoints and the way to them: names, addresses, TCP, TLS, and a sentence for each way it can fail.

Sockets are opened directly, so proxies named in the environment are never used.
"""

from __future__ import annotations

import socket
import ssl
import threading
import typing as t

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url, parse_url
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import UNVERIFIED
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.tls import TlsSocket, Wire

#: X509_V_FLAG_PARTIAL_CHAIN: every certificate of a bundle is an anchor, as in Go.
# The ssl module names it only since Python 3.10, and sets it by itself since 3.13.
PARTIAL_CHAIN = 0x80000

# The results of OpenSSL's X509_verify_cert(3) that have a remedy of their own.
_NOT_SIGNED = frozenset((2, 18, 19, 20, 21, 24))
_NOT_YET_VALID, _EXPIRED, _WRONG_PURPOSE, _WRONG_NAME, _WRONG_ADDRESS = 9, 10, 26, 62, 64

_NO_TLS = "it does not speak TLS; write http:// if it really serves without."


class Endpoint(t.NamedTuple):
    """Where one member serves clients.

    :param text: the endpoint as it was written.
    :param url: what it means.
    """

    text: str
    url: Url

    @property
    def tls(self) -> bool:
        return self.url.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as URLs write them."""
        return str(self.url).partition("://")[2]


def endpoint_of(text: str, tls: bool = False) -> Endpoint:
    """Read C(https://10.0.0.1:2379), C(http://[::1]:2379), C(etcd-0.example.com:2379) and the like.

    :param tls: what an endpoint without a scheme means, as in etcdctl.
    :raises BadInput: it is no such URL.
    """
    text = text.strip()
    return Endpoint(text, parse_url(text if "://" in text else f"{'https' if tls else 'http'}://{text}", "endpoints"))


class Dialer:
    """Opens connections with one set of TLS files.

    :param ca_path: PEM bundle of the CAs that server certificates are checked against; the system's own without it.
    :param client_cert: PEM certificate (chain) to show to servers.
    :param client_key: its PEM key; may be in the file of the certificate.
    """

    def __init__(
        self, ca_path: str | None = None, client_cert: str | None = None, client_key: str | None = None
    ) -> None:
        if client_key and not client_cert:
            raise BadInput(f"client_key {client_key} is given without client_cert; give both.")
        self._ca_path = ca_path
        self._client_cert = client_cert
        self._client_key = client_key
        self._context: ssl.SSLContext | None = None

    def dial(self, endpoint: Endpoint, deadline: Deadline) -> Wire:
        """A connected socket, over TLS with ALPN C(h2) for https endpoints.

        With TLS 1.3 a server judges the client certificate only after this returns: see C(explain).

        :raises BadInput: a certificate or key file cannot be used.
        :raises TransportError: the endpoint cannot be reached; nothing was sent.
        """
        context = self._tls() if endpoint.tls else None
        raw = self.connect(endpoint, deadline)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                return raw
            secure = TlsSocket(raw, context, endpoint.url.host)
            secure.settimeout(max(deadline.left(), 0.001))
            secure.handshake()
        except OSError as exc:
            raw.close()
            raise TransportError(endpoint.text, self.explain(endpoint, exc, deadline)) from exc
        return secure

    def explain(self, endpoint: Endpoint, error: OSError, deadline: Deadline) -> str:
        """What went wrong and what to do, for an error of the socket of C(endpoint)."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._explain_verification(endpoint, error)
        if isinstance(error, ssl.SSLError):
            return self._explain_tls(error)
        if isinstance(error, socket.timeout):
            return (
                f"the connection is open, but there was no answer within {deadline.seconds:g} s. "
                "etcd answers nothing while it starts or before it has found a quorum; look at its log."
            )
        if isinstance(error, (ConnectionResetError, BrokenPipeError)):
            return "the connection was closed from the other side" + (
                "; a server that refuses a client certificate may do so." if endpoint.tls else "."
            )
        return f"{error.strerror or error}."

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> socket.socket:
        """A connected socket, without TLS whatever the endpoint says.

        :raises TransportError: the endpoint cannot be reached.
        """
        addresses = _resolve(endpoint, deadline)
        refusal = ""
        for tried, (family, kind, protocol, _name, address) in enumerate(addresses):
            raw = socket.socket(family, kind, protocol)
            # An address that swallows packets must leave time for the next one.
            raw.settimeout(max(deadline.left() / (len(addresses) - tried), 0.001))
            try:
                raw.connect(address)
                return raw
            except socket.timeout:
                refusal = (
                    f"no answer from {address[0]} port {endpoint.url.port} within {deadline.seconds:g} s; "
                    "the host is down, or a firewall drops the packets."
                )
            except ConnectionRefusedError:
                refusal = f"connection refused by {address[0]}: nothing listens on port {endpoint.url.port} there."
            except OSError as exc:
                refusal = f"cannot connect to {address[0]} port {endpoint.url.port}: {exc.strerror or exc}."
            raw.close()
        raise TransportError(endpoint.text, refusal)

    def context(self) -> ssl.SSLContext:
        """Whom to trust and what to show, for who speaks something else than HTTP/2.

        :raises BadInput: a certificate or key file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # As etcd's own clients verify: names from the SANs only, and every certificate of the bundle is an anchor.
        context.hostname_checks_common_name = False
        context.verify_flags |= PARTIAL_CHAIN
        self._load_ca(context)
        self._load_client_pair(context)
        return context

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = self.context()
            context.set_alpn_protocols(["h2"])
            self._context = context
        return self._context

    def _load_ca(self, context: ssl.SSLContext) -> None:
        if not self._ca_path:
            context.load_default_certs()
            return
        _check_readable("ca_path", self._ca_path)
        try:
            context.load_verify_locations(cafile=self._ca_path)
        except ssl.SSLError as exc:
            with open(self._ca_path, encoding="utf-8", errors="replace") as stream:
                if not stream.readline().startswith(UNVERIFIED):
                    raise BadInput(f"ca_path {self._ca_path} holds no PEM certificate.") from exc
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE

    def _load_client_pair(self, context: ssl.SSLContext) -> None:
        if not self._client_cert:
            return
        _check_readable("client_cert", self._client_cert)
        if self._client_key:
            _check_readable("client_key", self._client_key)
        key = self._client_key or self._client_cert

        def refuse_passphrase() -> str:
            raise BadInput(f"client_key {key} is encrypted with a passphrase; etcd's clients need it without one.")

        try:
            context.load_cert_chain(self._client_cert, self._client_key, password=refuse_passphrase)
        except ssl.SSLError as exc:
            if exc.reason == "KEY_VALUES_MISMATCH":
                raise BadInput(f"client_key {key} is not the key of client_cert {self._client_cert}.") from exc
            raise BadInput(f"client_cert {self._client_cert} and client_key {key} are not a PEM pair.") from exc

    def _explain_verification(self, endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> str:
        if error.verify_code in (_WRONG_NAME, _WRONG_ADDRESS):
            return (
                f"its server certificate is not made for {endpoint.url.host}; "
                "use a name or address that it holds, or issue it anew with this one."
            )
        if error.verify_code == _EXPIRED:
            return "its server certificate has expired; renew it (or put the clock of this machine right)."
        if error.verify_code == _NOT_YET_VALID:
            return "its server certificate is not valid yet; compare the clocks of the two machines."
        if error.verify_code == _WRONG_PURPOSE:
            return "its certificate is not made for servers; issue it anew with the usage serverAuth."
        if error.verify_code in _NOT_SIGNED:
            return (
                f"its server certificate is not signed by a CA in {self._ca_path or 'the system store'}; check ca_path."
            )
        return f"its server certificate is refused: {error.verify_message}."

    def _explain_tls(self, error: ssl.SSLError) -> str:
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return _NO_TLS
        reason = error.reason or ""
        if "CERTIFICATE_REQUIRED" in reason or ("BAD_CERTIFICATE" in reason and not self._client_cert):
            return "it asks for a client certificate; set client_cert and client_key."
        if "ALERT" in reason and "CERTIFICATE_EXPIRED" in reason:
            return f"it refuses the client certificate {self._client_cert}: expired, says the server; renew it."
        if "UNKNOWN_CA" in reason:
            return f"it refuses the client certificate {self._client_cert}: not signed by a CA that it trusts."
        # All that the Go of etcd 3.4 ever says; newer ones mean the usages by it.
        if "BAD_CERTIFICATE" in reason:
            return (
                f"it refuses the client certificate {self._client_cert}: not made for clients (usage clientAuth), "
                "not signed by a CA that it trusts, or expired."
            )
        if "WRONG_VERSION_NUMBER" in reason:
            return _NO_TLS
        if "INTERNAL_ERROR" in reason:
            return "the server cannot use its own certificate; look at its cert-file, its key-file and its log."
        return f"TLS failed: {reason or error}."


def _resolve(endpoint: Endpoint, deadline: Deadline) -> list[t.Any]:
    """The addresses of an endpoint. The C library knows no timeout, so a name is looked up in a thread left behind."""
    answers: list[t.Any] = []
    failures: list[OSError] = []

    def look_up() -> None:
        try:
            answers.extend(socket.getaddrinfo(endpoint.url.host, endpoint.url.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as exc:
            failures.append(exc if isinstance(exc, OSError) else OSError(str(exc)))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if failures:
        reason = failures[0].strerror or failures[0]
        raise TransportError(endpoint.text, f"the name {endpoint.url.host} is unknown here: {reason}.") from failures[0]
    if not answers:
        raise TransportError(
            endpoint.text, f"no name server answered for {endpoint.url.host} within {deadline.seconds:g} s."
        )
    return answers


def _check_readable(option: str, path: str) -> None:
    try:
        with open(path, "rb"):
            return
    except OSError as exc:
        raise BadInput(f"{option} {path} cannot be read: {exc.strerror}.") from exc
