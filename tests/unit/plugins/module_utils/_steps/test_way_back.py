# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the release of before may come back, and what a member is left with where it may not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._host import rollback
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.update_moves import Standing
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service, update, way_back
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms
from ansible_collections.quorum.etcd.plugins.module_utils._steps.way_back import NoWayBack, WayBack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes a member's files")

OLD, NEW = "3.5.33", "3.6.14"
OWN = "http://10.0.0.3:2380"
OTHERS = ["http://10.0.0.1:2380", "http://10.0.0.2:2380"]
PRESUMED = [{"id": str(at), "peer_urls": [url], "is_learner": False} for at, url in enumerate([*OTHERS, OWN])]
TOO_OLD = '{"level":"fatal","msg":"invalid downgrade; server version is lower than determined cluster version"}\n'


def unit_of(version: str) -> str:
    return f"ExecStart=/opt/etcd/etcd-v{version}-linux-amd64/etcd\n"


@dataclass
class Member:
    """A member of this host as its service manager and its own answers show it.

    :param runs: the release of its process, empty for none.
    :param starts: the releases that serve once they are started.
    """

    manager: Any
    layout: Any
    runs: str = ""
    serves: bool = False
    starts: tuple[str, ...] = (OLD, NEW)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def systemd(self) -> Any:
        return self.manager.systemd

    def standing(self) -> Standing:
        return Standing(bool(self.runs), self.serves)

    def release(self) -> str:
        return self.runs

    def observe(self) -> View:
        return View()

    def unit(self) -> str:
        return Path(self.layout.unit_file).read_text()

    def serving(self) -> View:
        """What its unit names was started."""
        self.runs = next(version for version in (OLD, NEW) if unit_of(version) == self.unit())
        self.serves = self.runs in self.starts
        if not self.serves:
            self.manager.journal += self.said.get(self.runs, "")
            raise HostError(f"etcd.service with {self.runs} ends as soon as it starts.")
        return View()


@pytest.fixture
def member(service_manager, layout, monkeypatch):
    """A member with the files of 3.6.14 whose update from 3.5.33 was not verified."""
    for directory in (layout.state_dir, layout.conf_dir):
        Path(directory).mkdir(parents=True)
    Path(layout.marker_file).write_text(markers.render(Marker(markers.STARTED, cluster="prod", name="etcd-host2")))
    Path(layout.conf_file).write_text(f'ETCD_INITIAL_ADVERTISE_PEER_URLS="{OWN}"\n')
    Path(layout.unit_file).write_text(unit_of(OLD))
    rollback.keep(layout, [layout.unit_file, layout.conf_file])
    Path(layout.unit_file).write_text(unit_of(NEW))
    monkeypatch.setattr(service, "remember", lambda *_arguments, **_options: {})
    return Member(service_manager, layout)


@pytest.fixture
def told(monkeypatch):
    """Peer URL -> what its member says at /version."""
    found: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(peer_port, "versions", lambda urls, _side: found.get(urls[0], {}) if urls else {})
    return found


def all_say(told, server, cluster, urls=OTHERS):
    told.update({url: {"etcdserver": server, "etcdcluster": cluster} for url in urls})


def go_back(member, started=True, members=PRESUMED, **changes):
    previous = rollback.read(member.layout)
    WayBack(member, previous, Terms("update", members=members, **changes)).take(started)


def kept(layout):
    return os.path.exists(rollback.path_of(layout))


class TestTheReleaseOfBefore:
    def test_comes_back_while_the_cluster_speaks_it(self, member, told):
        all_say(told, OLD, "3.5.0")
        go_back(member)
        assert (member.runs, kept(member.layout)) == (OLD, False)

    def test_does_not_once_the_cluster_speaks_the_new_one(self, member, told):
        all_say(told, NEW, "3.6.0")
        with pytest.raises(NoWayBack, match=r"stays with etcd 3\.6\.14: its cluster speaks 3\.6\.0 by now"):
            go_back(member)
        assert (member.unit(), kept(member.layout)) == (unit_of(NEW), False)
        assert member.manager.done == []

    def test_does_not_where_the_member_serves_as_the_last_one(self, member, told):
        member.runs, member.serves = NEW, True
        all_say(told, NEW, "3.5.0")
        with pytest.raises(NoWayBack, match="in a moment, for it was the last one"):
            go_back(member)

    def test_comes_back_where_another_member_does_not_say_what_it_runs(self, member, told):
        """The leader raises the version only once it has heard of all."""
        member.runs, member.serves = NEW, True
        all_say(told, NEW, "3.5.0", OTHERS[:1])
        with pytest.raises(Refused, match="Once it is stopped on this host"):
            go_back(member)
        assert kept(member.layout)

    def test_does_not_where_the_only_member_serves(self, member, told):
        member.runs, member.serves = NEW, True
        all_say(told, NEW, "3.5.0", [OWN])
        with pytest.raises(NoWayBack, match="in a moment"):
            go_back(member, members=PRESUMED[2:])

    def test_does_not_where_the_only_member_speaks_the_new_one(self, member, told):
        member.runs, member.serves = NEW, True
        all_say(told, NEW, "3.6.0", [OWN])
        with pytest.raises(NoWayBack, match=r"speaks 3\.6\.0 by now"):
            go_back(member, members=PRESUMED[2:])

    def test_is_there_where_the_member_was_never_stopped(self, member, told):
        """The process that serves is the one of before."""
        member.runs, member.serves = OLD, True
        all_say(told, NEW, "3.5.0")
        go_back(member, started=False)
        assert (member.unit(), kept(member.layout)) == (unit_of(OLD), False)

    def test_is_asked_for_at_the_endpoints_where_nothing_is_held(self, member, told, monkeypatch):
        """They say where the members are now."""
        moved = "http://10.0.0.9:2380"
        all_say(told, NEW, "3.6.0", [moved])
        votes = guard.Votes([ClusterMember("1", "m", (moved,), ()), ClusterMember("3", "h", (OWN,), ())], frozenset())
        monkeypatch.setattr(queries, "votes", lambda endpoints, _credentials: votes)
        with pytest.raises(NoWayBack):
            go_back(member, members=None, endpoints=["http://10.0.0.9:2379"])


