# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other end of the wire: a server of HTTP/2 and gRPC that does what a script tells it, made of h2."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.settings

OK = (("grpc-status", "0"),)
GRPC = ((":status", "200"), ("content-type", "application/grpc"))

Headers = Iterable[tuple[str, str]]


class Request(NamedTuple):
    """What a client has asked."""

    stream: int
    headers: dict[str, str]
    message: bytes


class Talk:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.acknowledged_pings: list[bytes] = []
        self.reset_streams: list[int] = []
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def settle(self, **settings: int) -> None:
        """Introduce the server."""
        values = {h2.settings.SettingCodes[name.upper()]: value for name, value in settings.items()}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=values)
        self.h2.initiate_connection()
        self.flush()

    def request(self) -> Request:
        """The next whole request."""
        requests: dict[int, tuple[dict[str, str], bytearray]] = {}
        while True:
            for event in self.events():
                if isinstance(event, h2.events.RequestReceived):
                    requests[event.stream_id] = (dict(event.headers), bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    requests[event.stream_id][1].extend(event.data)
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.flush()
                elif isinstance(event, h2.events.StreamEnded):
                    headers, body = requests[event.stream_id]
                    return Request(event.stream_id, headers, bytes(body[5:]))

    def events(self) -> list[h2.events.Event]:
        """What the client has sent since; nothing at all once it is gone."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the client is gone")
        events = self.h2.receive_data(data)
        self.acknowledged_pings += [e.ping_data for e in events if isinstance(e, h2.events.PingAckReceived)]
        self.reset_streams += [e.stream_id for e in events if isinstance(e, h2.events.StreamReset)]
        self.flush()
        return events

    def until_gone(self) -> None:
        """Read whatever the client sends, and answer nothing, until it closes the connection."""
        try:
            while self.sock.recv(65536):
                pass
        except OSError:
            return

    def answer(self, stream: int, *messages: bytes, trailers: Headers = OK, headers: Headers = GRPC) -> None:
        """A whole answer, as fast as the client's windows allow."""
        self.h2.send_headers(stream, list(headers))
        for message in messages:
            self.data(stream, struct.pack("!BI", 0, len(message)) + message)
        self.h2.send_headers(stream, list(trailers), end_stream=True)
        self.flush()

    def answer_at_once(self, stream: int, trailers: Headers) -> None:
        """An answer of trailers only."""
        self.h2.send_headers(stream, [*GRPC, *trailers], end_stream=True)
        self.flush()

    def data(self, stream: int, data: bytes) -> None:
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if not room:
                self.flush()
                self.events()
                continue
            self.h2.send_data(stream, data[:room])
            data = data[room:]

    def pause(self, seconds: float) -> None:
        """Say nothing for a while.

        :raises ConnectionError: the client has gone meanwhile.
        """
        readable, _writable, _failed = select.select([self.sock], [], [], seconds)
        if readable:
            self.events()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())


Script = Callable[[Talk], None]


class Peer:
    """A server on loopback that plays one script for each connection, in turn.

    What goes wrong in a script fails the test that uses the peer.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, kind: object, exc: BaseException | None, _traceback: object) -> None:
        self._thread.join(timeout=10)
        # Closing a socket does not wake the thread that accepts on it; shutting it down does.
        if self._thread.is_alive():
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if exc is not None:
            exc.add_note(f"the peer failed with {self._failures}")
        else:
            assert not self._thread.is_alive(), "the client has not made all the connections of the scripts"
            assert not self._failures, self._failures

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                sock, _address = self._listener.accept()
                with sock:
                    script(Talk(sock))
            except Exception as exc:
                self._failures.append(exc)
                return


def answering(*messages: bytes, trailers: Headers = OK) -> Script:
    """A script that gives each request of a connection the same answer, until the client goes."""

    def script(talk: Talk) -> None:
        talk.settle()
        try:
            while True:
                talk.answer(talk.request().stream, *messages, trailers=trailers)
        except ConnectionError:
            return

    return script
