# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import settings as _settings
from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import (
    CHOICES,
    FEATURE_GATES,
    FLAGS,
    GATE_OF,
    LAST_WITH_CHOICE,
    NEWEST,
    OLDEST,
    SUCCESSOR,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config.settings import effective
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import member_of

MINORS = range(OLDEST, NEWEST + 1)
SAMPLES = {
    "bool": True,
    "int": 5,
    "int64": 5,
    "uint": 5,
    "uint32": 5,
    "uint64": 5,
    "string": "text",
    "duration": "5s",
    "string list": ["a", "b"],
    "urls": ["http://127.0.0.1:2389"],
    "key=bool list": {"CompactHashCheck": True},
}
#: Settings that a sample of their type alone would not do for.
SPECIAL = {
    "auto-compaction-retention": "5h",
    "election-timeout": 5000,
    "log-rotation-config-json": '{"maxsize": 5}',
}


def knows(minor):
    return [name for name, flag in FLAGS.items() if flag.first <= minor <= flag.last]


def choices(name, minor):
    return [choice for choice in CHOICES.get(name, ()) if LAST_WITH_CHOICE.get((name, choice), NEWEST) >= minor]


def sample(name, minor):
    return SPECIAL.get(name) or next(iter(choices(name, minor)), None) or SAMPLES[FLAGS[name].kind]


def refusal(settings, version="3.6.14"):
    with pytest.raises(BadInput) as caught:
        effective(settings, version)
    return str(caught.value)


def layout(**changes):
    paths = {
        "instance": "etcd",
        "user": "etcd",
        "group": "etcd",
        "conf_dir": "/etc/etcd",
        "data_dir": "/var/lib/etcd",
        "wal_dir": "",
        "log_file": "",
        "install_dir": "/opt/etcd",
        "bin_dir": "/usr/local/bin",
    }
    return Layout(**{**paths, **changes})


class TestEveryVersion:
    @pytest.mark.parametrize(("minor", "name"), [(minor, name) for minor in MINORS for name in knows(minor)])
    def test_takes_each_of_its_settings(self, minor, name):
        settings = {name: sample(name, minor)}
        if name == "experimental-enable-lease-checkpoint-persist":
            settings["experimental-enable-lease-checkpoint"] = True
        wanted = settings[name]
        if name == "feature-gates":
            wanted = {**_settings.defaults(f"3.{minor}")[name], **wanted}
        assert effective(settings, f"3.{minor}")[name] == wanted

    @pytest.mark.parametrize(
        ("minor", "name"), [(minor, name) for minor in MINORS for name, flag in FLAGS.items() if minor > flag.last]
    )
    def test_refuses_what_went_before_it_and_names_what_came(self, minor, name):
        text = refusal({name: sample(name, minor)}, f"3.{minor}")
        assert f"{name} is gone in etcd 3.{FLAGS[name].last + 1}" in text
        if name in SUCCESSOR:
            assert f"use {SUCCESSOR[name]}." in text
        if name in GATE_OF:
            assert f"use the gate {GATE_OF[name]} of feature-gates." in text

    @pytest.mark.parametrize(
        ("minor", "name"), [(minor, name) for minor in MINORS for name, flag in FLAGS.items() if minor < flag.first]
    )
    def test_refuses_what_came_after_it(self, minor, name):
        assert f"{name} came with etcd 3.{FLAGS[name].first}" in refusal({name: sample(name, minor)}, f"3.{minor}")

    @pytest.mark.parametrize("minor", MINORS)
    def test_takes_its_own_defaults(self, minor):
        version = f"3.{minor}.9"
        assert effective({}, version) == _settings.defaults(version)
        assert effective(_settings.defaults(version), version) == _settings.defaults(version)

    @pytest.mark.parametrize(
        ("minor", "name", "choice"),
        [(minor, name, choice) for minor in MINORS for name in knows(minor) for choice in choices(name, minor)],
    )
    def test_takes_the_choices_it_has(self, minor, name, choice):
        retention = 1000 if choice == "revision" else "1h"
        assert effective({name: choice, "auto-compaction-retention": retention}, f"3.{minor}")[name] == choice

    @pytest.mark.parametrize(
        ("minor", "name", "choice"),
        [(5, "logger", "capnslog"), (6, "v2-deprecation", "not-yet"), (7, "metrics", "all")],
    )
    def test_refuses_the_choices_it_lacks(self, minor, name, choice):
        assert f"{name} is '{choice}'. Use one of" in refusal({name: choice}, f"3.{minor}")

    @pytest.mark.parametrize("version", ["3.3.27", "3.8.0", "2.3.8", "4.0.0", "latest", "", "3"])
    def test_that_is_not_known_is_refused(self, version):
        with pytest.raises(BadInput, match=r"3.4 to 3.7 are"):
            effective({}, version)


def test_an_older_version_is_told_the_older_name():
    assert "in 3.5 it is experimental-corrupt-check-time." in refusal({"corrupt-check-time": "5m"}, "3.5.33")
    assert "experimental-initial-corrupt-check" in refusal({"feature-gates": {"InitialCorruptCheck": True}}, "3.5.33")


@pytest.mark.parametrize(
    "settings, version, said",
    [
        ({"zzzzzz": 1}, "3.6.14", "zzzzzz is no setting of etcd."),
        (
            {"experimental-corrupt-check-tim": 1},
            "3.6.14",
            "experimental-corrupt-check-tim is no setting of etcd. Did you mean experimental-corrupt-check-time?",
        ),
        (
            {"compact-hash-check-tim": 1},
            "3.6.14",
            "compact-hash-check-tim is no setting of etcd. Did you mean compact-hash-check-time?",
        ),
        (
            {"enable-v2": True},
            "3.6.14",
            "enable-v2 is gone in etcd 3.6. Take it out, and let no client use the API of version 2: its keys are not "
            "served any more. While 3.4 or 3.5 runs they move to version 3: ansible-playbook quorum.etcd.migrate_v2 "
            "(docs/api-version-2.md).",
        ),
        (
            {"experimental-compact-hash-check-enabled": True},
            "3.4.23",
            "experimental-compact-hash-check-enabled came with etcd 3.5. Take it out.",
        ),
        (
            {"compact-hash-check-time": "5m"},
            "3.5.33",
            "compact-hash-check-time came with etcd 3.6; in 3.5 it is experimental-compact-hash-check-time.",
        ),
        (
            {"feature-gates": {"InitialCorruptCheck": True}},
            "3.5.33",
            "feature-gates came with etcd 3.6. Take it out. There the gates are settings: "
            "experimental-compact-hash-check-enabled, experimental-enable-lease-checkpoint, "
            "experimental-enable-lease-checkpoint-persist, experimental-initial-corrupt-check, "
            "experimental-stop-grpc-service-on-defrag, experimental-txn-mode-write-with-shared-buffer.",
        ),
        (
            {"feature-gates": "Zzz=true"},
            "3.6.14",
            "feature-gates: Zzz is no gate of etcd 3.6, which has CompactHashCheck, InitialCorruptCheck, "
            "LeaseCheckpoint, LeaseCheckpointPersist, SetMemberLocalAddr, StopGRPCServiceOnDefrag, "
            "TxnModeWriteWithSharedBuffer.",
        ),
        (
            {"auto-compaction-retention": "8 hours"},
            "3.6.14",
            "auto-compaction-retention is '8 hours', which is no duration such as 500ms, 10s, 5m or 1h30m.",
        ),
        (
            {"tls-min-version": "TLS1.3", "tls-max-version": "TLS1.2"},
            "3.6.14",
            "tls-min-version is above tls-max-version.",
        ),
        (
            {"tls-min-version": "TLS1.3", "cipher-suites": "TLS_AES_128_GCM_SHA256"},
            "3.6.14",
            "cipher-suites cannot be chosen for TLS1.3: take it out, or set tls-min-version to TLS1.2.",
        ),
    ],
)
def test_a_mistake_is_told_in_these_words(settings, version, said):
    assert refusal(settings, version).splitlines()[1:] == [f"- {said}"]


@pytest.mark.parametrize("settings", [{"heartbeat-interval": 200}, {"bcrypt-cost": 4}, {"bcrypt-cost": 31}])
def test_what_is_just_within_bounds_is_taken(settings):
    assert settings.items() <= effective(settings, "3.6.14").items()


def test_a_version_may_have_its_leading_v():
    assert effective({}, "v3.6.14") == effective({}, "3.6.14")


@pytest.mark.parametrize("gate", FEATURE_GATES)
@pytest.mark.parametrize("minor", [6, 7])
def test_feature_gates_are_those_of_the_version(minor, gate):
    settings = {"feature-gates": {gate: False}}
    if minor >= FEATURE_GATES[gate][0]:
        assert effective(settings, f"3.{minor}")["feature-gates"][gate] is False
    else:
        assert f"{gate} is no gate of etcd 3.{minor}" in refusal(settings, f"3.{minor}")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("quota-backend-byte", "quota-backend-bytes"),
        ("snapshot_counts", "snapshot-count"),
        ("listen-client-url", "listen-client-urls"),
        ("heartbeat", "heartbeat-interval"),
    ],
)
def test_a_mistyped_setting_gets_the_nearest_name(name, meant):
    assert f"{name} is no setting of etcd. Did you mean {meant}?" in refusal({name: 1})


