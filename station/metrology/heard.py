"""Who the instruments of a bench said they are: the last word of each, and who else was heard since a run began."""

from __future__ import annotations

from drivers.ports import Identity


class Heard(dict[str, Identity]):
    """By role. An instrument that was swapped and swapped back has measured in between: that is kept until `begin`."""

    def __init__(self) -> None:
        super().__init__()
        self._changes: dict[str, list[str]] = {}
        self._untold: list[str] = []

    def __setitem__(self, role: str, identity: Identity) -> None:
        """What an instrument says of itself now."""
        before = self.get(role)
        super().__setitem__(role, identity)
        if before is None or before.serial_number == identity.serial_number:
            return
        old, new = before.serial_number or "—", identity.serial_number or "—"
        self._changes.setdefault(role, [old]).append(new)
        self._untold.append(f"{role}: the instrument was swapped: it said number {old}, and then {new}")

    def begin(self) -> None:
        """A run begins, with those who are there now."""
        self._changes.clear()
        self._untold.clear()

    def changes(self, role: str) -> tuple[str, ...]:
        """The numbers that were heard in this role, in order, where it was more than one since `begin`."""
        return tuple(self._changes.get(role, ()))

    def news(self) -> tuple[str, ...]:
        """Each change once, for the record."""
        told, self._untold = tuple(self._untold), []
        return told
