# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that are kept, as the role's action writes them and is held to them."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from inventory_of import bare, observation, seeing, serving, silent, stopped, three
from role_task import Task


def run(hosts, here="etcd-host0", cluster="etcd_cluster", check=False, goal="cluster", **options):
    names = [host.name for host in hosts]
    told = {name: {"__etcd_seen": {"results": [observation(host)]}} for name, host in zip(names, hosts)}
    task = Task(ActionModule, check=check)
    return task.run(
        {"inventory_hostname": here, "hostvars": told},
        goal=goal,
        cluster=cluster,
        members=names,
        batch=names,
        **options,
    )


def due():
    """Three members in service with a file that is missing on each."""
    return [without_a_file(serving(host)) for host in three()]


def without_a_file(host):
    return seeing(host, files={host.wanted.layout.snapshot_unit_file: {"exists": False, "sha256": ""}})


@pytest.fixture
def file(tmp_path):
    return tmp_path / "plan.json"


@pytest.fixture
def kept(file):
    """The file, with the plan of C(due())."""
    assert run(due(), check=True, plan_file=str(file))["refusal"] == ""
    return file


def codes(result):
    return [one["code"] for one in result["ansible_facts"]["etcd_refusals"]]


class TestKeeping:
    def test_writes_a_file_for_its_owner_alone(self, kept):
        assert kept.stat().st_mode & 0o7777 == 0o600
        assert [path.name for path in kept.parent.iterdir()] == [kept.name]

    def test_writes_what_a_person_and_a_program_can_read(self, kept):
        told = json.loads(kept.read_text())
        assert told["schema"] == 2
        found = told["clusters"]["etcd_cluster"]
        assert found["made"].endswith(" UTC")
        assert found["collection"] != "unknown"
        assert [step["host"] for step in found["steps"]] == ["etcd-host1", "etcd-host2", "etcd-host0"]
        assert all(step["title"].startswith(f"{step['host']}: no restart") for step in found["steps"])

    def test_says_the_id_and_how_it_is_carried_out(self, file):
        result = run(due(), check=True, plan_file=str(file))
        found = json.loads(file.read_text())["clusters"]["etcd_cluster"]
        assert f"note: plan {found['id']} is kept in {file}; carry it out with -e etcd_plan={file}" in result["text"]

    def test_is_alike_on_every_host(self, file):
        texts = {run(due(), here=f"etcd-host{at}", check=True, plan_file=str(file))["text"] for at in range(3)}
        assert len(texts) == 1

    def test_leaves_the_plans_of_other_clusters(self, kept):
        run(due(), check=True, cluster="another", plan_file=str(kept))
        assert set(json.loads(kept.read_text())["clusters"]) == {"etcd_cluster", "another"}

    def test_of_clusters_that_are_planned_at_once_loses_none(self, file):
        names = [f"cluster-{at}" for at in range(8)]
        hosts = due()
        with ThreadPoolExecutor(len(names)) as at_once:
            list(at_once.map(lambda name: run(hosts, cluster=name, check=True, plan_file=str(file)), names))
        assert sorted(json.loads(file.read_text())["clusters"]) == names

    def test_of_what_is_refused_leaves_no_former_plan(self, kept):
        assert run([silent(host) for host in due()], here="etcd-host0", check=True, plan_file=str(kept))["refusal"]
        assert json.loads(kept.read_text())["clusters"] == {}

    def test_is_refused_where_something_else_lies(self, file):
        file.write_text("[defaults]\n")
        file.chmod(0o600)
        result = run(due(), check=True, plan_file=str(file))
        assert codes(result) == ["plan-file-unusable"]
        assert file.read_text() == "[defaults]\n"

    def test_is_refused_without_a_directory(self, file):
        result = run(due(), check=True, plan_file=str(file / "below"))
        assert "its directory cannot be used: No such file or directory." in result["refusal"]

    def test_is_refused_for_an_upgrade_that_follows_on_other_steps(self, file):
        hosts = [seeing(serving(bare(at, etcd_version="3.7.1")), cluster_version="3.6.0") for at in range(3)]
        hosts[2] = stopped(bare(2, etcd_version="3.7.1"))
        assert codes(run(hosts, check=True, plan_file=str(file))) == ["plan-incomplete"]
        assert not file.exists()