@pytest.mark.parametrize(
    "name", ["quota_backend_bytes", "ETCD_QUOTA_BACKEND_BYTES", "--quota-backend-bytes", "-quota-backend-bytes"]
)
def test_another_spelling_gets_etcds_own(name):
    assert f"{name}: write it as etcd's flags are written, quota-backend-bytes." in refusal({name: 1})


@pytest.mark.parametrize("name", [name for name in _settings.NOT_SETTINGS if not name.endswith("-")])
def test_what_the_role_decides_is_no_setting_and_says_what_decides_it(name):
    for spelling in (name, "ETCD_" + name.upper().replace("-", "_"), "--" + name):
        assert f"{spelling} is not a setting: {_settings.NOT_SETTINGS[name]}." in refusal({spelling: "x"})


def test_a_guides_settings_file_is_answered_name_by_name():
    """Pasted as it is."""
    answers = {
        "ETCD_NAME": "NODE_NAME or etcd_name",
        "ETCD_DATA_DIR": "etcd_data_dir",
        "ETCD_LISTEN_PEER_URLS": "etcd_listen_peer_urls",
        "ETCD_LISTEN_CLIENT_URLS": "etcd_listen_client_urls",
        "ETCD_INITIAL_ADVERTISE_PEER_URLS": "etcd_address, or from ETCD_NODES",
        "ETCD_ADVERTISE_CLIENT_URLS": "etcd_advertise_client_urls",
        "ETCD_INITIAL_CLUSTER": "the hosts of the group decide it",
        "ETCD_INITIAL_CLUSTER_TOKEN": "every new cluster gets its own; take it out",
        "ETCD_INITIAL_CLUSTER_STATE": "take it out",
        "ETCD_CERT_FILE": "use etcd_tls",
        "ETCD_PEER_TRUSTED_CA_FILE": "use etcd_tls",
        "ETCD_CLIENT_CERT_AUTH": "use etcd_tls",
        "--auto-tls": "use etcd_auto_tls; it encrypts, and verifies nobody",
        "ETCD_DISCOVERY_SRV": "use etcd_bootstrap: srv with etcd_discovery_srv",
        "discovery": "use etcd_bootstrap: discovery",
        "ETCD_HEARTBEAT_INTERVAL": "write it as etcd's flags are written, heartbeat-interval",
    }
    lines = refusal(dict.fromkeys(answers, "x")).splitlines()[1:]
    assert len(lines) == len(answers)
    for line, (name, answer) in zip(lines, answers.items()):
        assert line.startswith(f"- {name}") and answer in line, line