class TestWhatEtcdItselfRefuses:
    @pytest.fixture(autouse=True)
    def silent(self, told):
        """Nobody says which version the cluster speaks."""

    @pytest.mark.parametrize(
        "words", [TOO_OLD, '{"level":"panic","msg":"failed","error":"version \\"3.6.0\\" is not supported"}\n']
    )
    def test_leaves_the_new_one_serving(self, member, words):
        member.starts, member.said = (NEW,), {OLD: words}
        with pytest.raises(NoWayBack, match="serves again with the new release, for etcd refuses the one of before"):
            go_back(member)
        assert (member.runs, member.unit(), kept(member.layout)) == (NEW, unit_of(NEW), False)

    def test_is_read_in_the_log_file_too(self, member):
        log = Path(member.layout.data_dir) / "etcd.log"
        log.parent.mkdir(parents=True)
        log.write_text("")
        member.layout = replace(member.layout, log_file=str(log))
        member.starts = (NEW,)
        before = member.serving

        def serving():
            if member.unit() == unit_of(OLD):
                log.write_text(TOO_OLD)
            return before()

        member.serving = serving
        with pytest.raises(NoWayBack, match="invalid downgrade"):
            go_back(member)
        assert member.runs == NEW

    def test_counts_only_since_the_last_start(self, member):
        """The log of a try before is there still."""
        member.manager.journal = TOO_OLD
        log = Path(member.layout.data_dir) / "etcd.log"
        log.parent.mkdir(parents=True)
        log.write_text(TOO_OLD)
        member.layout = replace(member.layout, log_file=str(log))
        member.starts = (NEW,)
        with pytest.raises(HostError) as failed:
            go_back(member)
        assert not isinstance(failed.value, NoWayBack)
        assert member.unit() == unit_of(OLD)
        assert rollback.read(member.layout).doubtful

    def test_is_said_with_the_files_that_are_there_where_the_new_one_fails_too(self, member):
        member.starts, member.said = (), {OLD: TOO_OLD}
        asked = update.Update(Marker(markers.STARTED), "etcd-host2", True, [], {}, 0.0)
        failed = update._undone(member, asked, lambda: go_back(member), "", HostError("it was so."))
        assert "has the files of the update" in str(failed)
        assert "kept in" not in str(failed)
        assert "invalid downgrade" in str(failed)
        assert (member.unit(), kept(member.layout)) == (unit_of(NEW), False)


class Killed(BaseException):
    """The end of a process, in the middle of its work."""


class TestAWayBackThatWasInterrupted:
    @pytest.fixture(autouse=True)
    def killed(self, member, told, monkeypatch):
        def at(step):
            if step == "undo: files put back":
                raise Killed

        with monkeypatch.context() as interrupting, pytest.raises(Killed):
            interrupting.setattr(checkpoints, "at", at)
            go_back(member)
        assert member.unit() == unit_of(OLD)

    def test_ends_with_the_new_release_where_the_cluster_speaks_it(self, member, told):
        all_say(told, NEW, "3.6.0")
        with pytest.raises(NoWayBack, match=r"serves again with the new release, for its cluster speaks 3\.6\.0"):
            go_back(member)
        assert (member.runs, member.unit(), kept(member.layout)) == (NEW, unit_of(NEW), False)

    def test_ends_with_the_new_release_where_etcd_refuses_the_one_of_before(self, member):
        member.starts, member.said = (NEW,), {OLD: TOO_OLD}
        with pytest.raises(NoWayBack):
            go_back(member)
        assert (member.runs, member.unit(), kept(member.layout)) == (NEW, unit_of(NEW), False)

    def test_goes_on_while_the_cluster_speaks_the_old_one(self, member, told):
        all_say(told, OLD, "3.5.0")
        go_back(member)
        assert (member.runs, kept(member.layout)) == (OLD, False)

    def test_has_another_way_ahead_once_another_update_has_begun(self, member):
        rollback.keep(member.layout, [member.layout.unit_file])
        assert rollback.read(member.layout).ahead == {}


def test_an_interrupted_update_asks_the_members_that_the_plan_saw(member, told, monkeypatch):
    all_say(told, NEW, "3.6.0")
    monkeypatch.setattr(way_back, "UpdatedHost", lambda *_given: member)
    with pytest.raises(NoWayBack):
        way_back.undo(member.systemd, member.layout, Terms("update"), 0.0, check=False, foreseen=PRESUMED)
