# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom: the table of docs/architecture.md, held against the syntax trees."""

from __future__ import annotations

import ast
import re
import sys
import zlib
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._pki import cryptography_dep
from ansible_collections.quorum.etcd.plugins.plugin_utils import _dns, _s3

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


class Package(NamedTuple):
    """A row of the table."""

    pure: bool
    imports: frozenset[str]


def table() -> dict[str, Package]:
    page = (REPOSITORY / "docs" / "architecture.md").read_text().partition("\n## The house\n")[2]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|([^|]*)\|$", page, re.MULTILINE)
    return {
        name: Package(pure.strip() == "yes", frozenset(re.findall(r"`(\w+)`", imports))) for name, pure, imports in rows
    }


PACKAGES = table()


def package_of(name: str) -> str:
    """The package of a file, as the table names it."""
    kind, *rest = name.split(".")
    return rest[0] if kind == "module_utils" else kind


PURE = [name for name in SHARED if PACKAGES[package_of(name)].pure]

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


def programs() -> list[tuple[str, str]]:
    """Python that tests and the lab hold as text, to run it in a process of its own."""
    found = []
    for path in sorted(path for folder in ("tests", "lab", "molecule") for path in (REPOSITORY / folder).rglob("*.py")):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        found += [(path.name, text) for text in texts if isinstance(text, str) and f"\nfrom {COLLECTION}." in text]
    return found


@pytest.mark.parametrize("text", [text for _name, text in programs()], ids=[name for name, _text in programs()])
def test_a_program_in_a_text_imports_what_there_is(text):
    lines = [line for line in text.splitlines() if line.startswith(f"from {COLLECTION}.")]
    for node in ast.parse("\n".join(lines)).body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        taken = {own(f"{node.module}.{alias.name}") for alias in node.names}
        assert own(node.module) in FILES or taken <= set(FILES), node.module


def test_the_table_has_every_package_and_no_other():
    assert set(PACKAGES) == {package_of(name) for name in FILES}


def test_what_is_shared_with_hosts_stands_in_a_package():
    assert [name for name in SHARED if len(name.split(".")) != 3] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_of_its_row(package):
    files = [name for name in FILES if package_of(name) == package]
    taken = {package_of(one): name for name in files for one in own_imports(name)}
    allowed = {package, *PACKAGES[package].imports}
    assert {to: name for to, name in taken.items() if to not in allowed} == {}
    assert PACKAGES[package].imports <= set(taken), "an arrow that nobody needs"


def test_arrows_point_one_way():
    TopologicalSorter({name: row.imports for name, row in PACKAGES.items()}).prepare()


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_an_init_file_is_empty(path):
    """Ansible sends it to hosts with every file of its package."""
    assert ast.parse(path.read_text()).body == []


@pytest.mark.parametrize("name", MODULES)
def test_nothing_that_plans_or_signs_reaches_a_host(name):
    assert {package_of(one) for one in reach(name)} & {"_plan", "_pki", "plugin_utils"} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if len(reach(name)) > 1])
def test_a_module_is_a_frame_around_one_act(name):
    """Errors become results in one place, in the same way for all."""
    assert "module_utils._module.run" in own_imports(name)
    called = {
        node.func.id for node in ast.walk(tree(name)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "AnsibleModule" not in called


#: KiB, deflated, as Ansible sends them.
LARGEST = 208


@pytest.mark.parametrize("name", MODULES)
def test_what_a_call_sends_to_a_host_stays_small(name):
    assert sum(len(zlib.compress(FILES[one].read_bytes())) for one in reach(name)) <= LARGEST << 10


def test_the_look_that_every_run_has_stays_small():
    sent = reach("modules.etcd_node_info")
    assert len(sent) <= 51
    assert sum(len(zlib.compress(FILES[one].read_bytes())) for one in sent) <= 124 << 10


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_loads_nothing_that_reaches_out(name):
    for one in reach(name):
        reached = {full.partition(".")[0] for full in foreign_imports(one)} & set(IMPURE)
        assert not reached, f"{name} loads {one}, which imports {reached}"
        opened = [node.lineno for node in ast.walk(tree(one)) if isinstance(node, ast.Name) and node.id == "open"]
        assert not opened, f"{name} loads {one}, which opens files in line {opened}"


#: Of Ansible on the controller: what is the same in every ansible-core that the collection works with.
ANSIBLE = {
    "ansible",
    "ansible.errors",
    "ansible.parsing.dataloader",
    "ansible.playbook.task_include",
    "ansible.plugins.action",
    "ansible.plugins.callback.default",
    "ansible.plugins.inventory",
    "ansible.plugins.lookup",
}


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


def test_one_file_alone_imports_dnspython():
    assert [name for name in FILES if "dns" in {one.partition(".")[0] for one in foreign_imports(name)}] == [
        "plugin_utils._dns"
    ]


def test_one_way_leads_to_programs_of_the_host():
    """Modules run them as Ansible's own do; but for what runs without Ansible, or starts what outlives its module."""
    assert [name for name in FILES if "subprocess" in foreign_imports(name)] == [
        "module_utils._host.peer_reporter",
        "module_utils._playground.members",
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
PROJECTS = {"botocore": "boto3", "dns": "dnspython"}


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
        "dnspython": _dns.MINIMUM,
    }


def test_tests_run_with_the_same_bounds():
    for project, bound in requirements("meta/ee-requirements.txt").items():
        assert requirements("requirements-test.txt")[project] == bound


def test_ansible_builder_finds_the_list():
    """Its path is relative to the collection, not to the file that names it."""
    told = yaml.safe_load((REPOSITORY / "meta/execution-environment.yml").read_text())
    assert told["version"] == 1
    assert (REPOSITORY / told["dependencies"]["python"]).is_file()
