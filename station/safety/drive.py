"""The drive interlock: what must be true before sound may go out, in the order in which it is made true [11, 21]."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.ports import GuardState
from station.domain.measurement import Channel
from station.safety.errors import Misrouted
from station.safety.kernel import Kernel
from station.safety.proof import fresh, prove_fan, prove_unclipped
from station.safety.routing import GuardedRouting
from station.safety.rules import AUDIO, LOADS
from station.safety.settled import settle, try_all
from station.safety.snapshot import DriveWish
from station.safety.sound import GuardedSound


class GuardedDrive:
    """See `bench.DriveInterlock`."""

    def __init__(self, kernel: Kernel, routing: GuardedRouting, sound: GuardedSound) -> None:
        self._kernel = kernel
        self._routing = routing
        self._sound = sound

    async def prepare(self) -> None:
        """No bias clips on, fan on and proven, terminals quiet, loads, capture, source, then the permit.

        Nothing to do if all stands. Raises `PermitDenied`, `DriverError`, `ClipsOn`, `TerminalsLive`, `StepError`;
        drive is released whenever this raises.
        """
        kernel, rules = self._kernel, self._kernel.rules
        kernel.refuse_if_tripped()
        status = kernel.status
        if status is None or status.state is not GuardState.ENERGISED:
            raise Misrouted("drive needs mains on")
        if kernel.wishes.drive is DriveWish.FULL and kernel.permits.drive.granted:
            return
        try:
            await self._routing.silence()
            await prove_unclipped(kernel)
            kernel.request_drive(DriveWish.PREPARE)
            await kernel.until(lambda: self._routing.is_closed("fan"), rules.permit_wait_s, "the fan's relay")
            await prove_fan(kernel)
            await self._routing.close(*LOADS, "capture", "source")
            self._sound.bound_v = None
            await self._take(DriveWish.FULL)
        except BaseException:
            await settle(self._release())
            raise

    async def unload(self, source_max_v: float) -> None:
        """Mute, open the loads, then allow at most `source_max_v` V rms at the DUT's input until `prepare`."""
        if self._kernel.wishes.drive is not DriveWish.FULL:
            raise Misrouted("take the loads off only with drive prepared")
        limit_v = self._kernel.rules.open_load_source_v_max
        if not 0.0 < source_max_v <= limit_v:
            raise Misrouted(f"{source_max_v:g} V rms without a load is not within 0 to {limit_v:g} V")
        try:
            await self._routing.open(*LOADS)
            self._sound.bound_v = source_max_v
            await self._take(DriveWish.LOW)
        except BaseException:
            await settle(self._release())
            raise

    async def measure_loads(self) -> Mapping[Channel, tuple[float, float]]:
        """Mute, open the loads, read the load bank's ohmmeter: ohm and uncertainty (k=2). The loads stay open."""
        kernel = self._kernel
        await self._routing.open(*LOADS)
        role = kernel.rules.load_role
        ohms = await fresh(kernel, role, ("left_ohm", "right_ohm"))
        sensor, accuracy = kernel.pollers.of(role).sensor, kernel.pollers.of(role).accuracy
        check_loads = getattr(sensor, "check_loads", None)  # of a load bank that knows its own resistance
        if check_loads is not None:
            check_loads(ohms)
        left, right = ohms["left_ohm"], ohms["right_ohm"]
        return {
            "left": (left, accuracy["left_ohm"].expanded(left)),
            "right": (right, accuracy["right_ohm"].expanded(right)),
        }

    async def release(self) -> None:
        """Permit away, mute, open source, capture and loads; the fan runs on while the load bank is hot [23]."""
        await settle(self._release())

    async def _take(self, wish: DriveWish) -> None:
        self._kernel.request_drive(wish)
        await self._kernel.wait_permit("drive", self._kernel.rules.permit_wait_s)

    async def _release(self) -> None:
        kernel, rules = self._kernel, self._kernel.rules
        kernel.request_drive(DriveWish.OFF)
        await try_all((self._sound.mute, rules.clean_up_s), (lambda: kernel.desk.open(*AUDIO), rules.relays_s))
