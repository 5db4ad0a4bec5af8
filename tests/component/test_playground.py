# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook local.yml: three real members as processes of an ordinary user, and whatever is in their way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import PORTS as PORTS_OF_CLUSTERS
from cluster import REPOSITORY, ports_of_worker
from playground_site import APART, PORTS, Site


@pytest.fixture
def site(tmp_path: Path, version: str) -> Iterator[Site]:
    site = Site(tmp_path, version)
    yield site
    for pid in site.processes():
        os.kill(pid, signal.SIGKILL)


def counted(done: subprocess.CompletedProcess[str]) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    found = re.search(r"changed=(\d+) .* failed=(\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    return int(found[1]), int(found[2])


def command_in(done: subprocess.CompletedProcess[str]) -> str:
    """The last command that a refusal names."""
    said = re.search(r'"safe": "(.*?)", "why"', done.stdout)
    assert said, done.stdout + done.stderr
    return said[1][said[1].index("ansible-playbook quorum.etcd.local") :]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_playground_is_predicted_made_left_alone_and_removed(site: Site, tls: bool) -> None:
    given = ["-e", f"etcd_playground_tls={tls}"]
    predicted = site.play(*given, "--check")
    assert counted(predicted)[1] == 0, predicted.stdout
    assert site.left() == []
    made = site.play(*given)
    assert counted(made)[1] == 0, made.stdout
    assert len(site.processes()) == 3
    scheme = "https" if tls else "http"
    urls = [f"{scheme}://127.0.0.1:{site.port + apart}" for apart in (0, 10000, 20000)]
    assert f"export ETCDCTL_ENDPOINTS={','.join(urls)}" in made.stdout
    for line in [one for one in made.stdout.splitlines() if one.startswith("etcdctl ")]:
        said = site.shell(made, line)
        assert "rror" not in said, said
    assert "Hello World" in site.shell(made, "etcdctl get foo")
    before = site.processes()
    again = site.play()
    assert counted(again) == (0, 0)
    assert site.processes() == before
    assert "Hello World" in site.shell(again, "etcdctl get foo")
    # Others who listen would be reached from elsewhere.
    assert not any(_listens_beyond_loopback(port + one) for port in (site.port, site.port + 10000) for one in (0, 1))
    removed = site.play("-e", "etcd_playground=absent")
    assert counted(removed) == (1, 0)
    assert (site.left(), site.processes()) == ([], [])
    assert counted(site.play("-e", "etcd_playground=absent")) == (0, 0)


def _listens_beyond_loopback(port: int) -> bool:
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    here = [row[1].partition(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]
    return any(address != "0100007F" for address in here)


def test_no_playground_of_these_tests_has_a_port_of_another_test() -> None:
    workers = range(10)
    clusters = [port for worker in workers for port in ports_of_worker(*PORTS_OF_CLUSTERS, worker)]
    playgrounds = [port + apart for worker in workers for port in ports_of_worker(*PORTS, worker) for apart in APART]
    every = [*clusters, *playgrounds]
    assert len(set(every)) == len(every)


MAKING = [
    "playground: directory begun",
    "playground: directory made",
    "playground: release unpacked",
    "playground: member started",
]
REMOVING = ["playground: members stopped", "playground: partly removed", "playground: marker left"]


@pytest.mark.parametrize("checkpoint", [*MAKING, *REMOVING])
@pytest.mark.parametrize("then", ["present", "absent"])
def test_a_playground_whose_run_was_killed_is_completed_or_removed_whole(
    site: Site, checkpoint: str, then: str
) -> None:
    if checkpoint in REMOVING:
        assert site.do("present").returncode == 0
    site.user.end_at(checkpoint)
    killed = site.do("absent" if checkpoint in REMOVING else "present")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert site.left() != []
    done = site.do(then)
    assert done.returncode == 0, done.stderr
    if then == "present":
        assert site.left() == [".etcd-playground", ".etcd-playground.lock"]
        assert len(site.processes()) == 3
    else:
        assert (site.left(), site.processes()) == ([], [])


def test_a_member_that_ended_starts_again_with_what_it_had(site: Site) -> None:
    made = site.play()
    site.shell(made, "etcdctl put kept yes")
    before = site.pid("etcd0"), site.pid("etcd1")
    os.kill(site.pid("etcd2"), signal.SIGKILL)
    again = site.play()
    assert counted(again) == (1, 0), again.stdout
    assert (site.pid("etcd0"), site.pid("etcd1")) == before
    assert "yes" in site.shell(again, f"export ETCDCTL_ENDPOINTS=127.0.0.1:{site.port + 20000}; etcdctl get kept")


@pytest.mark.parametrize("lost", [["etcd1"], ["etcd0", "etcd1", "etcd2"]], ids=["one", "all"])
def test_members_without_their_data_are_never_started(site: Site, lost: list[str]) -> None:
    assert site.do("present").returncode == 0
    for name in lost:
        os.kill(site.pid(name), signal.SIGKILL)
        shutil.rmtree(site.place / name / "member")
    before = site.processes()
    refused = site.play()
    assert "playground-data" in refused.stdout
    assert f"The data of {', '.join(lost)} are missing" in refused.stdout
    assert set(site.processes()) <= set(before)
    assert not (site.place / lost[0] / "member").exists()
    # The archive of these tests is none that is published.
    line = " && ".join(f"{one} -e @{site.given}" for one in command_in(refused).split(" && "))
    remade = site.user.run("sh", "-c", line)
    assert remade.returncode == 0, remade.stdout + remade.stderr
    assert len(site.processes()) == 3


def test_ports_of_another_etcd_are_named_and_others_offered(site: Site) -> None:
    assert site.do("present").returncode == 0
    other = f"etcd_playground_dir={site.user.home}/other"
    refused = site.play("-e", other)
    assert "playground-ports" in refused.stdout
    for name, apart in (("etcd0", 0), ("etcd2", 20000)):
        assert f"{site.port + apart} by {site.place}/" in refused.stdout
        assert f"/etcd (PID {site.pid(name)})" in refused.stdout
    assert site.left() == [".etcd-playground", ".etcd-playground.lock"]
    assert other in command_in(refused)
    offered = re.search(r"-e (etcd_playground_port=\d+)", command_in(refused))
    assert offered
    made = site.play("-e", other, "-e", offered[1])
    assert counted(made)[1] == 0, made.stdout
    assert len(site.processes()) == 6


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_process_that_does_not_agree_is_named_and_left(site: Site, state: str) -> None:
    assert site.do("present").returncode == 0
    own = site.pid("etcd1")
    file = site.place / "etcd1.pid"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "started": "1"}))
    before = site.processes()
    refused = site.play("-e", f"etcd_playground={state}")
    assert "playground-process" in refused.stdout
    assert f"(PID {own})" in refused.stdout
    assert site.processes() == before


