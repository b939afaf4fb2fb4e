"""The fit's shortcuts (closed-form transforms, Newton's steps) against the sums and the search they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from station.analysis.harmonic_fit import DEEP, TAPERED, Weighting, fit_harmonics, refine_turns


@pytest.mark.parametrize("weighting", [TAPERED, DEEP])
@pytest.mark.parametrize("n", [999, 1000])
def test_a_window_s_transform_is_the_sum_over_its_frames(weighting: Weighting, n: int) -> None:
    window, t = weighting.window(n), np.arange(n) - n / 2.0
    turns = np.array([0.0, 0.3 / n, 1.0 / n, 0.5 / round(0.1 * n), 0.0123, 0.25, 0.4999])
    summed = np.array([float(window @ np.cos(2.0 * np.pi * f * t)) for f in turns])
    assert weighting.transform(n, turns) == pytest.approx(summed, abs=1e-9 * n)
    assert window[1:] == pytest.approx(window[:0:-1], abs=1e-12)


def test_refining_ends_where_the_squared_residual_is_least() -> None:
    """Against a search over the frequency with a fit at each: noise, a hum and harmonics are all there."""
    n, turns = 4800, 997.37 / 48000
    u = np.arange(n)
    x = np.sin(2 * np.pi * turns * u + 0.4) + 1e-2 * np.sin(4 * np.pi * turns * u)
    x += 1e-3 * np.random.default_rng(2).standard_normal(n)
    refined = refine_turns(x, turns + 0.2 / n, 4)

    def left(at: float) -> float:
        fit = fit_harmonics(x, at, 4)
        return float(fit.weights @ fit.residual**2)

    assert abs(refined - turns) * n < 1e-3
    assert left(refined) <= min(left(refined - 1e-6 / n), left(refined + 1e-6 / n)) * (1.0 + 1e-12)
    assert left(refined) < min(left(refined - 1e-3 / n), left(refined + 1e-3 / n))


def test_an_order_beyond_half_the_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="order 3"):
        fit_harmonics(np.zeros(1000), 0.2, 3)


@pytest.mark.parametrize("weighting", [TAPERED, DEEP])
def test_harmonics_at_minus_120_db_are_exact_beside_a_clean_fundamental(weighting: Weighting) -> None:
    n, turns = 12000, 997.37 / 48000
    t = np.arange(n) - n / 2.0
    x = np.sin(2 * np.pi * turns * t + 0.7) + 1e-6 * np.sin(4 * np.pi * turns * t + 0.1)
    fit = fit_harmonics(x, turns, 4, weighting)
    assert abs(fit.lines[2]) == pytest.approx(1e-6, rel=1e-6)
    assert abs(fit.lines[0]) < 1e-12
