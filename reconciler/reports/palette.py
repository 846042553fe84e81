"""Colours of a terminal, or none."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Palette"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Paints text with ANSI sequences if `enabled`. Whether a terminal wants them is the caller's knowledge."""

    enabled: bool = False

    def bold(self, text: str) -> str:
        return self._painted(text, "1")

    def faint(self, text: str) -> str:
        return self._painted(text, "2")

    def red(self, text: str) -> str:
        return self._painted(text, "31")

    def green(self, text: str) -> str:
        return self._painted(text, "32")

    def yellow(self, text: str) -> str:
        return self._painted(text, "33")

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and text else text
