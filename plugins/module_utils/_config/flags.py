# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which settings each minor version of etcd knows, and of which type.

Taken from C(etcd --help) and the flag parsers of 3.4.23, 3.5.33, 3.6.14 and 3.7.1 (server/embed/config.go,
server/etcdmain/config.go). What the role itself decides (names, URLs, certificates, ...) is not here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: The minors of etcd 3 that this collection knows.
OLDEST = 4
NEWEST = 7


def flag_name(name: str) -> str:
    """The flag that is meant by a name in whichever form people copy it: C(ETCD_AUTO_TLS), C(--auto-tls)."""
    return re.sub(r"^(ETCD_|--?)", "", name).replace("_", "-").lower()


class Flag(NamedTuple):
    """One setting.

    :param kind: its type, as etcd's parser has it.
    :param first: the first minor of etcd 3 that knows it.
    :param last: the last one, C(NEWEST) when it is still there.
    """

    kind: str
    first: int
    last: int


FLAGS: dict[str, Flag] = {
    "auth-token": Flag("string", 4, 7),
    "auth-token-ttl": Flag("uint", 4, 7),
    "auto-compaction-mode": Flag("string", 4, 7),
    "auto-compaction-retention": Flag("string", 4, 7),
    "backend-batch-interval": Flag("duration", 4, 7),
    "backend-batch-limit": Flag("int", 4, 7),
    "backend-bbolt-freelist-type": Flag("string", 5, 7),
    "bcrypt-cost": Flag("uint", 4, 7),
    "bootstrap-defrag-threshold-megabytes": Flag("uint", 6, 7),
    "cipher-suites": Flag("string list", 4, 7),
    "client-cert-allowed-hostname": Flag("string list", 4, 7),
    "client-crl-file": Flag("string", 4, 7),
    "compact-hash-check-time": Flag("duration", 6, 7),
    "compaction-batch-limit": Flag("int", 6, 7),
    "compaction-sleep-interval": Flag("duration", 6, 7),
    "corrupt-check-time": Flag("duration", 6, 7),
    "cors": Flag("urls", 4, 7),
    "debug": Flag("bool", 4, 4),
    "distributed-tracing-address": Flag("string", 6, 7),
    "distributed-tracing-instance-id": Flag("string", 6, 7),
    "distributed-tracing-sampling-rate": Flag("int", 6, 7),
    "distributed-tracing-service-name": Flag("string", 6, 7),
    "downgrade-check-time": Flag("duration", 6, 7),
    "election-timeout": Flag("uint", 4, 7),
    "enable-distributed-tracing": Flag("bool", 6, 7),
    "enable-grpc-gateway": Flag("bool", 4, 7),
    "enable-pprof": Flag("bool", 4, 7),
    "enable-v2": Flag("bool", 4, 5),
    "experimental-backend-bbolt-freelist-type": Flag("string", 4, 4),
    "experimental-bootstrap-defrag-threshold-megabytes": Flag("uint", 5, 6),
    "experimental-compact-hash-check-enabled": Flag("bool", 5, 6),
    "experimental-compact-hash-check-time": Flag("duration", 5, 6),
    "experimental-compaction-batch-limit": Flag("int", 4, 6),
    "experimental-compaction-sleep-interval": Flag("duration", 5, 6),
    "experimental-corrupt-check-time": Flag("duration", 4, 6),
    "experimental-distributed-tracing-address": Flag("string", 5, 6),
    "experimental-distributed-tracing-instance-id": Flag("string", 5, 6),
    "experimental-distributed-tracing-sampling-rate": Flag("int", 5, 6),
    "experimental-distributed-tracing-service-name": Flag("string", 5, 6),
    "experimental-downgrade-check-time": Flag("duration", 5, 6),
    "experimental-enable-distributed-tracing": Flag("bool", 5, 6),
    "experimental-enable-lease-checkpoint": Flag("bool", 4, 6),
    "experimental-enable-lease-checkpoint-persist": Flag("bool", 4, 6),
    "experimental-enable-v2v3": Flag("string", 4, 5),
    "experimental-initial-corrupt-check": Flag("bool", 4, 6),
    "experimental-memory-mlock": Flag("bool", 5, 6),
    "experimental-peer-skip-client-san-verification": Flag("bool", 4, 6),
    "experimental-snapshot-catchup-entries": Flag("uint64", 5, 6),
    "experimental-stop-grpc-service-on-defrag": Flag("bool", 5, 6),
    "experimental-txn-mode-write-with-shared-buffer": Flag("bool", 5, 6),
    "experimental-warning-apply-duration": Flag("duration", 4, 6),
    "experimental-warning-unary-request-duration": Flag("duration", 6, 6),
    "experimental-watch-progress-notify-interval": Flag("duration", 4, 6),
    "feature-gates": Flag("key=bool list", 6, 7),
    "grpc-keepalive-interval": Flag("duration", 4, 7),
    "grpc-keepalive-min-time": Flag("duration", 4, 7),
    "grpc-keepalive-timeout": Flag("duration", 4, 7),
    "heartbeat-interval": Flag("uint", 4, 7),
    "host-whitelist": Flag("string list", 4, 7),
    "initial-election-tick-advance": Flag("bool", 4, 7),
    "listen-client-http-urls": Flag("urls", 5, 7),
    "listen-metrics-urls": Flag("urls", 4, 7),
    "log-format": Flag("string", 6, 7),
    "log-level": Flag("string", 4, 7),
    "log-package-levels": Flag("string", 4, 4),
    "log-rotation-config-json": Flag("string", 5, 7),
    "logger": Flag("string", 4, 7),
    "max-concurrent-streams": Flag("uint32", 4, 7),
    "max-learners": Flag("int", 6, 7),
    "max-request-bytes": Flag("uint", 4, 7),
    "max-snapshots": Flag("uint", 4, 7),
    "max-txn-ops": Flag("uint", 4, 7),
    "max-wals": Flag("uint", 4, 7),
    "memory-mlock": Flag("bool", 6, 7),
    "metrics": Flag("string", 4, 7),
    "peer-cert-allowed-cn": Flag("string list", 4, 7),
    "peer-cert-allowed-hostname": Flag("string list", 4, 7),
    "peer-crl-file": Flag("string", 4, 7),
    "peer-skip-client-san-verification": Flag("bool", 6, 7),
    "pre-vote": Flag("bool", 4, 7),
    "quota-backend-bytes": Flag("int64", 4, 7),
    "raft-read-timeout": Flag("duration", 5, 7),
    "raft-write-timeout": Flag("duration", 5, 7),
    "self-signed-cert-validity": Flag("uint", 5, 7),
    "snapshot-catchup-entries": Flag("uint64", 6, 7),
    "snapshot-count": Flag("uint64", 4, 7),
    "socket-reuse-address": Flag("bool", 5, 7),
    "socket-reuse-port": Flag("bool", 5, 7),
    "strict-reconfig-check": Flag("bool", 4, 7),
    "tls-max-version": Flag("string", 5, 7),
    "tls-min-version": Flag("string", 5, 7),
    "unsafe-no-fsync": Flag("bool", 4, 7),
    "v2-deprecation": Flag("string", 5, 7),
    "warning-apply-duration": Flag("duration", 6, 7),
    "warning-unary-request-duration": Flag("duration", 6, 7),
    "watch-progress-notify-interval": Flag("duration", 6, 7),
}

