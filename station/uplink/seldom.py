"""What would be said again and again is said once in a while, with how often it happened meanwhile."""

from __future__ import annotations

from collections.abc import Callable


class Seldom:
    """Kinds of things to say; there are few of them."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._said_at_s: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, kind: str, text: str, pause_s: float) -> str | None:
        """The text, with the number of those that were swallowed since the last; None where it is too early."""
        now_s = self._now_s()
        if now_s - self._said_at_s.get(kind, float("-inf")) < pause_s:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return None
        self._said_at_s[kind] = now_s
        unsaid = self._unsaid.pop(kind, 0)
        return f"{text} (and {unsaid} more since the last)" if unsaid else text
