"""The kernel and the guarded ports over the real drivers, wires, twins and guard firmware, in real time."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.errors import PermitDenied
from drivers.ports import GuardState, InsulationSetup
from station.assembly import Devices, make_devices
from station.cli.children import Child, start_child
from station.domain.clock import ScaledClock
from station.safety.guarded import build_bench
from station.safety.kernel import Kernel
from station.safety.latch import Latch
from station.safety.rules import AUDIO, Rules
from station.settings.loading import load
from station.steps.catalog import STEPS

SPEED = 60.0
PATIENT = Rules(period_s=0.1, min_off_s=1.0)
"""Twice the period: this machine is shared, and a test is no real-time process. Heartbeats still come three times as
often as the guard needs them."""


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """A full collection of all that earlier tests left takes longer than a scan may; the daemon freezes its own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class SilentSound:
    """The sound process of a bench that makes no sound in this test."""

    async def mute(self) -> None:
        return


class NoLatch:
    async def set(self, reason: str) -> None:
        raise AssertionError(f"no weld is expected here: {reason}")

    async def read(self) -> str | None:
        return None


async def wait_for(check: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def on_a_bench(
    folder: Path, scene: Callable[[Kernel, Any, Child, list[float | None]], Awaitable[None]], latch: Latch | None = None
) -> None:
    """Start the simulated bench and a kernel over it, play the scene, close both."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    arguments = ["simulate", "--dut", "repaired", "--speed", str(int(SPEED)), "--config-out", str(folder / "config")]
    with start_child(arguments, folder / "bench.log") as twins:
        told = json.loads(await asyncio.to_thread(twins.wait_line, 30.0))
        tree = load(Path(told["config"]), STEPS, CATALOG)
        devices: Devices = make_devices(tree.station)
        pages: list[float | None] = [None]
        kernel = Kernel(
            devices.guard, devices.desk, devices.pollers, devices.table, tree.interlocks, latch or NoLatch(),
            lambda until: pages.__setitem__(0, until), time.monotonic, PATIENT,
        )  # fmt: skip
        bench = build_bench(kernel, devices.tester, devices.touch, SilentSound(), ScaledClock(SPEED))  # type: ignore[arg-type]
        try:
            await kernel.start()
            await wait_for(lambda: kernel.status is not None and kernel.desk.started, "guard and relays answer")
            await wait_for(lambda: bool(kernel.trips), "the guard's BOOT is seen")
            await wait_for(lambda: kernel.why_reset_refused() == (), "everything is healthy")
            assert [(trip.interlock, trip.cause) for trip in kernel.trips][:1] == [("guard", "BOOT")]
            assert await kernel.reset() == ()
            await scene(kernel, bench, twins, pages)
        finally:
            await kernel.close()
            await devices.close()


@pytest.mark.timeout(90)
async def test_insulation_mains_drive_and_an_opened_lid_on_the_simulated_bench(tmp_path: Path) -> None:
    async def scene(kernel: Kernel, bench: Any, twins: Child, pages: list[float | None]) -> None:
        reading = await bench.tester.measure_insulation(InsulationSetup(500.0, 5.0, 5.0))
        assert reading.value == pytest.approx(80.0, rel=0.03)
        assert kernel.relay("tester") is False and kernel.is_dead()

        await bench.meters.arm_probe()
        await bench.mains.on(7200.0)
        assert kernel.status is not None and kernel.status.k
        with pytest.raises(PermitDenied):
            kernel.permits.hv.check()
        await bench.drive.prepare()
        assert all(kernel.relay(role) for role in AUDIO) and kernel.permits.drive.granted
        assert pages[0] is not None and pages[0] - time.monotonic() < PATIENT.permit_s
        assert kernel.trips == ()

        twins.send("lid 0")
        await asyncio.wait_for(kernel.wait_tripped(), 5.0)
        assert (kernel.trips[0].cause, kernel.trips[0].kind) == ("LID", "person") and pages[0] is None
        await bench.mains.off()
        await bench.drive.release()
        assert not any(kernel.relay(role) for role in AUDIO) and kernel.is_dead()

        twins.send("lid 1")
        await wait_for(lambda: kernel.why_reset_refused() == (), "the lid is closed again")
        assert await kernel.reset() == ()
        await asyncio.sleep(0.5)
        assert kernel.status.state is GuardState.SAFE and not kernel.status.k and kernel.trips == ()

    await on_a_bench(tmp_path, scene)
