# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Packs a program of the collection for hosts: one text file of its own sources, the same bytes every time.

It holds the files that the program imports, and no others. Being text it can be read where it lies, and is sent,
compared and put back like every other file of a member.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

_COLLECTION = "ansible_collections.quorum.etcd.plugins.module_utils"
_SOURCES = Path(__file__).resolve().parents[1] / "module_utils"

#: What a member's timer starts.
SAVER = "_snapshots.agent"

# In the two forms that the formatter leaves. Each run packs the program in the process of each host, and a parser of
# Python takes fifty times as long.
_IMPORT = re.compile(rf"^ *from {re.escape(_COLLECTION)}\.(\S+) import (?:\(([^)]*)\)|([^(\n]+))$", re.MULTILINE)

_PROGRAM = '''\
#!/usr/bin/env python3
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Managed by quorum.etcd: changes made by hand are put right at the next run.
"""Parts of the collection quorum.etcd as one program, {main}. They are imported by the names that they have there."""

import importlib.abc
import importlib.util
import sys


class Packed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name in SOURCES or self.is_package(name) else None

    def is_package(self, name):
        return any(one.startswith(name + ".") for one in SOURCES)

    def get_source(self, name):
        return SOURCES.get(name, "")


SOURCES = {{
{sources}}}

if __name__ == "__main__":
    sys.meta_path.insert(0, Packed())
    sys.exit(importlib.import_module({main!r}).main(sys.argv[1:]))
'''


@functools.cache
def text(name: str = SAVER) -> str:
    """A program.

    :param name: the file of C(module_utils) that has its C(main), dotted.
    """
    sources = "".join(map(_entry, sorted(_reach(name))))
    return _PROGRAM.format(main=f"{_COLLECTION}.{name}", sources=sources)


@functools.cache
def sha256(name: str = SAVER) -> str:
    """The checksum of a program, by which a host is known to have this very one."""
    return hashlib.sha256(text(name).encode()).hexdigest()


def _entry(file: str) -> str:
    """One file, a line of it on a line, so that it can be read and compared."""
    lines = _source(file).splitlines(keepends=True)
    text = "".join(f"        {line!r}\n" for line in lines)
    return f"    {f'{_COLLECTION}.{file}'!r}: (\n{text}    ),\n"


@functools.cache
def _source(file: str) -> str:
    return _path(file).read_text(encoding="utf-8")


def _path(file: str) -> Path:
    return _SOURCES.joinpath(*file.split(".")).with_suffix(".py")


def _reach(name: str) -> set[str]:
    """A file and everything that it loads of the collection."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        at = waiting.pop()
        found.add(at)
        waiting |= _imports(at) - found
    return found


def _imports(file: str) -> set[str]:
    """The files of the collection that one imports: a name is a file of a package, or something in a file."""
    found: set[str] = set()
    for module, several, one in _IMPORT.findall(_source(file)):
        names = [f"{module}.{name.split()[0]}" for name in (several or one).split(",") if name.strip()]
        found |= {name if _path(name).is_file() else module for name in names}
    return found
