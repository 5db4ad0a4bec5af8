# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters for tests. C(ETCD_VERSIONS), a comma-separated list, chooses the versions."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV
from cluster import DEFAULT_VERSION, EVERY_VERSION, Cluster, Tls
from machine import Machine, pythons
from one_of_three import OneOfThree

# The oldest, the newest, and that of new clusters; with C(--matrix) all of them.
_SAMPLE = (EVERY_VERSION[0], EVERY_VERSION[-1], DEFAULT_VERSION)
_EVERY = [one if one in _SAMPLE else pytest.param(one, marks=pytest.mark.matrix) for one in EVERY_VERSION]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for C(every_version) runs on all or a sample, one for C(version) on that of new clusters."""
    asked = list(filter(None, os.environ.get("ETCD_VERSIONS", "").split(",")))
    for name, otherwise in (("every_version", _EVERY), ("version", [DEFAULT_VERSION])):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, asked or otherwise, scope="module")


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts clusters with the arguments of C(Cluster), and ends their processes after the test."""
    clusters: list[Cluster] = []

    def make(version: str, size: int = 1, **options: object) -> Cluster:
        directory = tmp_path / f"cluster{len(clusters)}"
        directory.mkdir()
        clusters.append(Cluster(directory, version, size, **options))  # type: ignore[arg-type]
        return clusters[-1].start()

    yield make
    for cluster in clusters:
        cluster.stop()


@pytest.fixture
def make_three(tmp_path: Path) -> Iterator[Callable[..., OneOfThree]]:
    """Founds clusters of three, one member of each on a host of its own, and ends them after the test."""
    made: list[OneOfThree] = []

    def make(version: str, form: str = ENV, **settings: str) -> OneOfThree:
        named = {name.replace("_", "-"): value for name, value in settings.items()}
        made.append(OneOfThree(tmp_path / f"three{len(made)}", version, named, form))
        return made[-1].start()

    yield make
    for three in made:
        three.end()


class Outcome(NamedTuple):
    """What a module has returned."""

    failed: bool
    result: dict[str, Any]


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a module in this process, as C(run_module("etcd_member_info", endpoints=[...], check_mode=True))."""

    def run(name: str, /, check_mode: bool = False, **arguments: object) -> Outcome:
        module = importlib.import_module(f"ansible_collections.quorum.etcd.plugins.modules.{name}")
        capsys.readouterr()
        with patch_module_args({**arguments, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            module.main()
        result = json.loads(capsys.readouterr().out)
        return Outcome(bool(result.get("failed")), result)

    return run


@pytest.fixture(params=["3.9", pytest.param("own", marks=pytest.mark.matrix)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """An empty host with the oldest Python that targets may have; with C(--matrix) also with that of these tests."""
    machine = Machine(tmp_path, pythons()[request.param])
    yield machine
    machine.end()


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls.make(tmp_path / "pki")
