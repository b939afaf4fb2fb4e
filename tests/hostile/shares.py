"""How many messages a scene gets in CI and by hand, and the seed: `HOSTILE_SEED`, as a failure prints it."""

from __future__ import annotations

import os

from tests.hostile.scenes import SCENES

IN_CI = -(-5_000 // len(SCENES))
BY_HAND = -(-50_000 // len(SCENES))
SEED = int(os.environ.get("HOSTILE_SEED", "5"))
