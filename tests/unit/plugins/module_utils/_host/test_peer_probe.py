# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listener itself, as a process of its own, and those who dial it."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import peer_probe

TOKEN = "etcd_cluster-0123456789abcdef"


@pytest.fixture
def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def standing(service_manager, layout, port):
    """A member's listener; its peer URL."""
    url = f"https://127.0.0.1:{port}"
    peer_probe.listen(service_manager.systemd, layout, [url], peer_probe.greeting(TOKEN, "etcd-host1"))
    return url


def failures(url, name="etcd-host1", token=TOKEN):
    return list(peer_probe.failures([{"name": name, "urls": [url]}], token))


def test_a_peer_that_can_be_reached_is_no_failure(standing):
    assert failures(standing) == []


def test_it_greets_everybody_who_dials(standing):
    assert [failures(standing) for _time in range(5)] == [[]] * 5


@pytest.mark.parametrize("name, token", [("etcd-host2", TOKEN), ("etcd-host1", "etcd_cluster-of-another-run")])
def test_another_member_or_another_bootstrap_is_not_who_was_meant(standing, name, token):
    (text,) = failures(standing, name, token)
    assert text.startswith(f"Something else than {name} answers at {standing}")


def test_it_runs_as_etcds_own_account_and_ends_by_itself(standing, service_manager, layout):
    (call,) = [call for call in service_manager.calls if call[0] == "systemd-run"]
    properties = dict(word[len("--property=") :].split("=", 1) for word in call if word.startswith("--property="))
    assert (properties["User"], properties["Group"]) == (layout.user, layout.group)
    assert 0 < int(properties["RuntimeMaxSec"]) <= 24 * 3600
    assert f"--unit={layout.probe_unit}" in call


def test_it_gives_the_port_free_for_etcd(standing, service_manager, layout, port):
    peer_probe.stop(service_manager.systemd, layout)
    with socket.socket() as etcd:
        # As Go's listeners do: connections that have just ended are no hindrance.
        etcd.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        etcd.bind(("127.0.0.1", port))


def test_where_there_is_none_nothing_is_stopped(service_manager, layout):
    peer_probe.stop(service_manager.systemd, layout)
    assert service_manager.done == []


def test_a_second_run_takes_the_place_of_the_first(standing, service_manager, layout):
    peer_probe.listen(service_manager.systemd, layout, [standing], peer_probe.greeting("another", "etcd-host1"))
    assert failures(standing, token="another") == []


def test_it_stands_on_every_peer_url(service_manager, layout, port):
    with socket.socket() as one:
        one.bind(("127.0.0.2", 0))
        second = one.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}", f"http://127.0.0.2:{second}"]
    peer_probe.listen(service_manager.systemd, layout, urls, peer_probe.greeting(TOKEN, "etcd-host1"))
    assert [failures(url) for url in urls] == [[], []]


def test_http_and_https_at_one_address_are_one_place(service_manager, layout, port):
    urls = [f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}"]
    peer_probe.listen(service_manager.systemd, layout, urls, peer_probe.greeting(TOKEN, "etcd-host1"))
    assert failures(urls[0]) == []


def test_a_wildcard_is_every_address(service_manager, layout, port):
    peer_probe.listen(
        service_manager.systemd, layout, [f"http://0.0.0.0:{port}"], peer_probe.greeting(TOKEN, "etcd-host1")
    )
    assert failures(f"http://127.0.0.3:{port}") == []


def test_a_port_that_something_else_has_is_a_clear_error(service_manager, layout, monkeypatch):
    ticks = iter(range(0, 10_000, 5))
    monkeypatch.setattr(peer_probe.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(peer_probe, "_DIAL_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(HostError, match=f"listen on 127.0.0.1, port {taken} of this host: its last words"):
            peer_probe.listen(service_manager.systemd, layout, [f"http://127.0.0.1:{taken}"], "says")
    assert service_manager.processes == {}, "it is taken away again"


class TestAPeerThatCannotBeReached:
    def test_because_nobody_listens(self, port):
        (text,) = failures(f"https://127.0.0.1:{port}")
        assert text.startswith(f"etcd-host1 cannot be reached at https://127.0.0.1:{port}: ")
        assert "Connection refused" in text

    def test_because_a_firewall_drops_it(self, monkeypatch):
        """A listener whose queue is full answers as little as a firewall that drops."""
        monkeypatch.setattr(peer_probe, "_DIAL_TIMEOUT", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as mute:
            (text,) = failures(f"https://127.0.0.1:{mute.getsockname()[1]}")
        assert "a firewall drops it, or the address is wrong" in text

    def test_because_its_name_is_not_known(self):
        (text,) = failures("https://no-such-host.invalid:2380")
        assert "the name in https://no-such-host.invalid:2380 does not resolve on this host" in text

    def test_at_one_of_its_urls_is_reached_at_another(self, standing):
        peer = {"name": "etcd-host1", "urls": ["https://127.0.0.1:1", standing]}
        assert list(peer_probe.failures([peer], TOKEN)) == []

    def test_at_any_of_its_urls_is_told_with_all_of_them(self):
        peer = {"name": "etcd-host1", "urls": ["https://127.0.0.1:1", "https://127.0.0.2:1"]}
        (text,) = peer_probe.failures([peer], TOKEN)
        assert "https://127.0.0.1:1" in text
        assert "https://127.0.0.2:1" in text

    def test_is_named_beside_all_others(self, standing, port):
        peers = [
            {"name": "etcd-host1", "urls": [standing]},
            {"name": "etcd-host2", "urls": ["https://127.0.0.1:1"]},
            {"name": "etcd-host3", "urls": ["https://127.0.0.2:1"]},
        ]
        said = list(peer_probe.failures(peers, TOKEN))
        assert [text.split()[0] for text in said] == ["etcd-host2", "etcd-host3"]

    def test_is_nobody_in_a_cluster_of_one(self):
        assert list(peer_probe.failures([], TOKEN)) == []
