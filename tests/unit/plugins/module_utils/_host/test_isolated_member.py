# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With which settings etcd runs apart from its clients; that it does is tried in tests/component."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import isolated_member
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from layout_below import layout_below

SETTINGS = {
    "name": 'a "quoted" $name',
    "data-dir": "/var/lib/etcd",
    "listen-client-urls": ["https://10.0.0.1:2379", "https://127.0.0.1:2379"],
    "advertise-client-urls": ["https://10.0.0.1:2379"],
    "listen-peer-urls": ["https://10.0.0.1:2380"],
    "listen-metrics-urls": ["http://127.0.0.1:2381"],
    "log-outputs": ["/var/log/etcd.log"],
    "heartbeat-interval": 200,
}


@pytest.fixture
def layout(tmp_path):
    return layout_below(tmp_path)


def certified(layout):
    Path(layout.ssl_dir).mkdir(parents=True)
    for name in ("ca", "etcd", "etcd-key", "peer-ca", "peer", "peer-key", "admin", "admin-key"):
        Path(layout.certificate(name)).touch()
    return layout


class TestAMemberApart:
    def test_is_found_by_its_peers_and_by_no_client(self, layout):
        found = env_file.environment(isolated_member.apart(layout, env_file.environment(SETTINGS)))
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", found["ETCD_LISTEN_CLIENT_URLS"])
        assert found["ETCD_LISTEN_PEER_URLS"] == "https://10.0.0.1:2380"
        assert found["ETCD_ADVERTISE_CLIENT_URLS"] == "https://10.0.0.1:2379"

    def test_keeps_its_other_settings(self, layout):
        found = env_file.environment(isolated_member.apart(layout, env_file.environment(SETTINGS)))
        assert (found["ETCD_NAME"], found["ETCD_HEARTBEAT_INTERVAL"]) == ('a "quoted" $name', "200")

    @pytest.mark.parametrize(
        "given, left",
        [
            ({"experimental-initial-corrupt-check": True}, None),
            ({"feature-gates": {"InitialCorruptCheck": True}}, None),
            ({"feature-gates": {"InitialCorruptCheck": True, "LeaseCheckpoint": True}}, "LeaseCheckpoint=true"),
        ],
    )
    def test_does_not_wait_for_the_hash_of_peers_that_start_with_it(self, layout, given, left):
        found = env_file.environment(isolated_member.apart(layout, env_file.environment({**SETTINGS, **given})))
        assert "ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK" not in found
        assert found.get("ETCD_FEATURE_GATES") == left

    def test_tells_nobody_that_it_is_well_and_writes_to_the_journal(self, layout):
        found = isolated_member.apart(layout, env_file.environment(SETTINGS))
        assert not {"listen-metrics-urls", "log-outputs"} & set(found)

    def test_makes_no_certificate_for_loopback_that_its_data_would_keep(self, layout):
        given = {**SETTINGS, "auto-tls": True, "peer-auto-tls": True}
        found = env_file.environment(isolated_member.apart(layout, env_file.environment(given)))
        assert (found.get("ETCD_AUTO_TLS"), found["ETCD_PEER_AUTO_TLS"]) == (None, "true")

    def test_asks_for_a_certificate_where_there_are_any(self, layout):
        found = isolated_member.apart(certified(layout), env_file.environment(SETTINGS))
        assert found["listen-client-urls"][0].startswith("https://127.0.0.1:")
        assert found["client-cert-auth"] is True


class TestAMemberAlone:
    def test_listens_on_loopback_only(self, layout):
        found = isolated_member.alone(layout, "a", "/data", "/log")
        urls = [*found["listen-client-urls"], *found["listen-peer-urls"], *found["initial-advertise-peer-urls"]]
        assert all(url.startswith("http://127.0.0.1:") for url in urls)
        assert found["listen-client-urls"] != found["listen-peer-urls"]
        assert (found["data-dir"], found["wal-dir"]) == ("/data", "/log")

    def test_opens_neither_port_without_a_certificate_where_there_are_any(self, layout):
        found = isolated_member.alone(certified(layout), "a", "/data")
        assert (found["client-cert-auth"], found["peer-client-cert-auth"]) == (True, True)
        assert found["listen-peer-urls"][0].startswith("https://127.0.0.1:")


def test_no_port_is_taken_that_somebody_has_configured(layout, monkeypatch):
    Path(layout.conf_file).parent.mkdir(parents=True, exist_ok=True)
    Path(layout.conf_file).write_text('ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:40001"\n')
    offered = iter([2379, 40001, 40002])

    class Socket:
        def bind(self, _where):
            self.port = next(offered)

        def getsockname(self):
            return "127.0.0.1", self.port

        def __enter__(self):
            return self

        def __exit__(self, *_exc):
            return None

    monkeypatch.setattr(isolated_member.socket, "socket", Socket)
    assert isolated_member.free_ports(layout, 1) == [40002]


def test_one_that_has_ended_is_said_with_its_last_words(layout):
    def run(arguments):
        words = '{"level":"fatal","msg":"discovery failed","error":"it is damaged"}'
        return Result(0, words if arguments[0] == "journalctl" else "LoadState=not-found\n", "")

    with pytest.raises(HostError, match=r"quorum-etcd-drill-etcd.service ended: discovery failed: it is damaged"):
        isolated_member.wait(Systemd(run), layout, "drill", timeout=5.0)
