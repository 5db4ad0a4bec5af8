# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Count the days on which a systemd calendar event elapses (systemd.time(7)). Pure.

systemd itself judges whether an expression is valid. Only weekdays and dates are read here; an expression that is not
understood counts as one of every day.
"""

from __future__ import annotations

import datetime

_EPOCH = datetime.date(1970, 1, 1).toordinal()
_SECONDS_A_DAY = 86400
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORTHANDS = {
    "weekly": "mon *-*-*",
    "monthly": "*-*-1",
    "quarterly": "*-1,4,7,10-1",
    "semiannually": "*-1,7-1",
    "biannually": "*-1,7-1",
    "semi-annually": "*-1,7-1",
    "bi-annually": "*-1,7-1",
    "yearly": "*-1-1",
    "annually": "*-1-1",
    "anually": "*-1-1",
}
_EVERY = frozenset(range(7)), frozenset(range(1, 13)), frozenset(range(1, 32))


def elapsed_days(expression: str, now: float) -> int:
    """How many days on which the event elapses there were after the first of 1970, today included.

    :param now: seconds since 1970.
    """
    today = int(now // _SECONDS_A_DAY)
    try:
        weekdays, months, days = _matching(expression.lower())
    except ValueError:
        weekdays, months, days = _EVERY
    between = map(datetime.date.fromordinal, range(_EPOCH + 1, _EPOCH + today + 1))
    return sum(one.day in days and one.weekday() in weekdays and one.month in months for one in between)


def _matching(expression: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """The weekdays, months and days of months on which it elapses.

    :raises ValueError: it is not understood.
    """
    words = _SHORTHANDS.get(expression.strip(), expression).split()
    weekdays, months, days = _EVERY
    if words and words[0][:3] in _WEEKDAYS:
        weekdays = _weekdays(words.pop(0))
    if words and "-" in words[0] and ":" not in words[0]:
        # A year that is named does not change whose turn it is.
        *_year, month, day = words[0].split("-")
        months, days = _numbers(month, 12), _numbers(day, 31)
    if not (weekdays and months and days):
        raise ValueError(f"{expression} elapses on no day")
    return weekdays, months, days


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in filter(None, text.split(",")):
        first, _dots, last = item.partition("..")
        begin = _WEEKDAYS.index(first[:3])
        end = _WEEKDAYS.index(last[:3]) if last else begin
        found.update(range(begin, end + 1))
    return frozenset(found)


def _numbers(text: str, most: int) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        span, _slash, step = item.partition("/")
        first, _dots, last = span.partition("..")
        begin = 1 if first == "*" else int(first)
        end = int(last) if last else most if step or first == "*" else begin
        found.update(range(begin, min(end, most) + 1, int(step or 1)))
    return frozenset(found)
