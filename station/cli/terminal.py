"""The terminal that people's tables are drawn on: what a text of elsewhere holds cannot steer it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from station.domain.printable import printable_lines


class Terminal(Console):
    """A console of rich, whose own controls pass and nobody else's do: rich lets an ESC in a text through."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As the console; each text of it without controls."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)
