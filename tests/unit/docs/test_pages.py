# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages lead to each other, and what they show can be copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"
INDEX = DOCS / "README.md"
PAGES = [*sorted(REPOSITORY.glob("README*.md")), REPOSITORY / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]*)\)")

#: What can follow "quorum.etcd." in a playbook or on a command line.
CALLED = {
    *(path.name for path in (REPOSITORY / "roles").iterdir()),
    *(path.stem for path in (REPOSITORY / "playbooks").glob("[!_]*.yml")),
    *(
        path.stem
        for kind in ("modules", "filter", "callback", "lookup", "inventory")
        for path in (REPOSITORY / "plugins" / kind).glob("*.py")
    ),
}


class Loader(yaml.SafeLoader):
    """Takes what Ansible's own loader takes."""


Loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))


def prose(page: Path) -> str:
    """A page without what stands between fences."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub and Galaxy make of a page's headings."""
    headings = re.findall(r"^#{1,6} +(.*?) *$", prose(page), re.MULTILINE)
    shown = (LINK.sub("]", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in shown}


def linked(page: Path) -> set[Path]:
    """The pages that a page links to."""
    targets = (link.partition("#")[0] for link in LINK.findall(prose(page)))
    return {(page.parent / target).resolve() for target in targets if target and ":" not in target}


def blocks(page: Path, *languages: str) -> list[str]:
    """What stands between fences of some languages."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def test_every_page_is_in_the_index_and_the_index_in_the_readme():
    assert {path.name for path in set(DOCS.glob("*.md")) - {INDEX} - linked(INDEX)} == set()
    assert INDEX in linked(REPOSITORY / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
class TestAPage:
    def test_leads_to_headings_that_there_are(self, page):
        missing = []
        for link in LINK.findall(prose(page)):
            target, _hash, anchor = link.partition("#")
            other = (page.parent / target).resolve() if target else page
            if anchor and ":" not in target and anchor not in anchors(other):
                missing.append(link)
        assert missing == []

    def test_shows_yaml_that_can_be_read(self, page):
        for text in blocks(page, "yaml", "yml"):
            assert list(yaml.load_all(text, Loader))

    def test_calls_only_what_there_is(self, page):
        text = page.read_text(encoding="utf-8")
        called = set(re.findall(r"(?<![\w./-])quorum\.etcd\.([a-z0-9_]+)", text))
        assert called - CALLED == set()
