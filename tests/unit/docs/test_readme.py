# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README says the same in English and in Chinese: whoever changes one of the two changes the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
ENGLISH = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CHINESE = (REPOSITORY / "README.zh-CN.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Section:
    """What is the same of a section in every language."""

    level: int
    blocks: list[str]
    links: list[str]
    code: list[str]
    items: int
    rows: int
    paragraphs: int


def sections(text: str) -> list[Section]:
    """The sections of a README, in their order."""
    blocks = FENCE.findall(text)
    found = []
    for part in re.split(r"^(?=#+ )", FENCE.sub("\0", text), flags=re.MULTILINE)[1:]:
        heading, _newline, body = part.partition("\n")
        lines = body.splitlines()
        found.append(
            Section(
                level=len(heading.partition(" ")[0]),
                blocks=[blocks.pop(0) for _fence in range(body.count("\0"))],
                # Of two languages of a page each leads to its own.
                links=sorted(link.replace(".zh-CN.md", ".md") for link in re.findall(r"\]\(([^)]*)\)", body)),
                code=sorted(re.findall(r"`[^`]+`", body)),
                items=sum(line.startswith("- ") for line in lines),
                rows=sum(line.startswith("|") for line in lines),
                paragraphs=len(re.findall(r"\n\n", body.strip())),
            )
        )
    return found


def test_the_two_languages_lead_to_each_other() -> None:
    assert "(README.zh-CN.md)" in ENGLISH
    assert "(README.md)" in CHINESE


@pytest.mark.parametrize("what", [field.name for field in fields(Section)])
def test_the_two_languages_have_the_same(what: str) -> None:
    assert [getattr(one, what) for one in sections(CHINESE)] == [getattr(one, what) for one in sections(ENGLISH)]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("\n## Refusals", "\n### Refusals", "level"),
        ("$ make demo ", "$ make  demo ", "blocks"),
        ("(docs/refusals.md)", "(docs/settings.md)", "links"),
        ("`etcd_pki_dir`", "`etcd_pki_path`", "code"),
        ("\n- v2 proxies", "\n- one more\n- v2 proxies", "items"),
        ("| `etcd_tls` |", "| one more | |\n| `etcd_tls` |", "rows"),
        ("One joins after the other.", "One joins.\n\nThe next one follows.", "paragraphs"),
    ],
)
def test_a_change_of_one_language_alone_is_seen(old: str, new: str, what: str) -> None:
    assert old in ENGLISH
    changed = sections(ENGLISH.replace(old, new, 1))
    assert [getattr(one, what) for one in changed] != [getattr(one, what) for one in sections(CHINESE)]
