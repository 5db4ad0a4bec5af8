# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the guides has every heading and command, in both languages, and leads only to what there is."""

from __future__ import annotations

import copy
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"
PAGES = {"en": DOCS / "guides.md", "zh": DOCS / "guides.zh-CN.md"}
PROGRAM = runpy.run_path(str(DOCS / "guides.py"))
CONTENT = yaml.safe_load((DOCS / "guides.yml").read_text(encoding="utf-8"))
COMMANDS = yaml.safe_load((REPOSITORY / "tests" / "guides" / "commands.yml").read_text(encoding="utf-8"))
HEADINGS = [heading for guide in CONTENT["guides"] for heading in guide["headings"]]
LINES = [line for heading in HEADINGS for line in (heading, *heading.get("parts", []))]
TOPICS = CONTENT["topics"]
#: Whatever has words in both languages.
SAID = [*LINES, *(topic[when] for topic in TOPICS.values() for when in ("instead", "then") if when in topic)]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def rows(language: str) -> list[list[str]]:
    """The cells of each row of a page's tables."""
    text = PAGES[language].read_text(encoding="utf-8")
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def code(text: str) -> list[str]:
    """What a text has as code."""
    return sorted(re.findall(r"`[^`]+`", text))


def page(content: dict[str, Any], commands: list[dict[str, Any]] = COMMANDS) -> str:
    return str(PROGRAM["Page"](content, commands, "en").text())


@pytest.fixture
def content() -> dict[str, Any]:
    """The data, to be changed."""
    return copy.deepcopy(CONTENT)


class TestThePages:
    @pytest.mark.parametrize("language", PAGES)
    def test_are_written_from_the_data(self, language: str) -> None:
        assert PROGRAM["page"](language) == PAGES[language].read_text(encoding="utf-8"), "run: make docs"

    @pytest.mark.parametrize("language", PAGES)
    def test_have_no_line_with_an_empty_cell(self, language: str) -> None:
        assert [row for row in rows(language) if len(row) != 3 or not all(row)] == []

    def test_have_the_same_lines_with_the_same_targets(self) -> None:
        assert [row[1] for row in rows("en")][1:] != []
        for english, chinese in zip(rows("en"), rows("zh"), strict=True):
            if english[0] != CONTENT["words"]["en"]["columns"][0]:
                assert english[1] == chinese[1]

    @pytest.mark.parametrize("language", PAGES)
    def test_have_every_command_of_the_guides(self, language: str) -> None:
        text = "\n".join(row[0] for row in rows(language))
        for guide, typed in zip(CONTENT["guides"], COMMANDS, strict=True):
            begun = [begins for heading in guide["headings"] for begins in heading.get("commands", [])]
            assert len(begun) == len(typed["commands"])
            assert [begins for begins in begun if begins not in text] == []


class TestTheWords:
    @pytest.mark.parametrize("said", SAID, ids=lambda said: str(said.get("what", "topic")))
    def test_are_there_in_both_languages_with_the_same_code(self, said: dict[str, Any]) -> None:
        assert ("en" in said) is ("zh" in said)
        assert code(said.get("en", "")) == code(said.get("zh", ""))

    def test_of_every_heading_are_there_in_both_languages(self) -> None:
        assert [heading for heading in HEADINGS if set(heading["what"]) != {"en", "zh"}] == []

    def test_of_the_table_are_the_same_in_both_languages(self) -> None:
        assert set(CONTENT["words"]["en"]) == set(CONTENT["words"]["zh"])


class TestATopic:
    @pytest.mark.parametrize("topic", TOPICS)
    def test_is_not_done_for_as_long_as_the_readme_says_so(self, topic: str) -> None:
        section = README.partition("\n## Not done by this release\n")[2].partition("\n## ")[0]
        assert (TOPICS[topic]["readme"] in section) is not TOPICS[topic]["done"]

    def test_is_what_a_command_waits_for(self) -> None:
        waiting = {command["not done"] for guide in COMMANDS for command in guide["commands"] if "not done" in command}
        assert {word for word in waiting if word not in TOPICS or TOPICS[word]["done"]} == set()

    def test_that_is_done_gives_each_line_its_own_words(self, content: dict[str, Any]) -> None:
        content["topics"]["gateway"] = {
            "done": True,
            "instead": {},
            "then": {"by": ["playbooks/etcd.yml"], "is": "other", "en": "By a playbook.", "zh": ""},
        }
        commands = copy.deepcopy(COMMANDS)
        for command in commands[2]["commands"]:
            if command["typed"].startswith("etcd gateway"):
                command["for us"] = "playbooks/etcd.yml"
        text = page(content, commands)
        assert (
            "| **5.1 What it is** (5.1 什么是etcd网关) | [`quorum.etcd.etcd`](../playbooks/etcd.yml) | Otherwise. By a"
            in text
        )
        assert (
            "| `etcd gateway start --endpoints …`<br>`etcd gateway start --discovery-srv …` | [`quorum.etcd.etcd`]"
            in text
        )


class TestIsRefused:
    @pytest.mark.parametrize(
        "target",
        [
            "docs/nowhere.md",
            "docs/membership.md#no-such-heading",
            "playbooks/nowhere.yml",
            "plugins/modules/etcd_nothing.py",
            "etcd_nothing",
            "setting no-such-setting",
            "frobnicate --all",
        ],
    )
    def test_a_target_that_there_is_not(self, content: dict[str, Any], target: str) -> None:
        content["guides"][0]["headings"][0]["by"] = [target]
        with pytest.raises(PROGRAM["Unknown"], match=r"no file, variable, setting or command|no heading"):
            page(content)

    @pytest.mark.parametrize("missing", ["by", "en"])
    def test_a_line_without_what_does_it_or_why_it_differs(self, content: dict[str, Any], missing: str) -> None:
        del content["guides"][0]["headings"][0][missing]
        with pytest.raises(PROGRAM["Unknown"], match="has nothing that does it, or no reason"):
            page(content)

    def test_a_line_that_is_as_in_the_guide_and_tells_a_difference(self, content: dict[str, Any]) -> None:
        del content["guides"][0]["headings"][0]["is"]
        with pytest.raises(PROGRAM["Unknown"], match="Say which it is: more or other"):
            page(content)

    def test_a_command_below_no_heading(self, content: dict[str, Any]) -> None:
        content["guides"][0]["headings"][0]["commands"] = []
        with pytest.raises(PROGRAM["Unknown"], match="not the next command"):
            page(content)
        content["guides"][4]["headings"][-2]["commands"].pop()
        content["guides"][0]["headings"][0]["commands"] = ["etcd --name infra0"]
        with pytest.raises(PROGRAM["Unknown"], match="is below no heading"):
            page(content)
