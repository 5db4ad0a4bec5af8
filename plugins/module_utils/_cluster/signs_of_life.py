# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Signs of life of a member at its URLs: one that is removed while it lives loses a vote that counts.

The address of a dead machine may belong to another one by now. On its peer port each etcd tells its cluster's ID
(C(GET /members), etcdserver/api/etcdhttp/peer.go; 3.4 to 3.7), and with TLS its certificate tells whose it is before
that.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Sign
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import PARTIAL_CHAIN, Dialer, Endpoint, endpoint_of

_HEADERS = 16 * 1024
_HTTP = b"HTTP/1."
# The results of OpenSSL's X509_verify_cert(3) for a certificate of an authority that is not in the bundle.
_OF_ANOTHER_AUTHORITY = (18, 19, 20, 21)
# OpenSSL's names for an answer that is no TLS at all.
_NO_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL")
_CLUSTER_ID = re.compile(rb"^x-etcd-cluster-id:[ \t]*([0-9a-f]+)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


class Asker(t.NamedTuple):
    """Who asks, and what is known there.

    :param credentials: for client URLs.
    :param client_ca: the CAs of client ports, as PEM text; empty where they are not known.
    :param peer_ca: those of peer ports.
    :param peer_pair: paths of a certificate and a key that peers take; empty without them.
    :param cluster_id: the ID of the cluster, lower-case hex; empty where it is not known: then any etcd may be it.
    """

    credentials: Credentials = Credentials()
    client_ca: str = ""
    peer_ca: str = ""
    peer_pair: tuple[str, str] | tuple[()] = ()
    cluster_id: str = ""


#: One that knows nothing of whoever answers.
UNKNOWN = Asker()


def asker(peer_ca_path: str | None, peer_cert: str | None, peer_key: str | None) -> Asker:
    """Who asks with these files, as far as they can be read.

    :raises BadInput: the CAs cannot.
    """
    try:
        with open(peer_ca_path or os.devnull, encoding="utf-8") as stream:
            return Asker(peer_ca=stream.read(), peer_pair=(peer_cert, peer_key) if peer_cert and peer_key else ())
    except (OSError, ValueError) as exc:
        raise BadInput(f"peer_ca_path {peer_ca_path} cannot be read: {exc}.") from exc


def find(member: ClusterMember, asker: Asker, timeout: float) -> Sign | None:
    """The most certain sign that a member lives, None without one.

    Another member, another cluster, another authority's certificate or another protocol is proof that it is not this
    one. Loopback URLs lead to this host, so that there only the member itself counts.

    :param timeout: seconds for each question.
    """
    urls = [*member.client_urls, *member.peer_urls]
    with ThreadPoolExecutor(max_workers=max(1, len(urls))) as pool:
        found = [sign for sign in pool.map(lambda url: _at(member, url, asker, timeout), urls) if sign is not None]
    return next((sign for sign in found if sign.certain), found[0] if found else None)


def _at(member: ClusterMember, url: str, asker: Asker, timeout: float) -> Sign | None:
    is_client = url in member.client_urls
    if is_client:
        status = survey.ask(url, asker.credentials, timeout).status
        if status is not None:
            return Sign(url, True) if status.member_id == member.id else None
    if not _urls.from_elsewhere([url]):
        return None
    endpoint, deadline = endpoint_of(url), Deadline(timeout)
    try:
        connection = Dialer().connect(endpoint, deadline)
    except TransportError:
        return None
    with contextlib.closing(connection):
        try:
            if endpoint.tls:
                connection = _context(asker, is_client).wrap_socket(connection)
            # On its client port etcd tells its cluster's ID by Status only, which was asked.
            certain = None if is_client else _is_of(connection, endpoint, asker.cluster_id, deadline)
        except ssl.SSLCertVerificationError as exc:
            certain = False if exc.verify_code in _OF_ANOTHER_AUTHORITY else None
        except ssl.SSLError as exc:
            certain = False if exc.reason in _NO_TLS else None
        except OSError:
            certain = None
        finally:
            connection.close()
    return None if certain is False else Sign(url, bool(certain))


def _is_of(connection: socket.socket, endpoint: Endpoint, cluster_id: str, deadline: Deadline) -> bool | None:
    """Does an etcd of this cluster answer? None if nothing tells.

    :raises OSError: no answer in time, or the connection broke.
    """
    connection.sendall(f"GET /members HTTP/1.1\r\nHost: {endpoint.authority}\r\nConnection: close\r\n\r\n".encode())
    received, more = b"", b"..."
    while more and b"\r\n\r\n" not in received and len(received) < _HEADERS:
        connection.settimeout(max(deadline.left(), 0.001))
        more = connection.recv(_HEADERS)
        received += more
    if _HTTP.startswith(received[: len(_HTTP)]) and len(received) < len(_HTTP):
        return None
    told = _CLUSTER_ID.search(received)
    if told is not None:
        return not cluster_id or int(told[1], 16) == int(cluster_id, 16)
    # What stands before a member that does not answer says 502.
    return None if re.match(rb"HTTP/1\.[01] 5", received) else False


def _context(asker: Asker, is_client: bool) -> ssl.SSLContext:
    """Whose certificate it is counts, and not for which name it was made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.verify_flags |= PARTIAL_CHAIN
    shown = asker.credentials
    pair = (shown.client_cert, shown.client_key) if is_client else asker.peer_pair
    authorities = asker.client_ca if is_client else asker.peer_ca
    # What cannot be read here proves nothing.
    with contextlib.suppress(OSError):
        if pair and pair[0]:
            context.load_cert_chain(pair[0], pair[1])
    with contextlib.suppress(OSError):
        if authorities:
            context.load_verify_locations(cadata=authorities)
            context.verify_mode = ssl.CERT_REQUIRED
    return context
