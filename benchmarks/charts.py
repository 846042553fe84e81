"""The charts of the figures, as SVG beside the table: reads the tables as JSON from stdin. Drawn by matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "reconciler"  # the same figures give the same file

HERE = Path(__file__).parent
OURS, THEIRS = "#2f6f8f", "#c9c9c9"


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def save(name: str) -> None:
    pyplot.tight_layout()
    pyplot.savefig(HERE / f"{name}.svg", metadata={"Date": None})
    pyplot.close()


def planning(rows: list[list[str]]) -> None:
    """CPU time over tasks beside the bound, both axes logarithmic, so that a straight line is linear growth."""
    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    del figure
    tasks = [number(row[0]) for row in rows]
    axes.loglog(tasks, [number(row[1]) for row in rows], "o-", color=OURS, label="reconciler plan")
    axes.loglog(tasks, [number(row[2]) for row in rows], "o--", color=THEIRS, label="fetching and decoding alone")
    axes.set(xlabel="tasks", ylabel="CPU seconds", title="Planning, ten policies, 1 % selected")
    axes.grid(visible=True, which="major", color="#eeeeee")
    axes.legend(frameon=False)
    save("planning")


def economy(rows: list[list[str]]) -> None:
    """Requests of a run beside the fewest."""
    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    del figure
    places = range(len(rows))
    axes.barh([place - 0.2 for place in places], [number(row[1]) for row in rows], 0.4, color=OURS, label="reconciler")
    axes.barh([place + 0.2 for place in places], [number(row[2]) for row in rows], 0.4, color=THEIRS, label="fewest")
    axes.set_yticks(list(places), [row[0] for row in rows], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="requests", title="Requests of one run")
    axes.legend(frameon=False)
    save("economy")


if __name__ == "__main__":
    for table in json.load(sys.stdin):
        draw = {"Planning": planning, "Request economy": economy}.get(table["title"])
        if draw is not None:
            draw(table["rows"])
