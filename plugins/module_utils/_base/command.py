# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Programs of the host. Who runs them is an argument of what decides, so that it can be tested without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError


class Result(NamedTuple):
    """What a program left behind."""

    code: int
    output: str
    errors: str

    @property
    def words(self) -> str:
        """Its own words, for a message."""
        return self.errors.strip() or self.output.strip()


#: Runs a program by its name and arguments and waits for it. Raises OSError where it cannot be run.
Run = Callable[[Sequence[str]], Result]


def of_module(module: Any) -> Run:
    """The way of an AnsibleModule."""

    def run(arguments: Sequence[str]) -> Result:
        return Result(
            *module.run_command(list(arguments), environ_update={"LC_ALL": "C.UTF-8"}, handle_exceptions=False)
        )

    return run


def succeed(run: Run, arguments: Sequence[str], remedy: str = "") -> str:
    """Run a program that must succeed, and return its output.

    :param remedy: what to do where it is not there.
    :raises HostError: it is not there, or it failed, with its own words.
    """
    try:
        done = run(arguments)
    except OSError as exc:
        raise HostError(f"{arguments[0]} cannot be run on this host: {exc.strerror}. {remedy}".rstrip()) from exc
    if done.code:
        raise HostError(f"{' '.join(arguments)} failed: {done.words}")
    return done.output
