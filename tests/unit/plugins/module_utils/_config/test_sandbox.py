# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service cannot see or do."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import sandbox


def settings(*arguments, **options):
    return [line.partition("=")[::2] for line in sandbox.lines(*arguments, **options).splitlines()]


def test_it_writes_where_it_must_and_nowhere_else():
    found = dict(settings(["/srv/a", "/srv/b", "/srv/a"], ["/etc/c"]))
    assert (found["ProtectSystem"], found["ReadWritePaths"]) == ("strict", "-/srv/a -/srv/b")


@pytest.mark.parametrize(
    ("path", "home", "tmp"),
    [("/home", "no", "yes"), ("/root/x", "no", "yes"), ("/tmp/x", "yes", "no"), ("/rootless/tmp", "yes", "yes")],
)
def test_what_it_needs_is_never_hidden(path, home, tmp):
    for given in (([path],), (["/srv"], [path])):
        found = dict(settings(*given))
        assert (found["ProtectHome"], found["PrivateTmp"]) == (home, tmp)


def test_it_has_no_capability_that_was_not_given():
    assert dict(settings([]))["CapabilityBoundingSet"] == ""
    assert dict(settings([], capabilities="CAP_CHOWN"))["CapabilityBoundingSet"] == "CAP_CHOWN"


def test_what_services_commonly_call_can_be_withheld():
    calls = [value for name, value in settings([], withheld_calls="@privileged") if name == "SystemCallFilter"]
    assert calls == ["@system-service", "~@privileged"]
    assert [name for name, _value in settings([])].count("SystemCallFilter") == 1
