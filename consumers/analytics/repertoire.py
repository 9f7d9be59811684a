"""What is looked for: the built-in recognisers' own, and what users taught and wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumers.analytics.shapes.hand_shape import SHAPES


@dataclass(frozen=True, slots=True)
class Repertoire:
    """The same for all streams of a task, and part of no state."""

    shape_names: tuple[str, ...] = SHAPES
    """What `HandFacts.scores` are of."""
    taught_versions: Mapping[str, str] = field(default_factory=dict)
    """By name of a taught gesture: which teaching of it."""
