# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies on a host, and who may read it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("path", "mode", "user", "group"),
    [
        ("/etc/etcd/etcd.conf", 0o640, "root", "etcd"),
        ("/etc/etcd/ssl/ca.pem", 0o644, "root", "root"),
        ("/etc/etcd/ssl/peer-ca.pem", 0o644, "root", "root"),
        ("/etc/etcd/ssl/current/etcd.pem", 0o644, "root", "root"),
        ("/etc/etcd/ssl/current/etcd-key.pem", 0o600, "etcd", "etcd"),
        ("/etc/etcd/ssl/current/peer.pem", 0o644, "root", "root"),
        ("/etc/etcd/ssl/current/peer-key.pem", 0o600, "etcd", "etcd"),
        ("/etc/etcd/ssl/current/admin.pem", 0o644, "root", "root"),
        ("/etc/etcd/ssl/current/admin-key.pem", 0o600, "root", "root"),
        ("/etc/systemd/system/etcd.service", 0o644, "root", "root"),
        ("/usr/local/libexec/quorum.etcd/etcd/gate", 0o755, "root", "root"),
        ("/usr/local/bin/etcdctl", 0o755, "root", "root"),
        ("/var/lib/quorum.etcd/etcd/marker", 0o600, "root", "root"),
        ("/var/lib/quorum.etcd/etcd", 0o700, "root", "root"),
        ("/run/quorum.etcd/etcd", 0o700, "root", "root"),
        ("/var/lib/etcd", 0o700, "etcd", "etcd"),
        ("/opt/etcd/etcd-v3.6.14-linux-amd64/etcd", 0o755, "root", "root"),
    ],
)
def test_everything_has_its_owner_and_mode(host, path, mode, user, group):
    found = host.file(path)
    assert (found.mode, found.user, found.group) == (mode, user, group)


def private_keys(run):
    """Every file on the host that holds a private key, whatever its name."""
    return run(
        r"grep -rlIs -e '-----BEGIN.* PRIVATE KEY-----' /etc /home /opt /root /run /srv /tmp /usr/local /var"
    ).split()


def test_no_private_key_is_readable_by_others(run):
    assert run("find {} -perm /077".format(" ".join(private_keys(run)))) == ""


def test_no_ca_key_has_left_the_controller(run):
    ours = [key for key in private_keys(run) if not key.startswith("/etc/ssh/")]
    own = [f"/etc/etcd/ssl/current/{name}-key.pem" for name in ("admin", "etcd", "peer")]
    assert sorted(ours) == sorted(run("realpath {}".format(" ".join(own))).split())


def test_whoever_is_not_root_finds_nothing_secret(host):
    for path in (
        "etc/etcd/etcd.conf",
        "etc/etcd/ssl/admin-key.pem",
        "var/lib/quorum.etcd/etcd/marker",
        "var/lib/etcd/member",
    ):
        assert "Permission denied" in host.run(f"runuser -u nobody -- head /{path}").stderr


@pytest.mark.parametrize("name", ["etcd", "etcd-key", "peer", "peer-key", "admin", "admin-key"])
def test_the_paths_of_the_guides_lead_to_the_current_generation(host, name):
    assert host.file(f"/etc/etcd/ssl/{name}.pem").linked_to.startswith("/etc/etcd/ssl/generation-")


@pytest.mark.parametrize("tool", ["etcd", "etcdutl"])
def test_people_find_the_tools_by_links(host, tool):
    assert host.file(f"/usr/local/bin/{tool}").linked_to == f"/opt/etcd/etcd-v3.6.14-linux-amd64/{tool}"


def test_the_settings_are_in_the_form_of_the_guides(host, address):
    text = host.file("/etc/etcd/etcd.conf").content_string
    for line in (
        "#[Member]",
        'ETCD_DATA_DIR="/var/lib/etcd"',
        f'ETCD_LISTEN_PEER_URLS="https://{address}:2380"',
        f'ETCD_LISTEN_CLIENT_URLS="https://{address}:2379,https://127.0.0.1:2379"',
        "#[Clustering]",
        f'ETCD_INITIAL_ADVERTISE_PEER_URLS="https://{address}:2380"',
        f'ETCD_ADVERTISE_CLIENT_URLS="https://{address}:2379"',
    ):
        assert line in text.splitlines()


def test_the_settings_never_found_a_cluster(host):
    text = host.file("/etc/etcd/etcd.conf").content_string
    assert 'ETCD_INITIAL_CLUSTER_STATE="existing"' in text
    assert "ETCD_INITIAL_CLUSTER=" not in text
    assert "TOKEN" not in text


def test_the_settings_of_the_first_start_are_gone_after_it(host):
    assert not host.file("/run/quorum.etcd/etcd/bootstrap.env").exists


def test_the_marker_knows_the_member(host, run):
    marker = dict(
        line.split("=", 1) for line in host.file("/var/lib/quorum.etcd/etcd/marker").content_string.splitlines()
    )
    assert marker["STATE"] == "started"
    assert marker["MEMBER_ID"] in run("etcdctl member list")
