"""Renderings of plans and reports: pure functions of the data, without a clock, a file or a terminal."""
