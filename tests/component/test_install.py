# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_install: releases fetched from a server, or sent by the controller."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _releases
from cluster import REPOSITORY
from machine import Machine, Outcome

RELEASES = REPOSITORY / ".cache" / "releases"


class Server:
    """Serves a directory over HTTP, and remembers what was asked for."""

    def __init__(self, directory: Path) -> None:
        asked = self.asked = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_arguments: object) -> None:
                asked.append(self.path)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(directory)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mirror() -> Iterator[Server]:
    """A mirror of all releases."""
    server = Server(RELEASES)
    yield server
    server.stop()


def archive(version: str) -> Path:
    return RELEASES / f"v{version}" / _releases.archive(version, platform.machine())


def checksums(version: str) -> dict[str, str]:
    return {archive(version).name: hashlib.sha256(archive(version).read_bytes()).hexdigest()}


def from_mirror(machine: Machine, mirror: Server, version: str, **more: Any) -> dict[str, Any]:
    given = {"version": version, "url": mirror.url, "checksums": checksums(version)}
    return {**machine.layout.to_dict(), **given, **more}


def tools(machine: Machine) -> dict[str, list[str]]:
    return {one.name: sorted(tool.name for tool in one.iterdir()) for one in Path(machine.layout.install_dir).iterdir()}


def test_a_release_is_predicted_installed_and_then_left_alone(
    any_machine: Machine, mirror: Server, version: str
) -> None:
    machine, options = any_machine, from_mirror(any_machine, mirror, version)
    predicted, installed, again = machine.play(
        [("etcd_install", options, True), ("etcd_install", options, False), ("etcd_install", options, False)]
    )
    name = archive(version).name.removesuffix(".tar.gz")
    directory = f"{machine.layout.install_dir}/{name}"
    assert (predicted.failed, predicted.changed, predicted.result["checksum"]) == (False, True, "")
    assert (installed.failed, installed.changed) == (False, True), installed.message
    assert installed.result["checksum"] == checksums(version)[archive(version).name]
    assert (again.failed, again.changed, again.result["checksum"]) == (False, False, "")
    assert {one.result["directory"] for one in (predicted, installed, again)} == {directory}
    assert tools(machine) == {name: ["etcd", "etcdctl", "etcdutl"]}
    said = subprocess.run([f"{directory}/etcd", "--version"], check=True, capture_output=True, text=True)
    assert said.stdout.startswith(f"etcd Version: {version}\n")
    # The prediction, and the run with nothing to do, asked for nothing.
    assert len(mirror.asked) == 1


def test_releases_stand_side_by_side(machine: Machine, mirror: Server, every_version: str) -> None:
    first = from_mirror(machine, mirror, "3.5.33" if every_version != "3.5.33" else "3.4.23")
    one, two = machine.play(
        [("etcd_install", first, False), ("etcd_install", from_mirror(machine, mirror, every_version), False)]
    )
    assert not one.failed and two.changed, one.message + two.message
    assert len(tools(machine)) == 2


def test_the_account_is_made_where_it_is_missing(machine: Machine, mirror: Server, version: str) -> None:
    options = from_mirror(machine, mirror, version, user="etcd-component", group="etcd-component")
    made, again = machine.play([("etcd_install", options, False)] * 2)
    assert not made.failed, made.message
    (line,) = [
        one for one in machine.place("/etc/passwd").read_text().splitlines() if one.startswith("etcd-component:")
    ]
    assert line.endswith(f":{machine.layout.data_dir}:/usr/sbin/nologin")
    assert not again.changed


def test_an_archive_of_the_controller_is_sent(machine: Machine, version: str) -> None:
    options = {
        **machine.layout.to_dict(),
        "version": version,
        "archive": str(archive(version)),
        "checksums": checksums(version),
        "url": "http://127.0.0.1:1",
    }
    sent = machine.do("etcd_install", **options)
    assert sent.changed, sent.message
    assert tools(machine)


def test_a_mirrors_own_list_is_believed_on_request(machine: Machine, mirror: Server) -> None:
    asked = from_mirror(machine, mirror, "3.7.1", checksums={})
    refused, believed = machine.play(
        [("etcd_install", asked, False), ("etcd_install", {**asked, "checksums_from_mirror": True}, False)]
    )
    assert refused.message.startswith("No checksum is known for etcd-v3.7.1-linux-")
    assert "etcd_checksums_from_mirror: true" in refused.message
    assert believed.changed, believed.message


def refusals(machine: Machine, directory: Path, version: str) -> dict[str, tuple[dict[str, Any], str]]:
    """What is asked for, and what is said to it. The server has no good archive."""
    name = archive(version).name
    top = name.removesuffix(".tar.gz")
    place = directory / f"v{version}"
    place.mkdir(parents=True)
    # Half of the archive, and one that holds another version.
    (place / name).write_bytes(archive(version).read_bytes()[: 1 << 20])
    half = hashlib.sha256((place / name).read_bytes()).hexdigest()
    other = directory / name
    with tarfile.open(other, "w:gz") as tar:
        tar.add(RELEASES / "bin" / "v3.5.33", f"{top}")
    foreign = directory / "foreign" / name
    foreign.parent.mkdir()
    with tarfile.open(foreign, "w:gz") as tar:
        tar.add(RELEASES / "bin" / "v3.5.33", "etcd-v3.5.33-linux-s390x")

    def sent(path: Path) -> dict[str, Any]:
        return {"archive": str(path), "checksums": {name: hashlib.sha256(path.read_bytes()).hexdigest()}}

    return {
        "wrong checksum": (
            {"checksums": {name: "0" * 64}},
            f"{name} has the SHA256 {half}, not {'0' * 64}: it is damaged",
        ),
        "no checksum at all": ({"checksums": {name: "x"}}, "which is no SHA256 of 64 hexadecimal digits."),
        "half an archive": ({"checksums": {name: half}}, f"{name} is no whole archive: "),
        "another version": (sent(other), "The archive's etcd says 'etcd Version: 3.5.33', not version"),
        "another architecture": (sent(foreign), f"{name} does not hold {top}/etcd, {top}/etcdctl, {top}/etcdutl"),
        "no such release": ({"version": "3.6.999", "checksums": {}, "checksums_from_mirror": True}, "answers 404"),
        "no such version": ({"version": "v3.6.14"}, "Give a full version of 3.4 or newer without a leading v"),
        "no server": ({"url": "http://127.0.0.1:1", "checksums": {name: half}}, "cannot be fetched"),
        "no file": ({"archive": "/nowhere/x.tar.gz"}, "/nowhere/x.tar.gz is no file on the controller"),
    }


def test_what_is_refused_says_why_and_installs_nothing(machine: Machine, tmp_path: Path, version: str) -> None:
    cases = refusals(machine, tmp_path / "mirror", version)
    server = Server(tmp_path / "mirror")
    try:
        wanted = {**machine.layout.to_dict(), "version": version, "url": server.url}
        outcomes: list[Outcome] = machine.play(
            [("etcd_install", {**wanted, **change}, False) for change, _said in cases.values()]
        )
    finally:
        server.stop()
    for (name, (_change, said)), outcome in zip(cases.items(), outcomes):
        assert outcome.failed, name
        assert said in outcome.message, f"{name}: {outcome.message}"
    install_dir = Path(machine.layout.install_dir)
    assert not install_dir.exists() or list(install_dir.iterdir()) == []
