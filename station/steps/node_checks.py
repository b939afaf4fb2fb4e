"""Node voltages of any device: the nodes stand in the plan, the technician holds the probe there, the limit judges.

A step may have one node or several. A product that lacks a node leaves out the whole step (`without`), so what products
differ in gets a step of its own. The amplifier's own nodes are `nodes.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from station.domain.measurement import Measurement
from station.steps.checklist import ID, Words
from station.steps.params import require
from station.steps.readings import read_mean
from station.steps.step import StepContext

VOLTS = "probe.volts_v"


@dataclass(frozen=True, slots=True)
class Node:
    """One place for the tip: where `text` says; `measures` its DC volts to the supply's minus (or chassis).

    `hands`: the tip is clipped on with the device off and the lid released, not held there through the lid's opening.
    """

    id: str
    text: Words
    measures: str
    hands: bool = False

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError(f"node id {self.id!r}; use small letters, digits, _ and -")
        if not self.measures.endswith("_v"):
            raise ValueError(f"node {self.id!r} measures {self.measures!r}; end the name in _v, these are volts")


@dataclass(frozen=True, slots=True)
class Params:
    """`nodes` in the order of asking; at each, `settle_s` after OK (or after power is back), the mean of `readings`."""

    nodes: tuple[Node, ...]
    readings: int = 3
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        ids, names = {node.id for node in self.nodes}, {node.measures for node in self.nodes}
        if not self.nodes or min(len(ids), len(names)) < len(self.nodes):
            raise ValueError("nodes must be there, each with an id and a measurement of its own; correct the list")
        require("readings", self.readings, 1, 50)
        require("settle_s", self.settle_s, 0.0, 60.0)


def items_of(params: Mapping[str, Any]) -> Mapping[str, str]:
    """See `step.ItemsOf`; says nothing about nodes that are not well formed."""
    nodes = params.get("nodes")
    rows = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    return {str(node.get("id")): str(node.get("measures", "")) for node in rows}


async def measure(context: StepContext, params: Params) -> None:
    """Records what its nodes measure. A node out of reach (NG) was not measured: an ERROR of that one alone."""
    for done, node in enumerate(params.nodes):
        if not await _reached(context, node):
            context.note(f"{node.id}: the technician cannot reach it")
            context.record(Measurement(node.measures, None))
            continue
        await context.clock.sleep(params.settle_s)
        volts, uncertainty = await read_mean(context.bench.meters, VOLTS, params.readings)
        context.record(Measurement(node.measures, volts, uncertainty=uncertainty, conditions={"node": node.text.en}))
        context.progress((done + 1) / len(params.nodes), {node.measures: volts})


async def _reached(context: StepContext, node: Node) -> bool:
    """Whether the tip is there, with the device on again."""
    if node.hands:
        await context.bench.mains.off()
        await context.bench.drive.release()
        zh, en = (
            f"已断电：探针夹到{node.text.zh}，关好盖子",
            f"Power is off. Clip the probe to {node.text.en}, shut the lid.",
        )
    else:
        live = context.product.protection_class != "III"
        zh = f"{'带电！' if live else ''}绝缘探针经盖上开口接{node.text.zh}"
        en = f"{'LIVE! ' if live else ''}Insulated probe through the lid's opening: {node.text.en}."
    text = {"zh": f"{zh}，接好按 OK，够不到按 NG", "en": f"{en} OK when there, NG if out of reach"}
    reached = await context.ask(text, {"probe": node.id}, hands=node.hands)
    if node.hands:
        await context.bench.mains.on(context.mains_bound_s)
    return reached
