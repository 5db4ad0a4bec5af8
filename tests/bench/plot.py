# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws what C(bench.py) measured: usage: plot.py RESULTS.json PICTURE.svg."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot


def plot(results: list[dict], path: Path) -> None:
    """Where the time of a fresh cluster goes, and a run with nothing to do beside the floor."""
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.9 * len(results)))
    labels = []
    for row, one in enumerate(results):
        left = 0.0
        for column, (name, seconds) in enumerate(one["phases"].items()):
            axes.barh(2 * row, seconds, left=left, color=f"C{column}", label=name if row == 0 else None)
            left += seconds
        axes.barh(2 * row + 1, one["seconds"]["no-op"], color="0.6", label="nothing to do" if row == 0 else None)
        axes.barh(2 * row + 1, one["seconds"]["ping"], color="0.2", label="ping, the floor" if row == 0 else None)
        labels += [f"{one['hosts']} hosts: fresh", f"{one['hosts']} hosts: no-op"]
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    plot(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
