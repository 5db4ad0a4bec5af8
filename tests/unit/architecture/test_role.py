# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's shape, which several traps of Ansible depend on: docs/architecture.md."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    act_kinds,
    acts,
    downgrade_acts,
    maintenance_acts,
    releases,
    upgrade_acts,
    v2_acts,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV2, DiscoveryV3, Srv
from ansible_collections.quorum.etcd.plugins.module_utils._model.destroy_acts import OfDestruction
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.reclaim_acts import Compact, Defragment, Disarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_acts import OfRecovery
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import OfRestore, Save, Undo
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import render, trust_as_template
from inventory_of import absent, bare, logged, saying, seeing, serving, stopped, three

REPOSITORY = Path(__file__).resolve().parents[3]
ROLE = REPOSITORY / "roles" / "etcd"
TASKS = sorted((ROLE / "tasks").glob("*.yml"))


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


DEFAULTS = read("defaults/main.yml")
INTERNAL = read("vars/main.yml")
SPECS = read("meta/argument_specs.yml")["argument_specs"]
OPTIONS = {name: option for spec in SPECS.values() for name, option in spec["options"].items()}

#: Of the inventory, not of the role.
GIVEN = {"NODE_NAME", "ETCD_NODES", "ansible_host"}


def tasks_in(blocks):
    for task in blocks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_in(task.get(part, []))


def tasks(path):
    return list(tasks_in(yaml.safe_load(path.read_text())))


def values(node):
    """Every text in a YAML value."""
    if isinstance(node, dict):
        for value in node.values():
            yield from values(value)
    elif isinstance(node, list):
        for value in node:
            yield from values(value)
    elif isinstance(node, str):
        yield node


def variables_in(text):
    return set(re.findall(r"(?<![A-Za-z0-9_.'])(?:__)?etcd_[a-z0-9_]+\b", text))


def expressions(node):
    return "\n".join(found for text in values(node) for found in re.findall(r"\{\{.*?\}\}", text, re.DOTALL))


def follow(task):
    """The task files that a task includes."""
    given = task.get("ansible.builtin.include_tasks", task.get("ansible.builtin.import_tasks"))
    if given is None:
        return set()
    file = given["file"] if isinstance(given, dict) else given
    if "__etcd_plan.steps" in file:
        # The operator's, or the role's own that an entry point names.
        return set()
    if "{{" not in file:
        return {file.removesuffix(".yml")}
    return set(re.findall(r"'(\w+)'", file)) or planned_kinds()


def what_is_read(entry):
    """The variables of the role that an entry point, all that it includes, and what those name, make use of."""
    files, waiting, found = set(), {entry}, set()
    while waiting:
        at = waiting.pop()
        files.add(at)
        for task in tasks(ROLE / "tasks" / f"{at}.yml"):
            waiting |= (follow(task) | set(re.findall(r"'/tasks/(\w+)\.yml'", "\n".join(values(task))))) - files
            bare = [task.get("when"), task.get("ansible.builtin.assert", {}).get("that")]
            found |= variables_in(expressions(task)) | variables_in("\n".join(values(bare)))
    unseen = set(found)
    while unseen:
        name = unseen.pop()
        more = variables_in(expressions(DEFAULTS.get(name, INTERNAL.get(name)))) - found
        found |= more
        unseen |= more
    return found & set(DEFAULTS)


#: What the ordinary run alone applies. Entry points that take all of its variables take these and leave them alone.
APPLIED_LAST = {"etcd_roles", "etcd_users", "etcd_auth", "etcd_access_purge"}


class TestEntryPoints:
    """Ansible checks what an entry point declares before the first task of it."""

    def test_are_what_the_playbooks_run(self):
        named = re.compile(r"tasks_from: (\w+)")
        used = {found for path in (REPOSITORY / "playbooks").glob("*.yml") for found in named.findall(path.read_text())}
        assert set(SPECS) == {"main", *used}

    @pytest.mark.parametrize("entry", SPECS)
    def test_declare_what_they_read_and_nothing_else(self, entry):
        shared = APPLIED_LAST if SPECS["main"]["options"].keys() <= SPECS[entry]["options"].keys() else set()
        assert set(SPECS[entry]["options"]) - shared == what_is_read(entry) - shared

    @pytest.mark.parametrize("entry", SPECS)
    def test_say_of_a_variable_what_the_others_say(self, entry):
        for name, option in SPECS[entry]["options"].items():
            assert option == OPTIONS[name], name

    @pytest.mark.parametrize("entry", SPECS)
    def test_say_at_last_whether_tags_have_selected_the_rest(self, entry):
        *others, last = tasks(ROLE / "tasks" / f"{entry}.yml")
        assert ("quorum.etcd.etcd_internal_tags" in last, last["tags"]) == (True, "always")
        assert not [task for task in others if "tags" in task]

    @pytest.mark.parametrize("entry", SPECS)
    def test_are_described(self, entry):
        assert SPECS[entry]["short_description"]
        assert SPECS[entry]["description"]


