# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_install: releases fetched from a server, or sent by the controller."""

from __future__ import annotations

import functools
import hashlib
import io
import platform
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from cluster import REPOSITORY
from machine import Machine

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


def name_of(version: str) -> str:
    return releases.archive(version, platform.machine())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def small_release(directory: Path, version: str, says: str = "", top: str = "") -> Path:
    """An archive whose tools are scripts that only tell their version."""
    path = directory / name_of(version)
    path.parent.mkdir(parents=True, exist_ok=True)
    script = f"#!/bin/sh\necho etcd Version: {says or version}\n".encode()
    with tarfile.open(path, "w:gz") as tar:
        for tool in ("etcd", "etcdctl", "etcdutl"):
            member = tarfile.TarInfo(f"{top or path.name.removesuffix('.tar.gz')}/{tool}")
            member.size, member.mode = len(script), 0o755
            tar.addfile(member, io.BytesIO(script))
    return path


def asking(machine: Machine, version: str, **more: Any) -> dict[str, Any]:
    return {**machine.layout.to_dict(), "version": version, "url": "http://127.0.0.1:1", **more}


def tools(machine: Machine) -> dict[str, list[str]]:
    """The programs of each release, and none of the files that say what they came out of."""
    places = Path(machine.layout.install_dir).iterdir()
    return {one.name: sorted(tool.name for tool in one.iterdir() if tool.name != "archive") for one in places}


def test_a_release_is_predicted_installed_and_then_left_alone(
    machine: Machine, mirror: Server, every_version: str
) -> None:
    name = name_of(every_version)
    wanted = sha256(RELEASES / f"v{every_version}" / name)
    options = asking(machine, every_version, url=mirror.url, checksums={name: wanted})
    predicted, installed, again = machine.play(
        [("etcd_install", options, True), ("etcd_install", options, False), ("etcd_install", options, False)]
    )
    directory = f"{machine.layout.install_dir}/{name.removesuffix('.tar.gz')}"
    assert (predicted.failed, predicted.changed, predicted.result["checksum"]) == (False, True, "")
    assert (installed.failed, installed.changed) == (False, True), installed.message
    assert installed.result["checksum"] == wanted
    assert (again.failed, again.changed, again.result["checksum"]) == (False, False, "")
    assert {one.result["directory"] for one in (predicted, installed, again)} == {directory}
    assert list(tools(machine).values()) == [sorted(releases.tools(every_version))]
    said = subprocess.run([f"{directory}/etcd", "--version"], check=True, capture_output=True, text=True)
    assert said.stdout.startswith(f"etcd Version: {every_version}\n")
    # The prediction, and the run with nothing to do, asked for nothing.
    assert len(mirror.asked) == 1


def test_releases_stand_side_by_side_and_the_account_is_made_once(machine: Machine, tmp_path: Path) -> None:
    paths = [small_release(tmp_path / "sent", version) for version in ("3.6.14", "3.7.1")]
    account = {"user": "etcd-component", "group": "etcd-component"}
    outcomes = machine.play(
        [
            (
                "etcd_install",
                asking(machine, version, archive=str(path), checksums={path.name: sha256(path)}, **account),
                False,
            )
            for version, path in zip(("3.6.14", "3.7.1", "3.7.1"), (*paths, paths[1]))
        ]
    )
    assert [(one.failed, one.changed) for one in outcomes] == [(False, True), (False, True), (False, False)], outcomes
    assert sorted(tools(machine)) == sorted(path.name.removesuffix(".tar.gz") for path in paths)
    accounts = machine.place("/etc/passwd").read_text().splitlines()
    (line,) = [one for one in accounts if one.startswith("etcd-component:")]
    assert line.endswith(f":{machine.layout.data_dir}:/usr/sbin/nologin")


