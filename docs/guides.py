# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/guides.md or docs/guides.zh-CN.md from docs/guides.yml: usage: guides.py en|zh > PAGE."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
GUIDES = DOCS / "guides.yml"
COMMANDS = REPOSITORY / "tests" / "guides" / "commands.yml"

#: Variables that Ansible does not check for the role, because guides have given them their names.
_OF_GUIDES = {"NODE_NAME", "ETCD_NODES"}
_TOOLS = {"curl", "etcdctl", "journalctl"}
#: The verdicts on commands, the narrower ones first.
_VERDICTS = ("since", "says 3.4", "says", "waits", "works", "settings", "for us")
_SETTINGS = "docs/settings.md#what-is-not-a-setting"
_ETCDCTL = "docs/etcdctl.md"
#: Punctuation of full width, and that and Chinese characters.
_MARK = "[\u3000-\u303f\uff00-\uffef]"
_CHINESE = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"

Line = dict[str, Any]
Row = tuple[str, str, str]


class Unknown(Exception):
    """Something is named that there is not, or the guides' headings and commands do not fit together."""


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _variables() -> set[str]:
    specs = yaml.safe_load(_read(REPOSITORY / "roles/etcd/meta/argument_specs.yml"))["argument_specs"]
    return {name for spec in specs.values() for name in spec["options"]} | _OF_GUIDES


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Page:
    """One language of the table."""

    def __init__(self, content: dict[str, Any], commands: list[dict[str, Any]], language: str) -> None:
        self.content, self.commands, self.language = content, commands, language
        self.words: dict[str, Any] = content["words"][language]
        self.variables = _variables()

    def text(self) -> str:
        """Return the whole page.

        :raises Unknown: when a line names what there is not.
        """
        guides = self.content["guides"]
        if len(guides) != len(self.commands):
            raise Unknown(f"{len(guides)} guides, and commands of {len(self.commands)}")
        parts = [f"# {self.words['title']}\n\n{self.say(self.words['intro'])}\n"]
        for number, (guide, typed) in enumerate(zip(guides, self.commands), 1):
            rows = [self.words["columns"], ["---"] * 3, *self.rows(guide["headings"], list(typed["commands"]))]
            parts.append(f"\n## {number}. {guide['title'][self.language]}\n\n")
            parts += [f"| {' | '.join(row)} |\n" for row in rows]
        return "".join(parts)

    def rows(self, headings: list[Line], typed: list[Line]) -> Iterator[Row]:
        """Yield the rows of one guide, each command below the heading that names how it begins."""
        for heading in headings:
            what, by, how = self.row(heading)
            of_guide = heading["what"]["zh"]
            yield f"**{what}**" + f" ({of_guide})" * (of_guide != what), by, how
            below = []
            for begins in heading.get("commands", []):
                if not typed or not typed[0]["typed"].startswith(begins):
                    raise Unknown(f"{begins} is not the next command of the guide")
                below.append(self.command(begins, typed.pop(0)))
            for answer, group in groupby(below, lambda row: row[1:]):
                yield ("<br>".join(row[0] for row in group), *answer)
            for part in heading.get("parts", []):
                yield self.row(part)
        if typed:
            raise Unknown(f"{typed[0]['typed']} is below no heading")

    def row(self, line: Line) -> Row:
        """Return a heading, or a part of one."""
        what = line["what"]
        shown = f"`{what}`" if isinstance(what, str) else what[self.language]
        if "topic" in line:
            topic = self.content["topics"][line["topic"]]
            if not topic["done"]:
                return (shown, *self.answer({**topic["instead"], "is": "not done"}))
            line = {**topic["then"], **line}
        return (shown, *self.answer(line))

    def command(self, begins: str, command: Line) -> Row:
        """Return one command with its verdict."""
        shown = begins if begins == command["typed"] else f"{begins} …"
        if "not done" in command:
            return self.row({"what": shown, "topic": command["not done"]})
        verdict = next(key for key in _VERDICTS if key in command)
        by = command["for us"] if verdict == "for us" else _SETTINGS if verdict == "settings" else _ETCDCTL
        named = command.get("since", command.get("says", ""))
        return f"`{shown}`", self.target(by), self.words[verdict].format(named)

    def answer(self, line: Line) -> tuple[str, str]:
        """Return what does it here, and how that differs."""
        verdict = line.get("is", "same")
        why = line.get(self.language, "")
        if not line.get("by") or (verdict != "same" and not why):
            raise Unknown(f"{line.get('what')} has nothing that does it, or no reason why it differs")
        if verdict == "same" and why:
            raise Unknown(f"{line.get('what')} is as in the guide, and says more. Say which it is: more or other")
        return "<br>".join(self.target(by) for by in line["by"]), self.say(f"{self.words[verdict]} {why}")

    def say(self, text: str) -> str:
        """Return a text of the data, without the blanks that its folding has put into Chinese."""
        return re.sub(f"(?<={_MARK}) |(?<={_CHINESE}) (?={_CHINESE})", "", text.strip())

    def target(self, by: str) -> str:
        """Return what does it, as a link where it is a file, a variable or a setting.

        :raises Unknown: when there is no such thing.
        """
        if by.startswith("setting "):
            name = by.removeprefix("setting ")
            if f"\n| `{name}` |" in _read(DOCS / "settings.md"):
                return f"[`{name}`](settings.md#all-settings-by-version)"
        elif by in self.variables:
            return f"`{by}`" if by in _OF_GUIDES else f"[`{by}`](variables.md)"
        elif by.partition(" ")[0] in _TOOLS:
            return f"`{by}`"
        else:
            file, _hash, anchor = by.partition("#")
            path = REPOSITORY / file
            if path.is_file():
                return self.link(path, anchor)
        raise Unknown(f"{by} is no file, variable, setting or command")

    def link(self, path: Path, anchor: str) -> str:
        """Return a link to a file, or to a heading of a page."""
        if path.parent.parent == REPOSITORY / "plugins":
            return f"[`{path.stem}`](../{path.relative_to(REPOSITORY)})"
        if path.parent == REPOSITORY / "playbooks":
            return f"[`quorum.etcd.{path.stem}`](../playbooks/{path.name})"
        if path.parent != DOCS:
            return f"[`{path.relative_to(REPOSITORY)}`](../{path.relative_to(REPOSITORY)})"
        headings = re.findall(r"^#+ +(.*?) *$", _read(path), re.MULTILINE)
        if not anchor:
            return f"[{headings[0]}]({path.name})"
        found = [heading for heading in headings if _anchor(heading) == anchor]
        if not found:
            raise Unknown(f"{path.name} has no heading for #{anchor}")
        return f"[{found[0]}]({path.name}#{anchor})"


def page(language: str) -> str:
    """Return the page in one language."""
    return Page(yaml.safe_load(_read(GUIDES)), yaml.safe_load(_read(COMMANDS)), language).text()


if __name__ == "__main__":
    print(page(sys.argv[1]), end="")