class TestVariables:
    def test_have_a_default_and_a_specification_each(self):
        assert set(DEFAULTS) == set(OPTIONS)

    def test_have_the_same_default_in_both(self):
        for name, default in DEFAULTS.items():
            assert OPTIONS[name].get("default") == default, name

    def test_are_described(self):
        for name, option in OPTIONS.items():
            assert option["description"], name
            assert option["type"], name

    def test_are_named_after_the_role_and_internal_ones_are_marked(self):
        assert [name for name in DEFAULTS if not name.startswith("etcd_")] == []
        assert [name for name in INTERNAL if not name.startswith("__etcd_")] == []

    @pytest.mark.parametrize(
        "inventory, place", [("127.0.0.1,", ""), ("hosts", "{here}/etcd-{kind}/etcd_cluster")], ids=["given", "a file"]
    )
    def test_lie_beside_the_inventory_or_nowhere(self, tmp_path, inventory, place):
        """Never in the installed collection, nor in a directory None below the current one."""
        (tmp_path / "hosts").write_text("127.0.0.1\n")
        names = {"pki": "etcd_pki_dir", "snapshots": "etcd_snapshot_fetch_dir"}
        shown = {"hosts": "all", "gather_facts": False, "connection": "local"}
        shown["vars_files"] = [str(ROLE / "defaults" / "main.yml"), str(ROLE / "vars" / "main.yml")]
        shown["tasks"] = [{"debug": {"msg": " ".join(f"{kind}=<{{{{ {name} }}}}>" for kind, name in names.items())}}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump([shown]))
        command = [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, "play.yml"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        wanted = " ".join(f"{kind}=<{place.format(here=tmp_path, kind=kind)}>" for kind in names)
        assert f'"msg": "{wanted}"' in done.stdout, done.stdout + done.stderr

    def test_that_are_used_are_there(self):
        files = [*TASKS, ROLE / "vars" / "main.yml", ROLE / "defaults" / "main.yml"]
        texts = "\n".join(text for path in files for text in values(yaml.safe_load(path.read_text())))
        conditions = [text for path in TASKS for task in tasks(path) for text in values({"when": task.get("when")})]
        expressions = "\n".join([*re.findall(r"\{\{.*?\}\}", texts, re.DOTALL), *conditions])
        assert set(re.findall(r"(?<![A-Za-z0-9_.'])etcd_[a-z0-9_]+\b", expressions)) - set(DEFAULTS) == set()

    def test_that_are_internal_are_set_somewhere(self):
        added = yaml.safe_load((REPOSITORY / "playbooks" / "tasks" / "members.yml").read_text())
        set_here = set(INTERNAL).union(*(task.get("ansible.builtin.add_host", {}) for task in added))
        used = set(re.findall(r"__etcd_[a-z0-9_]+", "\n".join(values(INTERNAL))))
        for path in TASKS:
            used |= set(re.findall(r"__etcd_[a-z0-9_]+", "\n".join(values(yaml.safe_load(path.read_text())))))
            for task in tasks(path):
                named = {task.get("register"), task.get("loop_control", {}).get("loop_var")}
                set_here |= set(task.get("vars", {})) | named
        assert used - set_here == set()

    def test_that_nobody_uses_are_not_there(self):
        text = "\n".join(path.read_text() for path in [*TASKS, ROLE / "vars" / "main.yml"])
        text += (REPOSITORY / "playbooks" / "etcd.yml").read_text()
        unused = {name for name in DEFAULTS if not re.search(rf"(?<![A-Za-z0-9_]){name}\b", text)}
        # It exists so that other ways can be added under it.
        assert unused <= {"etcd_install_method"}

    def test_of_the_inventory_reach_the_engine(self):
        variables = re.search(r"'variables': \{([^}]*)\}", INTERNAL["__etcd_inputs"])[1]
        assert set(re.findall(r"'(\w+)':", variables)) - set(DEFAULTS) == GIVEN

    def test_name_the_version_and_the_place_that_the_engine_knows(self):
        assert DEFAULTS["etcd_download_url"] == releases.UPSTREAM
        assert f"V({releases.DEFAULT_VERSION})" in str(OPTIONS["etcd_version"]["description"])


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.name)
class TestTasks:
    def test_run_on_every_host(self, path):
        """One cluster's refusal under run_once would end every cluster's run. What cannot fail is done once."""
        once = [task for task in tasks(path) if "run_once" in task]
        assert [task for task in once if "quorum.etcd.etcd_internal_tags" not in task] == []

    def test_never_pass_over_an_error(self, path):
        for word in ("ignore_errors", "failed_when: false", "set_fact"):
            assert word not in path.read_text()

    def test_are_included_by_names_that_are_fixed(self, path):
        """Before 2.19 Ansible does not find what a file imports whose name is a variable's."""
        files = [task.get("ansible.builtin.include_tasks") for task in tasks(path)]
        named = [file["file"] if isinstance(file, dict) else file for file in files if file]
        # Those of an operator are his own.
        assert [name for name in named if "{{" in name and "steps[__etcd_wave].file" not in name] == []

    def test_call_modules_by_their_full_names_and_no_shell(self, path):
        keywords = {"name", "vars", "when", "loop", "loop_control", "register", "delegate_to", "environment", "timeout"}
        keywords |= {
            "any_errors_fatal",
            "ignore_unreachable",
            "block",
            "rescue",
            "always",
            "no_log",
            "become",
            "tags",
            "check_mode",
            "run_once",
            "changed_when",
            "failed_when",
        }
        for task in tasks(path):
            called = set(task) - keywords
            assert all(name.startswith(("ansible.builtin.", "quorum.etcd.")) for name in called), called
            if path.stem != "patch":
                # No module asks dnf whether a reboot is due.
                assert not called & {"ansible.builtin.shell", "ansible.builtin.command", "ansible.builtin.raw"}

    def test_guard_no_block_that_has_a_rescue(self, path):
        assert not [task for task in tasks(path) if "rescue" in task and "when" in task]

    def test_label_no_wave(self, path):
        """A label is templated before the wave's gate, and fails for hosts that have no step."""
        assert not [task for task in tasks(path) if "label" in task.get("loop_control", {})]

    def test_are_named(self, path):
        assert not [task for task in tasks(path) if not task.get("name")]


