# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written for people is what the code does."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.quorum.etcd.plugins.doc_fragments.connection import ModuleDocFragment as ConnectionDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.content import ModuleDocFragment as ContentDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.joining import ModuleDocFragment as JoiningDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.layout import ModuleDocFragment as LayoutDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.membership import ModuleDocFragment as MembershipDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.pki import ModuleDocFragment as PkiDocs
from ansible_collections.quorum.etcd.plugins.doc_fragments.update import ModuleDocFragment as UpdateDocs
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._module import run as frame
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import (
    CONTENT,
    JOINING,
    LAYOUT,
    MEMBERSHIP,
    PRESUMED,
    UPDATE,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import KEY_OPTIONS, PKI_DIR_OPTIONS

REPOSITORY = Path(__file__).resolve().parents[3]
COLLECTION = "ansible_collections.quorum.etcd.plugins"
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))
FILTERS = sorted(path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.py"))
INTERNAL = [name for name in MODULES if name.startswith("etcd_internal_")]
PAGES = [
    *sorted(REPOSITORY.glob("README*.md")),
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
RUNTIME = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text())
#: The variables of all roles.
DEFAULTS = {
    name for path in (REPOSITORY / "roles").glob("*/defaults/main.yml") for name in yaml.safe_load(path.read_text())
}

#: Variables of a playbook without the role.
PLAYGROUND = set(re.findall(r"\betcd_playground\w*", (REPOSITORY / "playbooks" / "local.yml").read_text()))

#: What members say of their snapshots to Prometheus.
METRICS = set(
    re.findall(
        r"^(etcd_[a-z_]+)\{",
        snapshot_agent.metrics(
            "", snapshot_agent.Try("", snapshot_agent.SAVED, ""), snapshot_agent.NewestSnapshot("", "", 0, 0), 0.0
        ),
        re.MULTILINE,
    )
)

#: What a run leaves for tasks of others.
FACTS = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.etcd_internal_plan").RETURN)["ansible_facts"][
    "contains"
]

#: etcd's own, that the pages on monitoring and on proxies name.
ETCDS_METRICS = {
    "etcd_debugging_mvcc_watcher_total",
    "etcd_grpc_proxy_watchers_coalescing_total",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_mvcc_db_total_size_in_bytes",
    "etcd_server_has_leader",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_quota_backend_bytes",
}

#: As examples of what is refused.
MISSPELT = {"etcd_setings", "etcd_verison"}

#: Where actions are at home that are in no role.
HOMES = {
    "etcd_internal_groups": "playbooks/_groups.yml",
    "etcd_internal_members": "playbooks/tasks/members.yml",
}

TOLD = ("type", "elements", "required", "default", "choices", "aliases")


def load(kind, name):
    return importlib.import_module(f"{COLLECTION}.{kind}.{name}")


def fragment_part(name, part):
    """The C(options) or C(attributes) of a doc fragment as a module extends it: C(quorum.etcd.NAME[.SECTION])."""
    _namespace, _collection, file, *section = name.split(".")
    text = getattr(load("doc_fragments", file).ModuleDocFragment, (section or ["DOCUMENTATION"])[0].upper())
    return yaml.safe_load(text).get(part, {})


def documented(name):
    document = yaml.safe_load(load("modules", name).DOCUMENTATION)
    found = {}
    parts = [fragment_part(fragment, "options") for fragment in document["extends_documentation_fragment"]]
    for options in (*parts, document.get("options", {})):
        for option, said in options.items():
            # What a module says of an option goes before what a fragment says, as ansible-doc has it.
            found[option] = {**found.get(option, {}), **said}
    return found


class Taken(Exception):
    """Carries the argument spec out of whoever was about to use it."""