def test_a_number_that_another_process_has_now_is_left_alone(site: Site) -> None:
    assert site.do("present").returncode == 0
    os.kill(site.pid("etcd1"), signal.SIGKILL)
    file = site.place / "etcd1.pid"
    record = json.loads(file.read_text())
    with subprocess.Popen(["sleep", "600"]) as other:
        file.write_text(json.dumps({**record, "pid": other.pid}))
        again = site.play()
        assert counted(again) == (1, 0), again.stdout
        removed = site.play("-e", "etcd_playground=absent")
        assert counted(removed) == (1, 0), removed.stdout
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_is_no_playground_is_left_as_it_is(site: Site, kind: str, state: str) -> None:
    elsewhere = site.user.home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("mine")
    if kind == "link":
        site.place.symlink_to(elsewhere)
    elif kind == "file":
        site.place.write_text("mine")
    else:
        elsewhere.rename(site.place)
        if site.user.is_changed:
            os.chown(site.place, site.user.home.stat().st_uid, -1)
    refused = site.play("-e", f"etcd_playground={state}")
    assert "playground-directory" in refused.stdout, refused.stdout
    mine = {"link": elsewhere / "mine", "file": site.place, "directory": site.place / "mine"}[kind]
    assert mine.read_text() == "mine"
    assert command_in(refused).endswith(f"etcd_playground_dir={site.place}-2")


def test_other_settings_need_another_playground(site: Site) -> None:
    assert site.do("present").returncode == 0
    before = site.processes()
    refused = site.play("-e", "etcd_playground_tls=true")
    assert "playground-settings" in refused.stdout
    assert "-e etcd_playground_tls=true" in command_in(refused)
    assert site.processes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as root")
def test_root_is_told_to_be_somebody_else(site: Site) -> None:
    done = subprocess.run(
        [shutil.which("ansible-playbook") or "", "quorum.etcd.local"],
        env={
            **os.environ,
            "HOME": str(site.user.home),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
            "ANSIBLE_HOME": str(site.user.home / ".ansible"),
            "SUDO_USER": "op",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "playground-root" in done.stdout, done.stdout + done.stderr
    assert "Run it as op, without sudo: ansible-playbook quorum.etcd.local" in done.stdout
    assert site.left() == []