#: They ask no host.
DECIDING = {
    "etcd_internal_choose",
    "etcd_internal_plan",
    "etcd_internal_fenced",
    "etcd_internal_fleet",
    "etcd_internal_tags",
}
#: How long one question to a host may take is written where it is asked.
ASKING = {"etcd_internal_observe", "etcd_snapshot_newest"}
#: It watches for as long as a variable says.
WATCHING = {"etcd_internal_soak"}
#: Whoever waits for a member may wait for the whole snapshot of its leader, or has a database to read or to move.
WITH_DATA = {
    "etcd_compaction",
    "etcd_defrag",
    "etcd_internal_recovery",
    "etcd_internal_restore",
    "etcd_snapshot",
    "etcd_snapshot_drill",
    "etcd_internal_snapshot_now",
}


class TestAHostThatHangs:
    """Its connection stays, and nothing but a task's own timeout ends the wait."""

    @staticmethod
    def seconds(timeout, start_timeout, is_long, soak=300):
        known = {name: trust_as_template(str(INTERNAL[name])) for name in INTERNAL if name.endswith("_timeout")}
        told = {"__etcd_step": {"is_long": is_long}, "etcd_start_timeout": start_timeout, "etcd_soak": soak}
        return int(render(DataLoader(), timeout, {**known, **told}))

    @pytest.mark.parametrize("path", TASKS, ids=[path.stem for path in TASKS])
    @pytest.mark.parametrize("is_long", [True, False])
    def test_ends_no_run(self, path, is_long):
        for task in tasks(path):
            called = [name.rpartition(".")[2] for name in task if name.startswith("quorum.etcd.")]
            if not called or called[0] in DECIDING:
                continue
            timeout = str(task["timeout"])
            if called[0] in ASKING or task["timeout"] in (60, 120, 600):
                assert 0 < self.seconds(timeout, 120, is_long) <= 600
                continue
            if called[0] in WATCHING:
                for soak in (0, 86400):
                    # Three bad samples of a cluster that does not answer come on top of it.
                    assert soak + 600 < self.seconds(timeout, 120, is_long, soak)
                continue
            waits = called[0] in WITH_DATA or (called[0] == "etcd_internal_step" and is_long)
            for start_timeout in (30, 120, 3600):
                longest = cluster_lock.WAIT + host_files.LOCK_WAIT + 4 * start_timeout
                assert self.seconds(timeout, start_timeout, is_long) > longest + 3600 * waits, task["name"]

    def test_ends_no_step_that_may_wait_for_a_whole_database(self):
        waiting = {acts.Install, acts.Await, acts.Join, acts.Update, acts.RollBack, Compact, Defragment}
        waiting |= (
            RESTORING
            | RECOVERING
            | set(upgrade_acts.KINDS)
            | set(v2_acts.KINDS)
            | {downgrade_acts.SaveBefore, maintenance_acts.Undrain}
        )
        assert {act for act in act_kinds.KINDS.values() if act.is_long} == waiting