#: The values that a string setting may have.
CHOICES: dict[str, tuple[str, ...]] = {
    "auto-compaction-mode": ("periodic", "revision"),
    "backend-bbolt-freelist-type": ("array", "map"),
    "experimental-backend-bbolt-freelist-type": ("array", "map"),
    "log-format": ("json", "console"),
    "log-level": ("debug", "info", "warn", "error", "panic", "fatal"),
    "logger": ("zap", "capnslog"),
    "metrics": ("basic", "extensive"),
    "tls-max-version": ("TLS1.2", "TLS1.3"),
    "tls-min-version": ("TLS1.2", "TLS1.3"),
    "v2-deprecation": ("not-yet", "write-only", "write-only-skip-check", "write-only-drop-data", "gone"),
}

#: Values that went before their setting did: the last minor that takes them.
LAST_WITH_CHOICE: dict[tuple[str, str], int] = {
    ("logger", "capnslog"): 4,
    ("v2-deprecation", "not-yet"): 5,
}

#: Feature gate -> the first and the last minor that knows it (server/features/etcd_features.go).
FEATURE_GATES: dict[str, tuple[int, int]] = {
    "CompactHashCheck": (6, NEWEST),
    "FastLeaseKeepAlive": (7, NEWEST),
    "InitialCorruptCheck": (6, NEWEST),
    "LeaseCheckpoint": (6, NEWEST),
    "LeaseCheckpointPersist": (6, NEWEST),
    "PriorityRequest": (7, NEWEST),
    "SetMemberLocalAddr": (6, NEWEST),
    "StopGRPCServiceOnDefrag": (6, NEWEST),
    "TxnModeWriteWithSharedBuffer": (6, NEWEST),
}

#: Experimental setting -> the feature gate that took its place in 3.6.
GATE_OF: dict[str, str] = {
    "experimental-compact-hash-check-enabled": "CompactHashCheck",
    "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
    "experimental-enable-lease-checkpoint-persist": "LeaseCheckpointPersist",
    "experimental-initial-corrupt-check": "InitialCorruptCheck",
    "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
    "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
}

#: Setting -> the setting that took its place without the prefix C(experimental-), or under another name.
SUCCESSOR: dict[str, str] = {
    **{
        name: name[len("experimental-") :]
        for name in FLAGS
        if name.startswith("experimental-") and name[len("experimental-") :] in FLAGS
    },
    "debug": "log-level",
    "log-package-levels": "log-level",
}

#: Setting that is gone without a successor -> what else is to be done, the end of a sentence.
REMOVED: dict[str, str] = {
    "enable-v2": ". Take it out, and let no client use the API of version 2: its keys are not served any more. While "
    "3.4 or 3.5 runs they move to version 3: ansible-playbook quorum.etcd.migrate_v2 (docs/api-version-2.md)",
    "experimental-enable-v2v3": ". Take it out, and let no client use the API of version 2: nothing emulates it now",
}
