# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/variables.md from the argument_specs of the roles: usage: variables.py > variables.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
SPECS = REPOSITORY / "roles/etcd/meta/argument_specs.yml"
PROXY_SPECS = REPOSITORY / "roles/etcd_proxy/meta/argument_specs.yml"

_HEAD = """\
# Variables of the role

Written from `roles/etcd/meta/argument_specs.yml` by `make docs`; `ansible-doc -t role quorum.etcd.etcd` says the same.
Besides these a host may have `NODE_NAME`, and the group `ETCD_NODES`: see the [README](../README.md).

Each playbook checks the variables that it reads before it reaches a host. Those that only some read follow at the end.

"""

_PROXY = """
# Variables of the role `etcd_proxy`

Of the playbook `quorum.etcd.proxy`, written from `roles/etcd_proxy/meta/argument_specs.yml`. Of those that are unset
the cluster's is taken, as the first of its hosts has it: [proxies](proxies.md).

"""

_TABLE = """\
| Variable | Type | Default | Meaning |
|---|---|---|---|
"""


def plain(text: str) -> str:
    """Ansible's markup as Markdown, on one line of a table."""
    text = re.sub(r"\b[CVOMPE]\(([^)]*)\)", r"`\1`", text)
    return " ".join(text.split()).replace("|", "\\|")


def row(name: str, option: dict[str, Any]) -> str:
    """One variable."""
    described = option["description"]
    sentences = [described] if isinstance(described, str) else described
    kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
    if "choices" in option:
        kind = " or ".join(f"`{choice}`" for choice in option["choices"])
    default = option.get("default")
    if default is None:
        shown = "unset"
    elif default in ("", [], {}):
        shown = "empty"
    else:
        shown = "`" + str(default).replace("|", "\\|") + "`"
    return f"| `{name}` | {kind} | {shown} | {plain(' '.join(sentences))} |"


def table(options: dict[str, Any]) -> str:
    """Some variables."""
    return _TABLE + "".join(f"{row(name, option)}\n" for name, option in options.items())


def playbooks() -> dict[str, str]:
    """Which playbook is behind an entry point of the role that is not the ordinary one."""
    found = {}
    for path in sorted((REPOSITORY / "playbooks").glob("[!_]*.yml")):
        for play in yaml.safe_load(path.read_text(encoding="utf-8")):
            for task in play.get("tasks", []):
                role = task.get("ansible.builtin.import_role")
                if role:
                    found[role["tasks_from"]] = path.stem
    return found


def section(playbook: str, spec: dict[str, Any], ordinary: dict[str, Any]) -> str:
    """What one playbook reads beside the ordinary one, and which of its variables."""
    own = {name: option for name, option in spec["options"].items() if name not in ordinary}
    others = [f"`{name}`" for name in spec["options"] if name in ordinary]
    read = "all of the first table" if len(others) == len(ordinary) else ", ".join(others)
    return f"\n## `quorum.etcd.{playbook}`\n\n{spec['short_description']}. It reads {read}.\n" + (
        f"\n{table(own)}" if own else ""
    )


def page() -> str:
    """The whole page."""
    specs = yaml.safe_load(SPECS.read_text(encoding="utf-8"))["argument_specs"]
    ordinary = specs.pop("main")["options"]
    named = playbooks()
    proxies = yaml.safe_load(PROXY_SPECS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    others = "".join(section(named[name], specs[name], ordinary) for name in specs)
    return _HEAD + table(ordinary) + others + _PROXY + table(proxies)


if __name__ == "__main__":
    print(page(), end="")