class TestCarryingOut:
    def test_says_how_much_is_left(self, kept):
        hosts = due()
        hosts[1] = serving(bare(1))
        result = run(hosts, approved=str(kept))
        assert result["refusal"] == ""
        assert result["walked"] == 2
        assert "2 of its 3 steps are left" in result["text"]

    def test_has_nothing_to_do_once_all_is_done(self, kept):
        result = run([serving(host) for host in three()], approved=str(kept))
        assert "nothing to do" in result["text"]
        assert (result["refusal"], result["walked"]) == ("", 0)

    def test_refuses_anything_more(self, kept):
        hosts = due()
        conf = hosts[0].wanted.layout.conf_file
        hosts[0] = seeing(hosts[0], files={conf: {"sha256": "edited"}})
        result = run(hosts, approved=str(kept))
        assert result["refusal"].startswith("etcd_cluster: refused, nothing was touched.\n")
        assert codes(result) == ["plan-changed"]

    def test_is_verified_as_ever(self, kept):
        assert run([serving(host) for host in three()], approved=str(kept), verify=True)["refusal"] == ""
        assert "not all is done" in run(due(), approved=str(kept), verify=True)["refusal"]

    def test_is_rehearsed_in_check_mode(self, kept):
        assert run(due(), check=True, approved=str(kept))["refusal"] == ""

    def test_holds_what_follows_on_other_steps_to_the_plan_too(self, kept):
        hosts = [seeing(serving(bare(at, etcd_version="3.7.1")), cluster_version="3.6.0") for at in range(3)]
        assert codes(run(hosts, approved=str(kept), verify=True)) == ["plan-changed"]

    def test_is_refused_for_a_cluster_that_the_file_does_not_have(self, kept):
        result = run(due(), cluster="another", approved=str(kept))
        assert codes(result) == ["plan-of-another-cluster"]
        assert "It has those of: etcd_cluster." in result["refusal"]

    def test_is_refused_once_it_is_too_old(self, kept, monkeypatch):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
        assert codes(run(due(), approved=str(kept))) == ["plan-expired"]
        assert run(due(), approved=str(kept), plan_max_age="48h")["refusal"] == ""
        assert run([serving(host) for host in three()], approved=str(kept), verify=True)["refusal"] == ""

    def test_is_not_too_old_for_a_cluster_whose_turn_comes_late_in_a_run(self, kept, monkeypatch):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
        assert run(due(), approved=str(kept), begun=True)["refusal"] == ""

    def test_is_refused_with_an_age_that_is_none(self, kept):
        assert "etcd_plan_max_age is 'a day'" in run(due(), approved=str(kept), plan_max_age="a day")["refusal"]


class TestAFile:
    def refused(self, path):
        result = run(due(), approved=str(path))
        assert codes(result) == ["plan-file-unusable"]
        return result["refusal"]

    def test_that_is_missing_is_refused(self, file):
        assert "cannot be read: No such file or directory." in self.refused(file)

    def test_that_is_a_directory_is_refused(self, tmp_path):
        assert "is no file." in self.refused(tmp_path)

    def test_that_is_a_pipe_is_refused_and_not_waited_for(self, file):
        os.mkfifo(file, 0o600)
        assert "is no file." in self.refused(file)

    def test_that_is_no_json_is_refused(self, file):
        file.write_text("etcd_cluster:\n")
        file.chmod(0o600)
        assert "is not JSON." in self.refused(file)

    def test_of_another_schema_is_refused(self, kept):
        kept.write_text(kept.read_text().replace('"schema": 2', '"schema": 1'))
        assert "has the schema 1, and this release reads 2." in self.refused(kept)

    def test_of_something_else_is_refused(self, kept):
        kept.write_text("[]")
        assert "holds something else." in self.refused(kept)

    def test_that_was_edited_is_refused(self, kept):
        kept.write_text(kept.read_text().replace("etcd-host1: no restart", "etcd-host1: nothing"))
        assert "is not as it was written: it was edited." in self.refused(kept)

    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_that_others_can_write_is_refused(self, kept, mode):
        kept.chmod(mode)
        assert f"chmod 600 {kept}" in self.refused(kept)

    def test_of_somebody_else_is_refused(self, kept, monkeypatch):
        """Its owner can give it any mode, and any text."""
        monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
        if kept.stat().st_uid == 0:
            os.chown(kept, 4321, -1)
        found = self.refused(kept)
        assert "so that somebody else can write it" in found
        assert f"chown {os.geteuid()} {kept}" in found

    def test_of_root_is_taken(self, kept, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
        owner = kept.stat().st_uid
        found = run(due(), approved=str(kept))["refusal"]
        assert found == "" if owner == 0 else "somebody else" in found

    def test_that_others_can_read_is_taken_for_it_has_no_secrets(self, kept):
        kept.chmod(0o644)
        assert run(due(), approved=str(kept))["refusal"] == ""


class TestOptions:
    def test_keep_nothing_of_a_run_that_is_carried_out(self, file):
        assert "Add --check" in run(due(), plan_file=str(file))["refusal"]
        assert not file.exists()

    def test_are_one_of_two(self, kept):
        assert "and not both" in run(due(), check=True, plan_file=str(kept), approved=str(kept))["refusal"]

    @pytest.mark.parametrize("goal", ["restore", "recovery", "reclaim", "destroy"])
    @pytest.mark.parametrize("option", ["plan_file", "approved"])
    def test_are_for_no_other_playbook(self, goal, option, kept):
        result = run(due(), check=True, goal=goal, **{option: str(kept)})
        assert "are for playbooks/etcd.yml only" in result["refusal"]