@pytest.mark.parametrize("name", ["discovery-token", "discovery-srv", "proxy-dial-timeout"])
def test_discovery_and_proxy_are_no_settings(name):
    assert f"{name} is not a setting" in refusal({name: "x"})


def test_no_setting_is_both_the_users_and_the_roles():
    assert not set(FLAGS) & set(_settings.NOT_SETTINGS)


@pytest.mark.parametrize(
    "settings, first",
    [
        ({"nmae": 1}, "etcd_settings has a mistake for etcd 3.6:"),
        ({"nmae": 1, "lgo-level": 1}, "etcd_settings has 2 mistakes for etcd 3.6:"),
    ],
)
def test_mistakes_are_counted(settings, first):
    assert refusal(settings).splitlines()[0] == first


def test_all_mistakes_are_told_at_once():
    text = refusal({"nam": "x", "log-level": "loud", "snapshot-count": "many", "heartbeat-interval": 900})
    assert text.startswith("etcd_settings has 4 mistakes for etcd 3.6:\n")
    assert len(text.splitlines()) == 5
    assert all(line.startswith("- ") for line in text.splitlines()[1:])


@pytest.mark.parametrize("settings", [None, [], "quota-backend-bytes: 1", 7])
def test_settings_must_be_a_dictionary(settings):
    with pytest.raises(BadInput, match="must be a dictionary"):
        effective(settings, "3.6")


