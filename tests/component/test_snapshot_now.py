# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots on request, saved as the timers of the members save theirs."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import agent, on_request
from cluster import DEFAULT_VERSION, Cluster, Tls, switch_authentication_on
from savers import Hosts


def no_command(arguments):
    raise AssertionError(arguments)


class Requests(Hosts):
    """What the module does on the host of a member."""

    def layout(self, member, **changes):
        settings = self.settings(member, **changes)
        place = Path(settings.state_file).parent
        layout = Layout("etcd", "root", "root", str(place), "", "", "", "", "")
        Path(layout.snapshot_config).write_text(settings.to_json())
        return layout, settings.directory

    def look(self, member, **changes):
        return on_request.observe(*self.layout(member, **changes))

    def save(self, member, run=no_command, check=False, **changes):
        return on_request.save(*self.layout(member, **changes), run, check)

    def best(self):
        """The members that can save, the one that suits best first."""
        looks = {one.name: self.look(one) for one in self.cluster.members}
        return sorted((name for name, look in looks.items() if "rank" in look), key=lambda name: looks[name]["rank"])


@pytest.fixture
def started(tmp_path):
    """Starts a cluster of so many members, of which the first leads."""
    clusters = []

    def start(size, **options):
        clusters.append(Cluster(tmp_path, DEFAULT_VERSION, size, **options))
        found = Requests(tmp_path, clusters[-1].start())
        found.cluster.lead(found.cluster.members[0])
        with found.cluster.client() as client:
            client.put("key", "value")
        return found

    yield start
    for cluster in clusters:
        cluster.stop()


class TestOfThree:
    def test_a_follower_is_chosen_before_the_leader_and_nobody_who_is_down(self, started):
        hosts = started(3)
        leader, second, third = hosts.cluster.members
        assert hosts.best()[-1] == leader.name
        assert {hosts.look(one)["role"] for one in (second, third)} == {"a follower"}
        hosts.cluster.end(second)
        assert hosts.best() == [third.name, leader.name]
        assert "connection refused" in hosts.look(second)["problem"]

    def test_a_member_without_a_quorum_saves_what_it_has_and_says_so(self, started):
        hosts = started(3)
        leader, second, third = hosts.cluster.members
        hosts.cluster.end(leader)
        hosts.cluster.end(second)
        assert "The last writes may be missing" in hosts.look(third)["note"]
        hosts.save(third)
        assert len(hosts.kept(third)) == 1

    def test_a_lock_of_the_cluster_does_not_matter(self, started):
        hosts = started(3)
        with hosts.cluster.client() as client:
            client.put("/quorum.etcd/turn", "another run")
        assert hosts.save(hosts.cluster.members[1])["manifest"]["key_count"] == 2


class TestOfOne:
    @pytest.fixture
    def one(self, started):
        return started(1)

    @pytest.fixture
    def member(self, one):
        return one.cluster.members[0]

    def test_it_is_saved_as_the_timer_saves_its_own(self, one, member):
        saved = one.save(member)
        (kept,) = one.kept(member)
        assert (saved["path"], saved["manifest"]) == (kept.path, kept.manifest.to_dict())
        assert one.state(member)["outcome"] == snapshot_agent.SAVED
        assert one.metrics(member)["etcd_snapshot_newest_revision"] == kept.manifest.revision

    def test_no_more_are_kept_than_the_timer_keeps(self, one, member):
        first = one.save(member, keep=2)["path"]
        one.save(member, keep=2)
        assert one.save(member, keep=2)["deleted"] == [first]
        assert len(one.kept(member)) == 2

    def test_check_mode_touches_nothing(self, one, member):
        for said in (one.look(member), one.save(member, check=True)):
            assert said["path"].startswith(one.settings(member).directory)
            assert said["manifest"]["revision"] == 2
        assert not Path(one.settings(member).directory).exists()
        assert not Path(one.settings(member).state_file).exists()

    def test_the_command_gets_it_too(self, one, member):
        called = []

        def run(arguments):
            called.append(arguments)
            return Result(0, "", "")

        path = one.save(member, run, after_command=("/bin/upload", "--quiet"))["path"]
        assert called == [["/bin/upload", "--quiet", path]]

    def test_a_command_that_fails_is_quoted_and_the_metrics_say_so(self, one, member):
        with pytest.raises(HostError, match=r"ended with status 3\. The snapshot .* stays\. It said: no bucket"):
            one.save(member, lambda _arguments: Result(3, "", "no bucket\n"), after_command=("/bin/upload",))
        assert one.metrics(member)["etcd_snapshot_last_try_success"] == 0
        assert len(one.kept(member)) == 1

    def test_what_another_saver_is_writing_stays(self, one, member):
        directory = Path(one.settings(member).directory)
        directory.mkdir()
        other = directory / ".prod-8e9e05c52164694d-1.part"
        with other.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            one.save(member)
        assert other.exists()
        assert len(one.kept(member)) == 1

    def test_another_directory_in_the_inventory_is_refused_and_the_advice_taken(self, one, member):
        layout, directory = one.layout(member)
        assert "etcd_snapshot_dir says /backup" in on_request.observe(layout, "/backup")["problem"]
        with pytest.raises(Refused) as refused:
            on_request.save(layout, "/backup", no_command, False)
        _before, _option, advised = refused.value.remedy.partition("-e etcd_snapshot_dir=")
        assert advised == directory
        assert on_request.save(layout, f"{advised}/", no_command, False)["path"].startswith(directory)

    def test_a_host_without_the_timers_settings_says_what_writes_them(self, tmp_path):
        layout = Layout("etcd", "root", "root", str(tmp_path), "", "", "", "", "")
        problem = on_request.observe(layout, "/backup")["problem"]
        assert f"{tmp_path}/etcd-snapshot.json cannot be read" in problem
        assert "Run the playbook" in problem

    def test_a_full_disk_is_a_problem_of_this_host_only(self, one, member, monkeypatch):
        monkeypatch.setattr(agent.saving.disk_space, "free", lambda _path: 0)
        assert "has 0 MiB free" in one.look(member)["problem"]


class TestWhereAuthenticationIsOn:
    def test_the_certificate_of_the_administrator_will_do(self, tmp_path, started):
        hosts = started(1, tls=Tls.make(tmp_path))
        (member,) = hosts.cluster.members
        with hosts.cluster.client() as client:
            switch_authentication_on(client, "root", "secret:word")
        assert hosts.look(member)["rank"]
        assert hosts.save(member)["manifest"]["sha256"]

    def test_a_user_and_a_password_will_do(self, tmp_path, started):
        hosts = started(1)
        (member,) = hosts.cluster.members
        with hosts.cluster.client() as client:
            switch_authentication_on(client, "root", "secret:word")
        user = tmp_path / "user"
        user.touch(0o600)
        user.write_text("root:secret:word\n")
        assert "user name is empty" in hosts.look(member)["problem"]
        assert hosts.save(member, user_file=str(user))["manifest"]["sha256"]