#: Those of a restore: what test_restore_waves holds.
RESTORING = {one for one in act_kinds.KINDS.values() if issubclass(one, (OfRestore, Save, Undo))}
RECOVERING = {one for one in act_kinds.KINDS.values() if issubclass(one, OfRecovery)}
DESTROYING = {one for one in act_kinds.KINDS.values() if issubclass(one, OfDestruction)}
#: No ordinary run plans them.
OF_OTHER_GOALS = RESTORING | RECOVERING | DESTROYING | {Compact, Defragment, Disarm}
OF_OTHER_GOALS |= {*downgrade_acts.KINDS, *maintenance_acts.KINDS, *v2_acts.KINDS}


def planned_kinds():
    """The kinds of all steps that a plan can have."""
    founding = [replace(host, authorities=Authorities("/pki", missing=("client", "peer"))) for host in three(tls=True)]
    sources = (
        DiscoveryV3(endpoints=("http://10.0.0.9:2379",)),
        DiscoveryV2(url="https://example.com/new"),
        Srv(domain="example.com"),
    )
    learning = [
        [replace(host, wanted=replace(host.wanted, bootstrap=source)) for host in three()] for source in sources
    ]
    return {step.kind for hosts in (founding, *learning, *changing()) for step in cluster_plan.plan(hosts).steps}


def changing():
    """Hosts whose plans have, together, a step of every kind beside those of a first start."""
    well = [serving(host) for host in three()]
    debug = replace(well[0], wanted=bare(etcd_settings={"log-level": "debug"}).wanted)
    interrupted = seeing(stopped(bare(2)), previous=True)
    moved = saying(seeing(stopped(bare(2)), marker={"mounts": ["/data"]}), accept_mounts=("etcd-host2",))
    return [
        [stopped(host) for host in three()],
        [*well, bare(3)],
        [*well[:2], absent(well[2])],
        [*well[:2], bare(2)],
        [*well[:2], logged(bare(2))],
        [debug, *well[1:]],
        [*well[:2], interrupted],
        [*well[:2], moved],
        [serving(bare(at, etcd_version="3.7.1")) for at in range(3)],
    ]


def test_each_kind_of_step_is_planned():
    assert planned_kinds() | {"forget", *(one.kind for one in OF_OTHER_GOALS)} == set(act_kinds.KINDS)


def test_one_file_does_the_steps_and_the_rest_is_the_roles_own():
    assert {path.stem for path in TASKS} == {
        "main",
        "look",
        "walk",
        "verify",
        "wave",
        "step",
        "destroy",
        "offsite",
        "drill",
        "rollback",
        "restoration",
        "restored",
        "restoring",
        "v2_migration",
        "downgrade",
        "maintenance",
        "drain",
        "undrain",
        "tended",
        "patch",
        "reclaim",
        "recovery",
        "act",
        "carry_out",
        "report",
        "fleet",
        "turn",
        "change",
        "remains",
        "whole_cluster",
        "part",
        "snapshot",
        "fetch",
        "allow",
        "access",
    }


def test_a_step_gets_what_its_tasks_ask_for():
    """A plan's steps carry what the tasks read of C(__etcd_step); only some are reported to by other members."""
    text = "".join((ROLE / "tasks" / name).read_text() for name in ("wave.yml", "step.yml", "report.yml"))
    read = set(re.findall(r"__etcd_step\.([a-z_]+)", text))
    for hosts in (three(), *changing()):
        plan = cluster_plan.plan(hosts)
        for step in [one for host in hosts for one in plan.part_of(host.name) if one]:
            assert read - {"nonce", "witnesses"} <= set(step)
            assert ("nonce" in step) == ("witnesses" in step)


def test_each_layout_option_reaches_the_modules():
    assert set(re.findall(r"'(\w+)':", INTERNAL["__etcd_layout"])) == set(bare().wanted.layout.to_dict())