@pytest.mark.parametrize(
    "version, own",
    [
        ("3.4.23", {"experimental-initial-corrupt-check": True, "logger": "zap"}),
        ("3.5.33", {"experimental-initial-corrupt-check": True}),
        ("3.6.14", {"feature-gates": {"InitialCorruptCheck": True}}),
    ],
)
def test_the_defaults_of_a_version_are_these(version, own):
    everywhere = {
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
        "quota-backend-bytes": 8 << 30,
        "log-level": "info",
        "listen-metrics-urls": ["http://127.0.0.1:2381"],
    }
    assert _settings.defaults(version) == {**everywhere, **own}


def test_null_takes_a_default_out():
    assert "listen-metrics-urls" not in effective({"listen-metrics-urls": None}, "3.6")
    assert "feature-gates" not in effective({"feature-gates": None}, "3.6")


def test_a_gate_of_the_users_leaves_the_default_gate_on():
    found = effective({"feature-gates": {"CompactHashCheck": True}}, "3.6")["feature-gates"]
    assert found == {"CompactHashCheck": True, "InitialCorruptCheck": True}
    assert effective({"feature-gates": "InitialCorruptCheck=false"}, "3.6")["feature-gates"] == {
        "InitialCorruptCheck": False
    }


def test_a_default_gate_gives_way_to_its_experimental_setting():
    found = effective({"experimental-initial-corrupt-check": True}, "3.6")
    assert found["experimental-initial-corrupt-check"] is True
    assert "feature-gates" not in found


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"heartbeat-interval": 250}, "election-timeout is 1000, and must be at least five times"),
        ({"election-timeout": 499}, "at least five times heartbeat-interval (100)"),
        ({"election-timeout": 50001}, "election-timeout is 50001. Use a number from 1 to 50000"),
        ({"heartbeat-interval": 0}, "heartbeat-interval is 0"),
        ({"auto-compaction-mode": "revision"}, "in mode revision it is a number of revisions"),
        ({"auto-compaction-retention": "8 hours"}, "no duration"),
        ({"auto-compaction-mode": "hourly"}, "Use one of periodic, revision."),
        ({"quota-backend-bytes": 0}, "quota-backend-bytes is 0"),
        ({"quota-backend-bytes": -1}, "quota-backend-bytes is -1"),
        ({"quota-backend-bytes": "8GiB"}, "no whole number"),
        ({"max-request-bytes": 0}, "max-request-bytes is 0"),
        ({"bcrypt-cost": 3}, "from 4 to 31"),
        ({"compact-hash-check-time": "0s"}, "must be more than 0"),
        ({"distributed-tracing-sampling-rate": 1000001}, "from 0 to 1000000"),
        ({"tls-min-version": "TLS1.3", "tls-max-version": "TLS1.2"}, "tls-min-version is above"),
        ({"tls-min-version": "TLS1.3", "cipher-suites": "TLS_AES_128_GCM_SHA256"}, "cannot be chosen for TLS1.3"),
        ({"tls-min-version": "TLS1.1"}, "Use one of TLS1.2, TLS1.3"),
        ({"corrupt-check-time": "5m", "experimental-corrupt-check-time": "5m"}, "are the same setting"),
        (
            {"feature-gates": "CompactHashCheck=true", "experimental-compact-hash-check-enabled": True},
            "are the same setting",
        ),
        (
            {"feature-gates": "LeaseCheckpointPersist=false", "experimental-enable-lease-checkpoint": True},
            "are the same setting",
        ),
        ({"feature-gates": "LeaseCheckpointPersist=true"}, "LeaseCheckpointPersist needs LeaseCheckpoint"),
        ({"experimental-enable-lease-checkpoint-persist": True}, "needs experimental-enable-lease-checkpoint"),
        ({"feature-gates": "InitialCorruptChek=true"}, "Did you mean InitialCorruptCheck?"),
        ({"log-rotation-config-json": "{"}, "Write a dictionary of maxsize"),
        ({"log-rotation-config-json": "[]"}, "Write a dictionary of maxsize"),
        ({"log-rotation-config-json": {"maxsize": "100"}}, "Write a dictionary of maxsize"),
        ({"log-rotation-config-json": {"size": 100}}, "Write a dictionary of maxsize"),
        ({"listen-metrics-urls": "http://etcd1:2381"}, "cannot listen on the name"),
        ({"metrics": "all\n"}, "control character"),
    ],
)
def test_what_etcd_would_refuse_or_misread_is_refused(settings, why):
    assert why in refusal(settings)


