# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member of the newest version, without TLS."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize("where", ["127.0.0.1", "{address}"])
def test_everybody_may_ask(run, address, where):
    assert json.loads(run(f"curl -sS http://{where.format(address=address)}:2379/health"))["health"] == "true"


def test_peers_talk_without_tls(run, address):
    assert json.loads(run(f"curl -sS http://{address}:2380/version"))["etcdserver"] == "3.7.1"


def test_there_are_no_certificates(host, run):
    assert run("find /etc/etcd -name '*.pem'") == ""
    assert not host.file("/etc/etcd/etcd.conf").contains("_FILE=")


def test_etcdctl_needs_no_flags_and_no_root(run):
    run("etcdctl put foo 'Hello World'")
    assert run("runuser -u nobody -- etcdctl get foo --print-value-only") == "Hello World\n"


def test_the_guides_flags_reach_it(run, address):
    said = run(
        f"ETCDCTL_API=3 /usr/local/bin/etcdctl --write-out=table --endpoints=http://{address}:2379 endpoint health"
    )
    assert f"http://{address}:2379" in said


def test_etcd_knows_every_setting_that_it_was_given(run):
    assert "unrecognized environment variable" not in run("journalctl --unit etcd --no-pager")