def test_a_mirrors_own_list_is_believed_on_request(machine: Machine, mirror: Server) -> None:
    asked = asking(machine, "3.7.1", url=mirror.url)
    refused, believed = machine.play(
        [("etcd_install", asked, False), ("etcd_install", {**asked, "checksums_from_mirror": True}, False)]
    )
    assert refused.message.startswith("No checksum is known for etcd-v3.7.1-linux-")
    assert "etcd_checksums_from_mirror: true" in refused.message
    assert believed.changed, believed.message


def refusals(directory: Path, version: str) -> dict[str, tuple[dict[str, Any], str]]:
    """What is asked for, and what is said to it. The server has half an archive only."""
    name = name_of(version)
    top = name.removesuffix(".tar.gz")
    half = directory / f"v{version}" / name
    half.parent.mkdir(parents=True)
    half.write_bytes((RELEASES / f"v{version}" / name).read_bytes()[: 1 << 20])
    checksum = sha256(half)
    page = directory / "page" / name
    page.parent.mkdir()
    page.write_text("\n<!DOCTYPE html><title>Log in</title>")
    other = directory / "v3.6.997" / name_of("3.6.997")
    other.parent.mkdir()
    other.write_bytes(b"another")
    (other.parent / "SHA256SUMS").write_text(f"{'1' * 64}  {other.name}\n")
    (directory / "v3.6.998").mkdir()
    (directory / "v3.6.998" / "SHA256SUMS").write_text("<html>")

    def sent(says: str, top: str) -> dict[str, Any]:
        path = small_release(directory / says / top, version, says, top)
        return {"archive": str(path), "checksums": {name: sha256(path)}}

    return {
        "given checksum": (
            {"checksums": {name: "0" * 64}},
            f"{name} has 1048576 bytes and the SHA256 {checksum}, not {'0' * 64}, as etcd_checksums says: it is",
        ),
        "pinned checksum": ({"checksums": {}}, "as what is pinned in this collection says: it is damaged"),
        "a mirror's list": (
            {"version": "3.6.997", "checksums_from_mirror": True},
            "v3.6.997/SHA256SUMS says: it is damaged, or not what it says. Nothing was installed. Where a mirror and",
        ),
        "a web page": (
            {"archive": str(page), "checksums": {name: checksum}},
            f"{name} is a web page of 37 bytes. Nothing",
        ),
        "a page for a list": (
            {"version": "3.6.998", "checksums_from_mirror": True},
            "v3.6.998/SHA256SUMS is a web page and no list of checksums",
        ),
        "no checksum": ({"checksums": {name: "x"}}, "which is no SHA256 of 64 hexadecimal digits."),
        "half an archive": ({"checksums": {name: checksum}}, f"{name} is no whole archive: "),
        "another version": (sent("3.5.33", top), "The archive's etcd says 'etcd Version: 3.5.33', not version"),
        "another architecture": (
            sent(version, f"etcd-v{version}-linux-none"),
            f"{name} does not hold {top}/etcd, {top}/etcdctl, {top}/etcdutl",
        ),
        "no such release": ({"version": "3.6.999", "checksums_from_mirror": True}, "answers 404"),
        "no such version": ({"version": "3.6"}, "Give a full version of 3.4 or newer"),
        "no server": ({"url": "http://127.0.0.1:1", "checksums": {name: checksum}}, "cannot be fetched"),
        "no file": ({"archive": "/nowhere/x.tar.gz"}, "/nowhere/x.tar.gz is no file on the controller"),
    }


def test_what_is_refused_says_why_and_installs_nothing(machine: Machine, tmp_path: Path, version: str) -> None:
    cases = refusals(tmp_path / "mirror", version)
    server = Server(tmp_path / "mirror")
    try:
        outcomes = machine.play(
            [
                ("etcd_install", {**asking(machine, version, url=server.url), **change}, False)
                for change, _said in cases.values()
            ]
        )
    finally:
        server.stop()
    for (name, (_change, said)), outcome in zip(cases.items(), outcomes):
        assert outcome.failed, name
        assert said in outcome.message, f"{name}: {outcome.message}"
    install_dir = Path(machine.layout.install_dir)
    assert not install_dir.exists() or list(install_dir.iterdir()) == []
