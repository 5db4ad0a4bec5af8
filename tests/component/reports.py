# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that report whom they can open a new connection to, as the unit on their hosts does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_reports import Question
from ansible_collections.quorum.etcd.plugins.module_utils._host import peer_reporter
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side

NONCE = "component-tests"
WITNESSES = Witnesses(NONCE)
ANONYMOUS = Credentials()


@contextlib.contextmanager
def reporting(endpoints: Sequence[str], credentials: Credentials = ANONYMOUS) -> Iterator[None]:
    """All members report, each by itself; who joins meanwhile does, too.

    :param endpoints: of any of them.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_report_all, args=(endpoints, credentials, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def returned(endpoints: Sequence[str]) -> Witnesses:
    """What the members return at once, for where etcd takes no reports."""
    found = []
    for endpoint in endpoints:
        with contextlib.suppress(EtcdError), Client([endpoint], ANONYMOUS, 2.0) as client:
            found.append(dict(zip(("member_id", "reached"), peer_reporter.reached(client, Side()))))
    return Witnesses.from_options(NONCE, found)


def _report_all(endpoints: Sequence[str], credentials: Credentials, ended: threading.Event) -> None:
    threads: dict[str, threading.Thread] = {}
    while not ended.wait(0.1):
        with contextlib.suppress(EtcdError), Client(endpoints, credentials, 2.0) as client:
            for member in client.member_list().members:
                if member.id not in threads and member.client_urls:
                    given = (member.client_urls[0], credentials, ended)
                    threads[member.id] = threading.Thread(target=_report, args=given, daemon=True)
                    threads[member.id].start()
    for thread in threads.values():
        thread.join()


def _report(endpoint: str, credentials: Credentials, ended: threading.Event) -> None:
    answered: Question | None = None
    while not ended.wait(0.1):
        with contextlib.suppress(EtcdError), Client([endpoint], credentials, 2.0) as client:
            answered = peer_reporter.answer(client, Side(), NONCE, answered)
