# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import values
from hypothesis import given
from hypothesis import strategies as st

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("1ns", 1),
        ("1us", 1000),
        ("1µs", 1000),
        ("500ms", SECOND // 2),
        ("10s", 10 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1h0m0.5s", 3600 * SECOND + SECOND // 2),
        ("1.5h", 5400 * SECOND),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1.25s", 5 * SECOND // 4),
        ("100000h0.000000001s", 360_000_000 * SECOND + 1),
    ],
)
def test_durations_are_read_as_go_reads_them(text, nanoseconds):
    assert values.duration(text, "x") == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "1h30", "5 s", "s", "-5s", "1d", "1H", ".s", "5s ", "\u0665s", "1e3s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadInput) as caught:
        values.duration(text, "x")
    unit = ": its unit is missing. Write 5s, 5m or 5h" * (text == "5")
    assert str(caught.value) == f"x is '{text}', which is no duration such as 500ms, 10s, 5m or 1h30m{unit}."


def test_a_duration_without_a_unit_is_told_which_ones_there_are():
    with pytest.raises(BadInput, match=r"^corrupt-check-time is '5', .*its unit is missing. Write 5s, 5m or 5h"):
        values.read("duration", 5, "corrupt-check-time")


@given(st.integers(0, 1000), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_any_duration_that_go_prints_is_read(hours, minutes, seconds, milliseconds):
    total = ((hours * 60 + minutes) * 60 + seconds) * SECOND + milliseconds * 10**6
    assert values.duration(f"{hours}h{minutes}m{seconds}.{milliseconds:03}s", "x") == total


@pytest.mark.parametrize("value", [True, "true", "True", "yes", "on", "1", 1])
def test_true_has_the_spellings_of_yaml_and_ini(value):
    assert values.read("bool", value, "x") is True


@pytest.mark.parametrize("value", [False, "false", "no", "off", "0", 0])
def test_false_has_the_spellings_of_yaml_and_ini(value):
    assert values.read("bool", value, "x") is False


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        ("int64", "8589934592", 8589934592),
        ("int64", 8589934592, 8589934592),
        ("int", -1, -1),
        ("int64", -(2**63), -(2**63)),
        ("uint32", 0, 0),
        ("uint32", "4294967295", 4294967295),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("string", "simple", "simple"),
        ("string", 8, "8"),
        ("string", {"maxsize": 5, "compress": True}, '{"compress": true, "maxsize": 5}'),
        ("string list", "a, b", ["a", "b"]),
        ("string list", ["a", "b"], ["a", "b"]),
        ("duration", "5m", "5m"),
        ("urls", "http://127.0.0.1:2381", ["http://127.0.0.1:2381"]),
        ("key=bool list", "A=true,B=false", {"A": True, "B": False}),
        ("key=bool list", {"A": True, "B": "false"}, {"A": True, "B": False}),
        ("key=bool list", ["A=true"], {"A": True}),
    ],
)
def test_values_of_inventories_become_typed(kind, value, typed):
    assert values.read(kind, value, "x") == typed


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("bool", "perhaps", "Write true or false"),
        ("bool", 2, "Write true or false"),
        ("int", True, "no whole number"),
        ("int", 1.5, "no whole number"),
        ("int", "8 GiB", "no whole number"),
        ("int", "0x10", "no whole number"),
        ("uint", -1, "from 0 to"),
        ("uint32", 2**32, "from 0 to 4294967295"),
        ("int64", 2**63, "from -9223372036854775808 to"),
        ("string", True, "quote it"),
        ("string", [1], "quote it"),
        ("string", "a\nETCD_NAME=b", "control character"),
        ("string", "a\x00", "control character"),
        ("string list", ["a\n" + "b"], "control character"),
        ("string", "", "is empty"),
        ("string list", [], "is empty"),
        ("key=bool list", {}, "is empty"),
        ("key=bool list", "A", "Write true or false"),
        ("key=bool list", {"A": "maybe"}, "x A is 'maybe'"),
        ("key=bool list", "A=b=true", "x A is 'b=true'"),
        ("key=bool list", 7, "must be a list"),
        ("key=bool list", {"a\nb": True}, "control character"),
        ("string list", 7, "must be a list"),
        ("urls", 7, "must be a list"),
        ("urls", "127.0.0.1:2381", "is not a URL"),
    ],
)
def test_values_of_another_type_are_refused(kind, value, why):
    with pytest.raises(BadInput, match=why) as caught:
        values.read(kind, value, "x")
    assert str(caught.value).startswith("x"), "it names the setting"


def test_listen_urls_must_be_bindable():
    with pytest.raises(BadInput, match="cannot listen on the name"):
        values.read("urls", "http://etcd1:2381", "listen-metrics-urls")


def test_cors_may_be_a_star():
    assert values.read("urls", "*", "cors") == ["*"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("1h", "1h"),
        (["a", "b"], "a,b"),
        ({"B": False, "A": True}, "A=true,B=false"),
    ],
)
def test_a_value_is_written_as_etcd_reads_it(value, text):
    assert values.text_of(value) == text
