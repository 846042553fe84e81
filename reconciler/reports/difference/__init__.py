"""What two plans differ in."""

from reconciler.documents.document import Format
from reconciler.planning.difference import PlanDifference

DIFFERENCE = Format("reconciler.diff", "2.0", PlanDifference, "Difference of two plans of media-reconciler")
