"""What is looked for: the built-in recognisers' own, and what users taught and wrote."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from consumers.analytics.reactions.rule import Rule
from consumers.analytics.shapes.hand_shape import SHAPES
from consumers.analytics.taught.gesture import TaughtGesture
from consumers.analytics.taught.movements import MovementCatalogue
from consumers.analytics.taught.shapes import TaughtShapes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repertoire:
    """The same for all streams of a task, and part of no state."""

    shape_names: tuple[str, ...] = SHAPES
    """What `HandFacts.scores` are of."""
    taught_versions: Mapping[str, str] = field(default_factory=dict)
    """By name of a taught shape: which teaching of it."""
    taught_shapes: TaughtShapes | None = None
    """None: none are taught, and no column is measured for them."""
    taught_movements: MovementCatalogue = field(default_factory=MovementCatalogue)
    rules: tuple[Rule, ...] = ()
    """What users want to be told of."""

    @classmethod
    def of(cls, taught: Iterable[TaughtGesture], rules: tuple[Rule, ...] = ()) -> Self:
        """The built-in repertoire, and what was taught; of names that are built in by now it warns, and leaves them."""
        gestures = []
        for gesture in taught:
            if gesture.is_built_in:
                logger.warning(
                    "the taught gesture %s is not looked for: that name is built in by now",
                    gesture.name,
                    extra={"hint": f"holistic gestures remove {gesture.name}, and teach it under another name"},
                )
            else:
                gestures.append(gesture)
        shapes = TaughtShapes(gestures)
        return cls(
            shape_names=(*SHAPES, *shapes.names),
            taught_versions=shapes.versions,
            taught_shapes=shapes if shapes.names else None,
            taught_movements=MovementCatalogue(gestures),
            rules=rules,
        )