@pytest.mark.parametrize("retention", ["8", 8, "8h", "1h30m", "0"])
def test_a_retention_in_mode_periodic_is_hours_or_a_duration(retention):
    assert effective({"auto-compaction-retention": retention}, "3.6")["auto-compaction-retention"] == str(retention)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"auto-compaction-retention": "0"}, "auto-compaction-retention is 0"),
        ({"auto-compaction-retention": None}, "auto-compaction-retention is 0 or unset"),
        (
            {"quota-backend-bytes": 8 * 1024**3 + 1},
            "quota-backend-bytes is 8589934593: etcd suggests at most 8589934592 (8 GiB).",
        ),
        (
            {"max-request-bytes": 10 * 1024**2 + 1},
            "max-request-bytes is 10485761: etcd suggests at most 10485760 (10 MiB).",
        ),
        ({"unsafe-no-fsync": True}, "unsafe-no-fsync is true"),
        ({"strict-reconfig-check": False}, "strict-reconfig-check is false"),
        (
            {"experimental-corrupt-check-time": "5m"},
            "experimental-corrupt-check-time is gone in etcd 3.7: use corrupt-check-time.",
        ),
    ],
)
def test_what_is_allowed_and_dangerous_is_warned_of(settings, word):
    (warning,) = _settings.warnings(effective(settings, "3.6"), "3.6")
    assert warning.startswith(word)


@pytest.mark.parametrize("settings", [{"max-request-bytes": 10 << 20}, {"quota-backend-bytes": 8 << 30}])
def test_what_etcd_suggests_is_not_warned_of(settings):
    assert _settings.warnings(effective(settings, "3.6"), "3.6") == []


