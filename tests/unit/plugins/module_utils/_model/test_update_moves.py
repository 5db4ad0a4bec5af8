# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import update_moves
from ansible_collections.quorum.etcd.plugins.module_utils._model.update_moves import Move, Standing

STANDINGS = [Standing(False, False), Standing(True, False), Standing(True, True)]
BOTH = (False, True)
ALL = pytest.mark.parametrize("standing, first, second", list(product(STANDINGS, BOTH, BOTH)))


def test_a_member_without_a_process_does_not_serve():
    with pytest.raises(ValueError, match="without a process"):
        Standing(runs=False, serves=True)


def in_order(moves, *wanted):
    """Whether these moves are there, each once, in this order."""
    return [move for move in moves if move in wanted] == list(wanted)


@ALL
class TestForwards:
    def test_nothing_is_written_before_it_is_kept(self, standing, first, second):
        assert update_moves.forwards(standing, first, second)[:2] == (Move.KEEP, Move.WRITE)

    def test_a_member_is_started_only_where_it_must_read_something_anew(self, standing, first, second):
        moves = update_moves.forwards(standing, first, second)
        assert (Move.START in moves) is (Move.STOP in moves) is first

    def test_its_cluster_is_asked_after_the_files_are_there_and_told_its_address_before_it_moves(
        self, standing, first, second
    ):
        moves = update_moves.forwards(standing, first, second)
        told = [Move.READDRESS] * second
        wanted = [Move.WRITE, Move.STOP, *told, Move.START, Move.VERIFY] if first else [Move.WRITE, *told]
        assert in_order([move for move in moves if first or move is not Move.VERIFY], Move.KEEP, *wanted)

    def test_it_ends_with_a_proof_where_anything_could_have_broken(self, standing, first, second):
        moves = update_moves.forwards(standing, first, second)
        assert (moves[-1] is Move.VERIFY) is (first or standing.serves)


@ALL
class TestBack:
    """First: it may have been started since. Second: its cluster may know it by new peer URLs."""

    def test_whatever_runs_with_new_files_is_stopped_by_the_one_move_that_asks(self, standing, first, second):
        moves = update_moves.back(standing, first, second)
        assert (moves[0] is Move.STOP) is (first and standing.runs)
        assert Move.STOP not in moves[1:]

    def test_what_never_read_the_new_files_is_not_restarted(self, standing, first, second):
        moves = update_moves.back(standing, first, second)
        assert (Move.START in moves) is (Move.SERVE in moves) is first

    def test_files_lie_there_before_it_starts_and_its_address_is_told_once_it_serves(self, standing, first, second):
        started = [Move.START, Move.SERVE] * first
        wanted = [Move.RESTORE, *started, *[Move.ADDRESS_BACK] * second, Move.DROP]
        assert in_order(update_moves.back(standing, first, second), *wanted)

    def test_what_was_kept_is_dropped_last(self, standing, first, second):
        assert update_moves.back(standing, first, second)[-1] is Move.DROP
