# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets of this machine, opened here."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._host import network


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def listener():
    with contextlib.ExitStack() as stack:

        def listen(address):
            one = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            one.bind((address, 0))
            one.listen()
            return one.getsockname()[1]

        yield listen


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "0.0.0.0"])
def test_a_listener_is_found_with_its_process(listener, address):
    port = listener(address)
    (found,) = network.listeners([port])
    assert (found["port"], found["address"], found["pid"]) == (port, address, os.getpid())
    # Some tools give a process another title.
    assert found["process"] == Path("/proc/self/cmdline").read_text().split("\0")[0]


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "::"])
def test_a_listener_on_ipv6_is_found_too(listener, address):
    port = listener(address)
    assert [found["address"] for found in network.listeners([port])] == [address]


def test_only_the_ports_that_were_asked_for_count(listener):
    first, second = listener("127.0.0.1"), listener("127.0.0.1")
    assert [found["port"] for found in network.listeners([second])] == [second]
    assert {found["port"] for found in network.listeners([first, second])} == {first, second}
    assert network.listeners([]) == []


def test_a_connection_is_no_listener(listener):
    port = listener("127.0.0.1")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert network.listeners([connection.getsockname()[1]]) == []


def test_a_port_that_is_bound_without_listening_is_none():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert network.listeners([bound.getsockname()[1]]) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "localhost"])
def test_an_address_of_this_host_is_here(address):
    assert network.has_address(address)


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "::"])
def test_an_ipv6_address_of_this_host_is_here(address):
    assert network.has_address(address)


@pytest.mark.parametrize("address", ["192.0.2.77", "2001:db8::77", "no-such-host.invalid"])
def test_an_address_of_another_host_is_not(address):
    assert not network.has_address(address)


def test_the_default_address_is_one_of_this_hosts():
    found = network.default_address()
    assert found == "" or network.has_address(found)