def test_no_settings_at_all_lack_compaction_only():
    (warning,) = _settings.warnings({}, "3.6")
    assert warning.startswith("auto-compaction-retention is 0 or unset")


@pytest.mark.parametrize("minor", MINORS)
def test_the_defaults_are_warned_of_nowhere(minor):
    assert _settings.warnings(effective({}, f"3.{minor}"), f"3.{minor}") == []


class TestWhatAMemberIsToBe:
    def wanted(self, settings=None, version="3.6.14", variables=None, **paths):
        member = member_of("10.0.0.1", {"NODE_NAME": "etcd1", **(variables or {})})
        return _settings.wanted(member, layout(**paths), settings or {}, version)

    def test_says_who_and_where_it_is(self):
        found = self.wanted()
        assert found["name"] == "etcd1"
        assert found["data-dir"] == "/var/lib/etcd"
        assert found["listen-client-urls"] == ["https://10.0.0.1:2379", "https://127.0.0.1:2379"]
        assert found["initial-advertise-peer-urls"] == ["https://10.0.0.1:2380"]

    def test_is_all_of_this_and_nothing_else(self):
        ssl = "/etc/etcd/ssl"
        assert self.wanted(wal_dir="/wal/etcd", log_file="/var/log/etcd.log") == {
            "name": "etcd1",
            "data-dir": "/var/lib/etcd",
            "wal-dir": "/wal/etcd",
            "listen-peer-urls": ["https://10.0.0.1:2380"],
            "listen-client-urls": ["https://10.0.0.1:2379", "https://127.0.0.1:2379"],
            "listen-metrics-urls": ["http://127.0.0.1:2381"],
            "initial-advertise-peer-urls": ["https://10.0.0.1:2380"],
            "advertise-client-urls": ["https://10.0.0.1:2379"],
            "initial-cluster-state": "existing",
            "trusted-ca-file": f"{ssl}/ca.pem",
            "cert-file": f"{ssl}/etcd.pem",
            "key-file": f"{ssl}/etcd-key.pem",
            "client-cert-auth": True,
            "peer-trusted-ca-file": f"{ssl}/peer-ca.pem",
            "peer-cert-file": f"{ssl}/peer.pem",
            "peer-key-file": f"{ssl}/peer-key.pem",
            "peer-client-cert-auth": True,
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "1h",
            "quota-backend-bytes": 8 << 30,
            "feature-gates": {"InitialCorruptCheck": True},
            "log-level": "info",
            "log-outputs": ["/var/log/etcd.log"],
            "enable-log-rotation": True,
            "log-rotation-config-json": (
                '{"compress": true, "localtime": false, "maxage": 0, "maxbackups": 10, "maxsize": 100}'
            ),
        }

    def test_listens_on_its_listen_urls_only(self):
        """Other lists of URLs are those of somebody else."""
        assert self.wanted({"cors": ["https://example.com:443"]})["cors"] == ["https://example.com:443"]

    def test_can_never_found_a_cluster(self):
        found = self.wanted()
        assert found["initial-cluster-state"] == "existing"
        assert "initial-cluster" not in found
        assert "initial-cluster-token" not in found

    def test_demands_certificates_on_both_ports(self):
        found = self.wanted()
        assert found["client-cert-auth"] is found["peer-client-cert-auth"] is True
        assert found["trusted-ca-file"] == "/etc/etcd/ssl/ca.pem"
        assert found["peer-trusted-ca-file"] == "/etc/etcd/ssl/peer-ca.pem"

    def test_names_no_certificate_without_tls(self):
        assert not [name for name in self.wanted(variables={"etcd_tls": False}) if name.endswith(("-file", "-auth"))]

    def test_has_a_wal_directory_only_when_asked(self):
        assert "wal-dir" not in self.wanted()
        assert self.wanted(wal_dir="/wal/etcd")["wal-dir"] == "/wal/etcd"

    def test_logs_to_the_journal(self):
        found = self.wanted({"log-rotation-config-json": {"maxsize": 5}})
        assert found["log-outputs"] == ["stderr"]
        assert "enable-log-rotation" not in found
        assert "log-rotation-config-json" not in found

    def test_rotates_a_log_file_and_keeps_a_bounded_number(self):
        found = self.wanted(log_file="/var/log/etcd.log")
        assert found["log-outputs"] == ["/var/log/etcd.log"]
        assert found["enable-log-rotation"] is True
        assert json.loads(found["log-rotation-config-json"])["maxbackups"] > 0

    def test_rotates_as_the_user_says(self):
        found = self.wanted({"log-rotation-config-json": {"maxsize": 5}}, log_file="/var/log/etcd.log")
        assert found["log-rotation-config-json"] == '{"maxsize": 5}'

    def test_rotates_since_3_5(self):
        assert self.wanted(version="3.5.33", log_file="/var/log/etcd.log")["enable-log-rotation"] is True

    def test_rotates_nothing_on_3_4(self):
        found = self.wanted(version="3.4.23", log_file="/var/log/etcd.log")
        assert "enable-log-rotation" not in found
        assert found["log-outputs"] == ["/var/log/etcd.log"]

    @pytest.mark.parametrize("port", [2379, 2380])
    def test_has_its_metrics_on_a_port_of_their_own(self, port):
        with pytest.raises(BadInput, match="same port of the same address"):
            self.wanted({"listen-metrics-urls": f"http://10.0.0.1:{port}"})

    def test_says_of_a_port_whose_it_is_by_default_and_how_to_move_it(self):
        """A guide has a member's clients on 2381."""
        ports = {"etcd_listen_client_urls": "https://10.0.0.1:2381,http://127.0.0.1:2381", "etcd_client_port": 2381}
        with pytest.raises(BadInput, match=r"listen-metrics-urls \(a default of this role; etcd_settings moves it\)"):
            self.wanted(variables=ports)
        for moved in ("http://127.0.0.1:2389", None):
            assert self.wanted({"listen-metrics-urls": moved}, variables=ports)

    def test_takes_each_setting_from_one_place(self):
        with pytest.raises(BadInput, match="name is not a setting"):
            self.wanted({"name": "other"})


