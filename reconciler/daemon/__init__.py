"""`reconciler run`: cycles of plan and apply on a schedule, and what is told about them over HTTP."""
