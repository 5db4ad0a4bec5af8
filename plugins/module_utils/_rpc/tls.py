# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The client's end of a TLS connection, which reads as much at a time as has come.

C(ssl.SSLSocket) asks the kernel twice for each record, of at most 16 KiB, and gives one record at a time. A snapshot of
1 GiB has 65,536 of them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
import typing as t

# As much as a busy connection has ready at a time.
_MOST = 256 * 1024


class TlsSocket:
    """What HTTP/2 needs of a socket, over TLS.

    :param sock: a connected socket, which now belongs to this one.
    :param host: whom the server's certificate must be made for.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._come = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._leaving, server_hostname=host)
        self._buffer = memoryview(bytearray(_MOST))
        self._until: float | None = None
        self._failure: ssl.SSLError | None = None

    def settimeout(self, seconds: float) -> None:
        """How long each of the calls that follow may wait in all; with zero none of them waits."""
        self._until = time.monotonic() + seconds if seconds else None
        self._sock.settimeout(seconds)

    def handshake(self) -> None:
        """Agree with the server.

        :raises OSError: it cannot be trusted, does not speak TLS, or is gone.
        """
        heard = False
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                heard = self._exchange(heard)
            except ssl.SSLError:
                # Why it is refused is told to the server too, if that is still there.
                with contextlib.suppress(OSError):
                    self._flush()
                raise
        self._flush()

    def _exchange(self, heard: bool) -> bool:
        """Send what is due and take what comes.

        :param heard: whether anything has come before.
        """
        try:
            self._flush()
            if self._fill():
                return True
        except ConnectionError:
            # Who hangs up with words unread resets the connection. One that never spoke knows no TLS.
            if heard:
                raise
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed during the handshake")

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        :raises OSError: the connection is gone, or the time is up.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        self._flush()

    def recv_into(self, view: memoryview) -> int:
        """Wait until something has come, and take all of it that there is room for.

        :returns: how many bytes; zero once the server has hung up.
        :raises OSError: the connection is gone, the server refuses us, or the time is up.
        """
        if self._failure:
            raise self._failure
        size = 0
        while not size:
            try:
                size = self._read(view)
                if not size:
                    return 0
            except ssl.SSLWantReadError:
                if not self._fill():
                    return 0
        return size + self._take_more(view[size:])

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def _take_more(self, view: memoryview) -> int:
        """What has come whole behind a first piece. Why there is no more is told when it is asked for again."""
        taken = 0
        try:
            while taken < len(view):
                size = self._read(view[taken:])
                if not size:
                    break
                taken += size
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            self._failure = exc
        return taken

    def _read(self, view: memoryview) -> int:
        # With a buffer to fill it says how much it has filled.
        return t.cast(int, self._tls.read(len(view), view))

    def _fill(self) -> int:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise socket.timeout
            self._sock.settimeout(left)
        size = self._sock.recv_into(self._buffer)
        self._come.write(self._buffer[:size])
        return size

    def _flush(self) -> None:
        words = self._leaving.read()
        if words:
            self._sock.sendall(words)


#: What a connection is made on.
Wire = t.Union[socket.socket, TlsSocket]