class TestTheReference:
    """docs/settings.md, which people read instead of the tables."""

    def rows(self, heading):
        page = Path(__file__).parents[5].joinpath("docs", "settings.md").read_text(encoding="utf-8")
        lines = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
        return {row[0].strip("`"): row[1:] for row in cells}

    def versions(self, first, last):
        if last == NEWEST:
            return f"3.{first} on"
        return f"3.{first}" if first == last else f"3.{first} to 3.{last}"

    def test_has_every_setting_with_its_versions_and_its_successor(self):
        rows = self.rows("All settings, by version")
        assert list(rows) == sorted(FLAGS)
        for name, (_value, versions, now) in rows.items():
            assert versions == self.versions(FLAGS[name].first, FLAGS[name].last), name
            assert now.removeprefix("gate ").strip("`") == GATE_OF.get(name, SUCCESSOR.get(name, "")), name

    def test_has_every_feature_gate(self):
        assert self.rows("Feature gates") == {gate: [self.versions(*known)] for gate, known in FEATURE_GATES.items()}

    def test_says_what_is_not_a_setting(self):
        rows = {
            name.strip("`*"): why[:1].lower() + why[1:].replace("`", "").rstrip(".")
            for names, (why,) in self.rows("What is not a setting").items()
            for name in names.split(", ")
        }
        assert rows == _settings.NOT_SETTINGS

    def test_names_every_default(self):
        written = {name.split("`")[0] for name in self.rows("Defaults")}
        assert written == {name for minor in MINORS for name in _settings.defaults(f"3.{minor}")}