def taken(name, monkeypatch):
    """The argument spec of a module, or of the action that stands in for it."""

    def carry(argument_spec, **_others):
        raise Taken(argument_spec)

    module = load("modules", name)
    if hasattr(module, "main"):
        monkeypatch.setattr(frame, "AnsibleModule", carry)
        run = module.main
    else:
        task = SimpleNamespace(
            args={},
            check_mode=False,
            async_val=0,
            action=name,
            get_play=lambda: SimpleNamespace(strategy="linear"),
            get_path=lambda: f"/collection/{HOMES.get(name, '')}:14",
            _role=SimpleNamespace(get_name=lambda: load("action", name).ActionModule._home),
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action = load("action", name).ActionModule(task, connection, None, DataLoader(), None, None)
        monkeypatch.setattr(action, "validate_argument_spec", carry)
        run = action.run
    with pytest.raises(Taken) as caught:
        run()
    return caught.value.args[0]


def told(options):
    """What documentation and argument spec both say of options, in one shape."""
    found = {}
    for name, option in options.items():
        said = {key: option[key] for key in TOLD if option.get(key) not in (None, False)}
        said.setdefault("type", "str")
        inner = option.get("options") or option.get("suboptions")
        found[name] = {**said, "options": told(inner)} if inner else said
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_takes_exactly_the_options_that_are_documented(name, monkeypatch):
    assert told(taken(name, monkeypatch)) == told(documented(name))


@pytest.mark.parametrize(
    "text, options",
    [
        (ConnectionDocs.DOCUMENTATION, connection_spec()),
        (LayoutDocs.DOCUMENTATION, LAYOUT),
        (ContentDocs.DOCUMENTATION, CONTENT),
        (MembershipDocs.DOCUMENTATION, {name: MEMBERSHIP[name] for name in MEMBERSHIP if name not in PRESUMED}),
        (MembershipDocs.PRESUMED, PRESUMED),
        (JoiningDocs.DOCUMENTATION, JOINING),
        (UpdateDocs.DOCUMENTATION, UPDATE),
        (PkiDocs.DOCUMENTATION, PKI_DIR_OPTIONS),
        (PkiDocs.KEY, KEY_OPTIONS),
    ],
    ids=[
        *("connection", "layout", "content", "membership", "membership.presumed", "joining", "update"),
        *("pki", "pki.key"),
    ],
)
def test_a_doc_fragment_is_the_twin_of_the_options_it_documents(text, options):
    assert told(yaml.safe_load(text)["options"]) == told(options)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documented_like_the_others(name):
    module = load("modules", name)
    document = yaml.safe_load(module.DOCUMENTATION)
    assert document["module"] == name
    assert document["author"] == ["The quorum.etcd developers (@quorum-etcd)"]
    assert document["version_added"]
    supported = dict(document.get("attributes", {}))
    for fragment in document["extends_documentation_fragment"]:
        supported.update(fragment_part(fragment, "attributes"))
    assert {"check_mode", "diff_mode"} <= set(supported)
    assert "quorum.etcd." in module.EXAMPLES


@pytest.mark.parametrize("name", MODULES)
def test_examples_name_only_options_that_there_are(name):
    for task in yaml.safe_load(load("modules", name).EXAMPLES):
        for key, arguments in task.items():
            if key.startswith("quorum.etcd.") and isinstance(arguments, dict):
                assert set(arguments) <= set(documented(key.removeprefix("quorum.etcd."))), task["name"]


def test_the_action_group_is_the_modules_that_take_the_connection_options():
    takers = [name for name in MODULES if set(connection_spec()) <= set(documented(name))]
    assert RUNTIME["action_groups"] == {"etcd": takers}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_of_the_action_group_what_is_so(name):
    extended = yaml.safe_load(load("modules", name).DOCUMENTATION)["extends_documentation_fragment"]
    assert ("quorum.etcd.attributes.actiongroup_etcd" in extended) is (name in RUNTIME["action_groups"]["etcd"])


def test_the_readme_has_every_filter_and_every_module_but_the_internal_ones():
    text = PAGES[0].read_text()
    named = {name for name in (*MODULES, *FILTERS) if f"`{name}`" in text}
    assert named == {*MODULES, *FILTERS} - {*INTERNAL}


@pytest.mark.parametrize("name", INTERNAL)
class TestAnInternalModule:
    def test_says_so_first(self, name):
        document = yaml.safe_load(load("modules", name).DOCUMENTATION)
        assert document["short_description"].startswith("Internal: ")
        assert document["description"][0] == (
            "WARNING: Do not use this module directly! It is only for role internal use."
        )

    def test_has_an_action_that_refuses_tasks_outside_of_the_role(self, name):
        assert issubclass(load("action", name).ActionModule, InternalAction)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class TestAPage:
    def test_names_only_what_there_is(self, page):
        known = {
            *DEFAULTS,
            "etcd_members",
            *PLAYGROUND,
            *MODULES,
            *METRICS,
            *ETCDS_METRICS,
            *MISSPELT,
            "etcd_cluster",
            "etcd_proxy",
            *FACTS,
        }
        text = page.read_text()
        # A star stands for several: etcd_pki_*.
        families = set(re.findall(r"\b(etcd_[a-z_]*_)\*", text))
        unknown = set(re.findall(r"(?<![A-Za-z0-9_/.])etcd_[a-z_]+[a-z]\b(?!_?\*)", text)) - known
        assert unknown == set()
        assert [family for family in families if not any(name.startswith(family) for name in known)] == []

    def test_calls_only_targets_that_make_knows(self, page):
        targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
        named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets

    def test_calls_only_what_the_lab_knows(self, page):
        text = (REPOSITORY / "lab" / "cli.py").read_text()
        named = set(re.findall(r"python3 -m lab (?:--name \S+ )?([a-z]+)", page.read_text()))
        assert {command for command in named if f'"{command}"' not in text} == set()

    def test_leads_only_where_there_is_something(self, page):
        links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        assert [link for link in links if not (page.parent / link).exists()] == []


def module_calls(content):
    """Each of our modules that something in YAML calls, and with what."""
    if isinstance(content, dict):
        for key, value in content.items():
            if str(key).startswith("quorum.etcd."):
                yield key.removeprefix("quorum.etcd."), value
            yield from module_calls(value)
    elif isinstance(content, list):
        for item in content:
            yield from module_calls(item)


def test_what_a_plan_is_made_of_is_what_a_look_returns():
    node = yaml.safe_load(load("modules", "etcd_node_info").RETURN)["node"]["contains"]
    assert set(node) == {field.name for field in fields(Observation)}


class TestACodeOfARefusal:
    PAGE = (REPOSITORY / "docs" / "refusals.md").read_text()
    DOCUMENTED = re.findall(r'^\| <a id="([a-z0-9-]+)"></a>`([a-z0-9-]+)` \|', PAGE, re.MULTILINE)

    def test_is_documented_and_used(self):
        raised = r'\bcode="([a-z0-9-]+)"|Obstacle\(\s*"([a-z0-9-]+)"'
        sources = [path.read_text() for path in (REPOSITORY / "plugins").rglob("*.py")]
        found = {"".join(code) for text in sources for code in re.findall(raised, text)}
        alarms = {code for code, _found, _remedy in cluster_lock._ALARMS.values()}
        assert {code for code, _shown in self.DOCUMENTED} == found | alarms

    def test_is_an_anchor_of_its_own(self):
        assert all(anchor == shown for anchor, shown in self.DOCUMENTED)
        assert len(dict(self.DOCUMENTED)) == len(self.DOCUMENTED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_gives_modules_only_options_that_there_are(page):
    for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for name, arguments in module_calls(yaml.safe_load(text)):
            options = documented(name)
            assert set(arguments) <= set(options)
            assert {option for option in options if options[option].get("required")} <= set(arguments)


class TestTheOldestAnsible:
    OLDEST = re.fullmatch(r">=(\d+\.\d+)\.0", RUNTIME["requires_ansible"])[1]

    def test_is_the_same_everywhere(self):
        galaxy = yaml.safe_load((REPOSITORY / "roles" / "etcd" / "meta" / "main.yml").read_text())["galaxy_info"]
        assert galaxy["min_ansible_version"] == self.OLDEST
        assert f"You need ansible-core {self.OLDEST} or newer" in (REPOSITORY / "README.md").read_text()

    def test_is_tried(self):
        required = (REPOSITORY / "tests" / f"requirements-{self.OLDEST}.txt").read_text()
        assert f"\nansible-core>={self.OLDEST},<" in required
        cores = re.search(r"^CORES = (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)[1].split()
        assert cores[0] == self.OLDEST

    def test_is_tried_with_the_libraries_of_every_other(self):
        """An environment of its own lists what the tests import a second time."""
        files = ("requirements-test.txt", "tests/requirements-run.txt")
        every, run = ((REPOSITORY / file).read_text().splitlines() for file in files)
        assert {line for line in run if not line.startswith("#")} <= set(every)


AUTOMATION = (REPOSITORY / "docs" / "automation.md").read_text()


def test_the_files_for_automation_are_yaml():
    blocks = re.findall(r"```yaml\n(.*?)```", AUTOMATION, re.DOTALL)
    assert len(blocks) == 6
    assert all(yaml.safe_load(block) for block in blocks)


def test_jobs_install_what_the_collection_needs():
    core = f"ansible-core{RUNTIME['requires_ansible'].removesuffix('.0')}"
    assert re.findall(r"ansible-core[<>=]+[0-9.]+", AUTOMATION) == [core] * 2
    needed = (REPOSITORY / "meta" / "ee-requirements.txt").read_text().splitlines()
    assert set(re.findall(r"cryptography[<>=]+[0-9.]+", AUTOMATION)) <= set(needed)
