# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/variables.md from the role's argument_specs: usage: variables.py > variables.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

SPECS = Path(__file__).resolve().parents[1] / "roles/etcd/meta/argument_specs.yml"

_HEAD = """\
# Variables of the role

Written from `roles/etcd/meta/argument_specs.yml` by `make docs`; `ansible-doc -t role quorum.etcd.etcd` says the same.
Besides these a host may have `NODE_NAME`, and the group `ETCD_NODES`: see the [README](../README.md).

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


def page() -> str:
    """The whole page."""
    options = yaml.safe_load(SPECS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    return _HEAD + "\n".join(row(name, option) for name, option in options.items()) + "\n"


if __name__ == "__main__":
    print(page(), end="")
