# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Why etcd ended, in its own words: the line of its log that says so."""

from __future__ import annotations

import contextlib
import json
import re

# Of a log in JSON, of a panic, and of the log of 3.4 as it is without C(--logger=zap).
_FATAL = re.compile(r'"level":"(fatal|panic)"|^panic: |^\S+ \S+ C \|')
_CHATTER = re.compile(r'^\{"level":"(debug|info)"|^\S+ \S+ [DI] \|')
# What Go prints behind a panic: the calls of every goroutine.
_STACK = re.compile(r"^goroutine \d+ \[|^created by |^\t|^\S+\(\S*\)$")
_ERROR = re.compile(r'"error":"')
# So many are read by somebody in a hurry; all of them are in the journal.
_SENTENCES = 5
# What a member says that compares itself with the others before it serves (server/etcdserver/corrupt.go).
_DIFFERS = "found data inconsistency with peers"


def reason_in(journal: str) -> str:
    """The last line with which etcd gave up, else the last one that names an error; empty if there is none.

    :param journal: the unit's last log lines.
    """
    lines = journal.splitlines()
    for pattern in (_FATAL, _ERROR):
        said = [line for line in lines if pattern.search(line)]
        if said:
            return sentence(said[-1])
    return ""


def remedy(cause: str) -> str:
    """What is safe where only a person can know who is right; empty where the cause says enough.

    :param cause: what C(reason_in) has found.
    """
    if _DIFFERS in cause:
        return (
            " Its data differ from those of the other members. See who is right: etcdctl endpoint hashkv --cluster. If "
            "it is the others, write etcd_member_state: absent for this host and run, then take that out and run "
            "again: what it has is archived, and it joins anew."
        )
    return ""


def relevant_lines(journal: str, unit: str) -> str:
    """What a person needs of a journal: warnings and worse, and what is not etcd's, as sentences.

    Each comes once, with how often it was said, where it was said last. There are five at most.

    :param journal: the unit's last log lines.
    """
    said: dict[str, int] = {}
    for line in journal.splitlines():
        if line and not _CHATTER.search(line) and not _STACK.search(line):
            words = sentence(line)
            said[words] = said.pop(words, 0) + 1
    last = list(said.items())[-_SENTENCES:]
    lines = [f"{f'{count} times: ' * (count > 1)}{sentence}" for sentence, count in last]
    return "\n".join(f"  {line}" for line in (*lines, f"All of it: journalctl -u {unit}"))


def sentence(line: str) -> str:
    """Return what a line of etcd's log says, without its fields."""
    with contextlib.suppress(ValueError, AttributeError):
        entry = json.loads(line)
        return ": ".join(str(entry[key]) for key in ("msg", "error") if entry.get(key))
    return line
