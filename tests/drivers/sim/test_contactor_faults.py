"""The simulated contactor at fault: contacts that do not follow the coil, and what happens when they are mended."""

from __future__ import annotations

from drivers.sim.mains import Contactor


def settle(contactor: Contactor, wall_s: float) -> bool:
    """Let the contacts arrive, if they are on their way; whether they are closed then."""
    if contactor.due(wall_s) is not None:
        contactor.move()
    return contactor.closed


def test_contacts_that_weld_close_once_more_and_stay_until_they_are_mended() -> None:
    contactor = Contactor()
    contactor.set_fault("weld", 0.0)
    assert not settle(contactor, 1.0), "what is open cannot weld"
    contactor.command(True, 1.0)
    assert settle(contactor, 2.0)
    contactor.command(False, 2.0)
    assert settle(contactor, 3.0)
    contactor.set_fault(None, 3.0)
    assert contactor.closed and not settle(contactor, 3.0 + Contactor.MOTION_S)


def test_contacts_that_drop_out_open_under_a_driven_coil_and_close_again_when_mended() -> None:
    contactor = Contactor()
    contactor.command(True, 0.0)
    assert settle(contactor, 1.0)
    contactor.set_fault("dropout", 1.0)
    assert contactor.closed and not settle(contactor, 1.0 + Contactor.MOTION_S)
    contactor.command(False, 2.0)
    contactor.command(True, 2.1)
    assert not settle(contactor, 3.0)
    contactor.set_fault(None, 3.0)
    assert settle(contactor, 4.0)


def test_contacts_without_a_fault_follow_the_coil_after_their_motion() -> None:
    contactor = Contactor()
    contactor.command(True, 0.0)
    assert contactor.due(Contactor.MOTION_S / 2) is None
    assert settle(contactor, Contactor.MOTION_S)
    contactor.command(False, 1.0)
    contactor.command(True, 1.0 + Contactor.MOTION_S / 2)
    assert settle(contactor, 2.0)
