# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings against the etcd that reads them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, env_text, flags, render, yaml_file
from ansible_collections.quorum.etcd.plugins.module_utils._config import settings as _settings
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._host import processes
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV, YAML, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member, initial_cluster, member_of
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
#: What the role writes by itself.
ROLES_OWN = (
    "name",
    "data-dir",
    "wal-dir",
    "initial-advertise-peer-urls",
    "advertise-client-urls",
    "initial-cluster",
    "initial-cluster-state",
    "initial-cluster-token",
    "cert-file",
    "key-file",
    "trusted-ca-file",
    "client-cert-auth",
    "peer-cert-file",
    "peer-key-file",
    "peer-trusted-ca-file",
    "peer-client-cert-auth",
    "force-new-cluster",
    "log-outputs",
)
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


def stopped_by(version: str, text: str, directory: Path) -> str:
    """What etcd says of a YAML file with which it cannot start."""
    path = directory / "etcd.conf.yml"
    path.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [binary(version), f"--config-file={path}"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=READY_WITHIN,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("experimental", [False, True])
def test_etcd_takes_every_value_that_we_write_into_a_file(
    tmp_path: Path, every_version: str, experimental: bool
) -> None:
    given = {name: value for name, value in samples(every_version).items() if name.startswith("exp") is experimental}
    missing = without_key(given, every_version)
    given = {name: value for name, value in given.items() if name not in missing}
    text = yaml_file.render({**given, **STOPS, "data-dir": str(tmp_path / "data")})
    assert "expected IP in URL for binding" in stopped_by(every_version, text, tmp_path)


def without_key(settings: dict[str, Any], version: str) -> set[str]:
    return {text.split()[0] for text in yaml_file.without_key(settings, version)}


def test_etcd_has_the_key_of_each_setting_or_we_say_that_it_has_none(tmp_path: Path, every_version: str) -> None:
    """A key that etcd knows cannot be a mapping of nobody; one that it does not know may be anything."""
    given = samples(every_version)
    missing = without_key(given, every_version)
    assert missing
    rest = yaml_file.render({**STOPS, "data-dir": str(tmp_path / "data")})
    for name in [*given, *ROLES_OWN]:
        mapping, key = env_file.PLACES.get(name, ("", name))
        wrong = f"{key}: {{of: nobody}}\n"
        text = rest + (f"{mapping}:\n  {wrong}" if mapping else wrong)
        said = stopped_by(every_version, text, tmp_path)
        is_read = "cannot unmarshal" in said or "interface conversion" in said
        assert is_read is (name not in missing), f"{name}: {said}"


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


class Written(NamedTuple):
    """A member's settings on the disk.

    :param wanted: what they say.
    :param command: the program and its arguments.
    :param bootstrap: what its first start has beside them.
    """

    member: Member
    layout: Layout
    wanted: dict[str, Value]
    command: list[str]
    bootstrap: dict[str, Value]


def write(directory: Path, version: str, form: str, ports: list[int], tls: Tls, **options: Any) -> Written:
    """Write a member's settings in one form, as the role and its gate do.

    :param ports: for clients, peers and metrics.
    :param options: C(etcd_tls), C(to_file).
    """
    layout = Layout(
        instance="etcd",
        user="root",
        group="root",
        conf_dir=str(directory),
        data_dir=str(directory / "data"),
        wal_dir=str(directory / "wal" / "etcd"),
        log_file=str(directory / "etcd.log") if options.get("to_file") else "",
        install_dir=str(directory),
        bin_dir=str(directory),
        config_format=form,
    )
    Path(layout.ssl_dir).mkdir(parents=True)
    sources = {"etcd": tls.server.cert, "etcd-key": tls.server.key, "ca": tls.authority.path}
    for name, source in sources.items():
        for file in (name, name.replace("etcd", "peer") if name != "ca" else "peer-ca"):
            Path(layout.certificate(file)).symlink_to(source)
    variables = {"etcd_client_port": ports[0], "etcd_peer_port": ports[1], "etcd_tls": options.get("etcd_tls", False)}
    member = member_of("127.0.0.1", {"NODE_NAME": "etcd1", **variables})
    given = {"listen-metrics-urls": f"http://127.0.0.1:{ports[2]}"}
    wanted = render.flags(Desired("etcd_cluster", member, member.tls, version, given, layout), version)
    bootstrap: dict[str, Value] = {"initial-cluster": initial_cluster([member]), "initial-cluster-state": "new"}
    first = directory / "bootstrap"
    if form == YAML:
        first.write_text(yaml_file.render({**wanted, **bootstrap}), encoding="utf-8")
        return Written(member, layout, wanted, [binary(version), f"--config-file={first}"], bootstrap)
    Path(layout.conf_file).write_text(env_text.render(wanted), encoding="utf-8")
    first.write_text("\n".join(env_file.assignments(bootstrap)), encoding="utf-8")
    script = 'set -a; . "$1"; . "$2"; exec "$3"'
    return Written(
        member, layout, wanted, ["sh", "-c", script, "sh", layout.conf_file, str(first), binary(version)], bootstrap
    )


@contextlib.contextmanager
def serving(written: Written, directory: Path, tls: Tls) -> Iterator[subprocess.Popen[bytes]]:
    """The member, once it answers; it is ended afterwards."""
    # A file outranks what is here; a member without one has it replaced.
    environment = {**clean_environment(), "ETCD_NAME": "another"}
    if written.layout.config_format == YAML:
        environment[env_file.SETTINGS_VARIABLE] = written.layout.conf_file
    with (directory / "output.log").open("wb") as output:
        process = subprocess.Popen(written.command, env=environment, stdout=output, stderr=output)
    try:
        credentials = tls.credentials if written.member.tls else Credentials()
        wait_until_it_answers(process, written.member.client_urls[0], credentials, directory)
        yield process
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("form", [ENV, YAML])
@pytest.mark.parametrize("etcd_tls", [False, True])
@pytest.mark.parametrize("to_file", [False, True])
def test_etcd_runs_on_the_file_that_we_write(
    tmp_path: Path, every_version: str, etcd_tls: bool, to_file: bool, form: str, tls: Tls
) -> None:
    written = write(tmp_path, every_version, form, free_ports(3), tls, etcd_tls=etcd_tls, to_file=to_file)
    with serving(written, tmp_path, tls) as process:
        described = processes.describe(process.pid)
    said = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "unrecognized environment variable" not in said
    assert "deprecated" not in said
    assert list(Path(written.layout.wal_dir).glob("*.wal"))
    assert described is not None
    assert described.environment == env_file.environment({**written.wanted, **written.bootstrap})


# What tells one start from another.
OF_ONE_START = ("ts", "caller", "pid")


def effective(directory: Path) -> dict[str, Any]:
    """The configuration that etcd says it has."""
    for line in (directory / "output.log").read_text().splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said.get("msg") == "starting an etcd server":
                return {key: value for key, value in said.items() if key not in OF_ONE_START}
    raise AssertionError((directory / "output.log").read_text())


def test_etcd_has_the_same_configuration_in_both_forms(tmp_path: Path, every_version: str, tls: Tls) -> None:
    """Where the inventory says nothing, etcd's own default counts; for a file it can be another."""
    ports, found, gateways = free_ports(3), [], []
    for form in (ENV, YAML):
        # One after the other, in the same place: it is a part of the configuration.
        place = tmp_path / "member"
        written = write(place, every_version, form, ports, tls)
        with serving(written, place, tls):
            asked = urllib.request.Request(f"{written.member.client_urls[0]}/v3/maintenance/status", b"{}")
            with urllib.request.urlopen(asked) as answer:
                gateways.append(answer.status)
        found.append(effective(place))
        place.rename(tmp_path / form)
    assert found[0] == found[1]
    assert len(found[0]) > 10
    assert gateways == [200, 200]
