# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom, read from the syntax trees: the arrows of docs/architecture.md."""

from __future__ import annotations

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._pki import cryptography_dep
from ansible_collections.quorum.etcd.plugins.plugin_utils import _s3

REPOSITORY = Path(__file__).resolve().parents[3]
PLUGINS = REPOSITORY / "plugins"
COLLECTION = "ansible_collections.quorum.etcd.plugins"
FILES = {
    ".".join(path.relative_to(PLUGINS).with_suffix("").parts): path
    for path in sorted(PLUGINS.rglob("*.py"))
    if path.name != "__init__.py"
}
MODULES = [name for name in FILES if name.startswith("modules.")]
SHARED = [name for name in FILES if name.startswith("module_utils.")]

#: They decide, from plain data to plain data, alike wherever they run.
PURE = """
    _base.errors _base.findings _base.secrets _base.urls _config.env_file _config.etcdctl _config.flags
    _config.gate _config.quota _config.render _config.sandbox _config.settings _config.snapshot_units
    _config.unit _config.values _config.variable_sources _formats.crc32c _formats.messages _formats.protobuf
    _model.advice _model.certificate_policy _model.expected_members _model.fencing _model.guard _model.health
    _model.host _model.identity _model.initial_cluster _model.layout _model.markers _model.peer_links
    _model.quorum _model.recovery_space _model.releases _model.restore_spec _model.snapshot_agent
    _model.snapshot_compatibility _model.snapshot_manifest _model.topology _module.options _pki.spec
    _plan.bootstrap _plan.cluster_plan _plan.drift _plan.next_action _plan.preflight _plan.projection
    _plan.reconcile _plan.recovery _plan.report _plan.restore _plan.revision_bump _plan.roster _plan.safety
    _plan.unresolved _snapshots.retention
"""

#: What reaches out of the process, or is another at every call.
IMPURE = """
    asyncio concurrent fcntl ftplib http multiprocessing os pathlib random secrets select selectors shutil signal
    socket ssl subprocess tempfile threading time urllib uuid
"""

#: Not yet in Python 3.9.
TOO_NEW = {"annotationlib", "compression", "tomllib"}


@cache
def tree(name: str) -> ast.Module:
    # Syntax that the oldest Python of hosts does not know is an error already here.
    return ast.parse(FILES[name].read_text(), feature_version=(3, 9))


@cache
def imports(name: str) -> set[str]:
    """Everything a file imports, wherever in it: full names, and for the collection's own those of files."""
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: Ansible sends no relative imports to hosts"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if own(full) in FILES else node.module)
    return found


def own(full: str) -> str:
    return full[len(COLLECTION) + 1 :] if full.startswith(f"{COLLECTION}.") else ""


def own_imports(name: str) -> set[str]:
    return {own(full) for full in imports(name) if own(full)}


def foreign_imports(name: str) -> set[str]:
    return {full for full in imports(name) if not own(full)}


def reach(name: str) -> set[str]:
    """A file and everything that it loads of the collection."""
    found, waiting = set(), {name}
    while waiting:
        at = waiting.pop()
        found.add(at)
        waiting |= own_imports(at) - found
    return found


def test_every_import_of_the_collection_is_a_file_of_it():
    for name in FILES:
        unknown = {one for one in own_imports(name) if one not in FILES}
        assert not unknown, f"{name} imports {unknown}"


def test_no_two_files_need_each_other():
    TopologicalSorter({name: own_imports(name) for name in FILES}).prepare()


@pytest.mark.parametrize("name", SHARED)
def test_what_is_shared_knows_nobody_above_it(name):
    assert all(one.startswith("module_utils.") for one in own_imports(name))
    ansible = {one for one in foreign_imports(name) if one.startswith("ansible.")}
    assert all(one.startswith("ansible.module_utils.") for one in ansible)


@pytest.mark.parametrize(
    "lower, upper",
    [
        ("_base.errors", "_rpc.http2"),
        ("_rpc.http2", "_rpc.grpc"),
        ("_rpc.grpc", "_rpc.client"),
        ("_rpc.client", "_host.local_member"),
        ("_model.markers", "_host.host_files"),
        ("_model.layout", "_model.host"),
        ("_model.host", "_config.render"),
        ("_config.render", "_plan.unresolved"),
        ("_plan.unresolved", "_plan.cluster_plan"),
        ("_plan.bootstrap", "_plan.cluster_plan"),
    ],
)
def test_arrows_point_one_way(lower, upper):
    assert f"module_utils.{lower}" in reach(f"module_utils.{upper}")
    assert f"module_utils.{upper}" not in reach(f"module_utils.{lower}")


