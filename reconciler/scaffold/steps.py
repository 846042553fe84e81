"""What to type next: the same in the README of the repository and on the terminal of its maker."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST_STEPS", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """What some lines of shell are for, and the lines."""

    says: str
    commands: tuple[str, ...]


FIRST_STEPS = (
    Step("Check the configuration, and test the policies:", ("reconciler validate", "reconciler test")),
    Step(
        "Start a local cloud in the background, and point this shell at it:",
        ("reconciler simulator --seed simulator/seed.yaml &", "set -a; . simulator/simulator.env; set +a"),
    ),
    Step("See what would be changed, and why:", ("reconciler plan --out plan.json",)),
    Step(
        "See it as reviewers will, as a comment and in a browser:",
        ("reconciler comment plan.json --dry-run", "reconciler show plan.json --format html > plan.html"),
    ),
    Step("Do what the plan says, and nothing more:", ("reconciler apply --plan plan.json",)),
    Step("Stop the local cloud:", ("kill %1",)),
)
"""From the first check to an applied plan, typed in the root of a new repository."""
