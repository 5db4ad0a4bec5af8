# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings against the etcd that reads them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, flags
from ansible_collections.quorum.etcd.plugins.module_utils._config import settings as _settings
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import initial_cluster, member_of
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from cluster import READY_WITHIN, Tls, binary, free_ports

SAMPLES = {
    "bool": True,
    "int": 5,
    "int64": 5,
    "uint": 5,
    "uint32": 5,
    "uint64": 5,
    "string": "x",
    "duration": "5s",
    "string list": ["x"],
    "urls": ["http://127.0.0.1:1"],
    "key=bool list": {"CompactHashCheck": True},
}
SPECIAL = {"election-timeout": 5000, "auto-compaction-retention": "5h", "log-rotation-config-json": "{}"}
#: Refuses to start once all settings are read: a name cannot be listened on.
STOPS = {"listen-peer-urls": ["http://no.address:1"]}


def minor_of(version: str) -> int:
    return int(version.split(".")[1])


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}


def samples(version: str) -> dict[str, object]:
    """A value for every setting that a version knows."""
    minor = minor_of(version)
    found: dict[str, object] = {}
    for name, flag in flags.FLAGS.items():
        choices = [c for c in flags.CHOICES.get(name, ()) if flags.LAST_WITH_CHOICE.get((name, c), 9) >= minor]
        if flag.first <= minor <= flag.last:
            found[name] = SPECIAL.get(name) or next(iter(choices), SAMPLES[flag.kind])
    return found


@pytest.mark.parametrize("experimental", [False, True])
def test_etcd_knows_every_setting_that_we_let_through(tmp_path: Path, every_version: str, experimental: bool) -> None:
    """In two halves, for etcd takes only one of an experimental setting and its successor."""
    halves = {name: value for name, value in samples(every_version).items() if name.startswith("exp") is experimental}
    environment = env_file.environment({**halves, **STOPS, "data-dir": str(tmp_path / "data")})
    ran = subprocess.run(
        [binary(every_version)],
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=READY_WITHIN,
        check=False,
    )
    output = ran.stdout + ran.stderr
    assert ran.returncode == 1, output
    assert "expected IP in URL for binding" in output
    assert "unrecognized environment variable" not in output


def test_we_know_every_flag_that_etcd_documents(every_version: str) -> None:
    ran = subprocess.run([binary(every_version), "--help"], capture_output=True, text=True, check=False)
    documented = set(re.findall(r"^  --([a-z0-9-]+)", ran.stdout + ran.stderr, re.MULTILINE))
    assert len(documented) > 60
    minor = minor_of(every_version)
    known = {name for name, flag in flags.FLAGS.items() if flag.first <= minor <= flag.last}
    families = tuple(name for name in _settings.NOT_SETTINGS if name.endswith("-"))
    unknown = {name for name in documented - known - set(_settings.NOT_SETTINGS) if not name.startswith(families)}
    assert unknown == set()


def wait_until_it_answers(process: subprocess.Popen[bytes], url: str, credentials: Credentials, logs: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while True:
        try:
            with Client([url], credentials, 2.0) as client:
                client.read("ready")
                return
        except EtcdError as error:
            text = "".join(log.read_text(errors="replace")[-4000:] for log in logs.glob("*.log"))
            assert process.poll() is None, text
            assert time.monotonic() < end, f"{error}\n{text}"
            time.sleep(0.05)


@pytest.mark.parametrize("etcd_tls", [False, True])
@pytest.mark.parametrize("to_file", [False, True])
def test_etcd_runs_on_the_file_that_we_write(
    tmp_path: Path, every_version: str, etcd_tls: bool, to_file: bool, tls: Tls
) -> None:
    layout = Layout(
        instance="etcd",
        user="root",
        group="root",
        conf_dir=str(tmp_path),
        data_dir=str(tmp_path / "data"),
        wal_dir=str(tmp_path / "wal" / "etcd"),
        log_file=str(tmp_path / "etcd.log") if to_file else "",
        install_dir=str(tmp_path),
        bin_dir=str(tmp_path),
    )
    Path(layout.ssl_dir).mkdir()
    sources = {"etcd": tls.server.cert, "etcd-key": tls.server.key, "ca": tls.authority.path}
    for name, source in sources.items():
        for file in (name, name.replace("etcd", "peer") if name != "ca" else "peer-ca"):
            Path(layout.certificate(file)).symlink_to(source)
    client_port, peer_port, metrics_port = free_ports(3)
    member = member_of(
        "127.0.0.1",
        {"NODE_NAME": "etcd1", "etcd_client_port": client_port, "etcd_peer_port": peer_port, "etcd_tls": etcd_tls},
    )
    settings = {"listen-metrics-urls": f"http://127.0.0.1:{metrics_port}"}
    wanted = _settings.wanted(member, layout, settings, every_version)
    Path(layout.conf_file).write_text(env_file.render(wanted), encoding="utf-8")
    bootstrap = tmp_path / "bootstrap.env"
    lines = env_file.assignments({"initial-cluster": initial_cluster([member]), "initial-cluster-state": "new"})
    bootstrap.write_text("\n".join(lines), encoding="utf-8")

    script = 'set -a; . "$1"; . "$2"; exec "$3"'
    command = ["sh", "-c", script, "sh", layout.conf_file, str(bootstrap), binary(every_version)]
    log = tmp_path / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=clean_environment(), stdout=output, stderr=output)
    try:
        credentials = tls.credentials if etcd_tls else Credentials()
        wait_until_it_answers(process, member.client_urls[0], credentials, tmp_path)
        read = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
        own = dict(entry.split("=", 1) for entry in read if entry.startswith("ETCD_"))
    finally:
        process.terminate()
        process.wait()
    written = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "unrecognized environment variable" not in written
    assert "deprecated" not in written
    assert list(Path(layout.wal_dir).glob("*.wal"))
    assert own == {**env_file.environment(wanted), **dict(line.replace('"', "").split("=", 1) for line in lines)}