@pytest.mark.parametrize(
    "name",
    ["_plan.cluster_plan", "_config.render", "_config.settings", "_model.markers", "_model.topology", "_pki.engine"],
)
def test_who_decides_never_talks_to_etcd(name):
    loaded = reach(f"module_utils.{name}")
    assert not loaded & {
        "module_utils._rpc.client",
        "module_utils._rpc.grpc",
        "module_utils._rpc.http2",
        "module_utils._rpc.dial",
    }


@pytest.mark.parametrize("name", PURE.split())
def test_what_is_pure_loads_nothing_that_reaches_out(name):
    for one in reach(f"module_utils.{name}"):
        reached = {full.partition(".")[0] for full in foreign_imports(one)} & set(IMPURE.split())
        assert not reached, f"{name} loads {one}, which imports {reached}"
        opened = [node.lineno for node in ast.walk(tree(one)) if isinstance(node, ast.Name) and node.id == "open"]
        assert not opened, f"{name} loads {one}, which opens files in line {opened}"


#: Of Ansible on the controller: what is the same in every ansible-core that the collection works with.
ANSIBLE = {"ansible", "ansible.errors", "ansible.parsing.dataloader", "ansible.plugins.action"}


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("module_utils.", "modules."))])
def test_one_file_alone_knows_that_versions_of_ansible_differ(name):
    used = {full for full in foreign_imports(name) if full.partition(".")[0] == "ansible"}
    used = {full for full in used if not full.startswith("ansible.module_utils.")}
    assert name == "plugin_utils._ansible_core" or used <= ANSIBLE


@pytest.mark.parametrize("name", MODULES)
def test_a_module_needs_nothing_on_a_host_but_python_itself(name):
    for one in reach(name):
        for full in foreign_imports(one):
            top = full.partition(".")[0]
            assert top not in TOO_NEW, f"{name} loads {one}, and {full} is not in Python 3.9"
            allowed = top in sys.stdlib_module_names or full.startswith("ansible.module_utils.")
            assert allowed, f"{name} loads {one}, which imports {full}"


def test_one_file_alone_imports_cryptography():
    assert [name for name in FILES if "cryptography" in {one.partition(".")[0] for one in foreign_imports(name)}] == [
        "module_utils._pki.cryptography_dep"
    ]


def test_one_file_alone_imports_boto3():
    """The controller needs it for snapshots that go off site, and for nothing else."""
    taken = {"boto3", "botocore"}
    found = [name for name in FILES if taken & {one.partition(".")[0] for one in foreign_imports(name)}]
    assert found == ["plugin_utils._s3"]


def test_one_way_leads_to_programs_of_the_host():
    """Modules run them the way of Ansible's own modules; else only programs do that run without Ansible."""
    assert [name for name in FILES if "subprocess" in foreign_imports(name)] == [
        "module_utils._host.peer_reporter",
        "module_utils._snapshots.agent",
    ]
    assert [name for name in FILES if "os" in foreign_imports(name) and "os.system" in FILES[name].read_text()] == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_whose_it_is(name):
    lines = FILES[name].read_text().removeprefix("#!/usr/bin/python\n").splitlines()
    assert lines[0] == "# Copyright: The quorum.etcd developers"
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in lines[2]
    if name.startswith(("module_utils.", "plugin_utils.")):
        assert any("**PRIVATE**" in line for line in lines[:8])
        assert all(part.startswith("_") for part in name.split(".")[1:2])


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_typed_as_the_oldest_python_reads_it(name):
    assert "from __future__ import annotations" in FILES[name].read_text()


#: Import name -> the project that has it.
PROJECTS = {"botocore": "boto3"}


def requirements(name: str) -> dict[str, str]:
    """Project -> bound of a requirements file."""
    lines = [line.partition("#")[0].strip() for line in (REPOSITORY / name).read_text().splitlines()]
    return {project: bound for project, _sign, bound in (line.partition(">=") for line in lines if line)}


def test_an_execution_environment_gets_every_library_of_the_controller():
    taken = {full.partition(".")[0] for name in FILES for full in foreign_imports(name)}
    # ansible-core brings Jinja itself.
    foreign = taken - set(sys.stdlib_module_names) - {"ansible", "ansible_collections", "jinja2"}
    assert set(requirements("meta/ee-requirements.txt")) == {PROJECTS.get(name, name) for name in foreign}


def test_their_bounds_are_those_of_the_code():
    assert requirements("meta/ee-requirements.txt") == {
        "boto3": _s3.MINIMUM,
        "cryptography": str(cryptography_dep.MINIMUM),
    }


def test_tests_run_with_the_same_bounds():
    for project, bound in requirements("meta/ee-requirements.txt").items():
        assert requirements("requirements-test.txt")[project] == bound


def test_ansible_builder_finds_the_list():
    """Its path is relative to the collection, not to the file that names it."""
    told = yaml.safe_load((REPOSITORY / "meta/execution-environment.yml").read_text())
    assert told["version"] == 1
    assert (REPOSITORY / told["dependencies"]["python"]).is_file()
