"""All recognisers of one stream, in the order they see a frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Moment
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.shapes.holding import HandShapes
from consumers.analytics.windows.window_row import WindowRow


@dataclass(slots=True)
class Watch:
    """Faults of the capture come first: what is not to be believed is taken out of the facts for all others."""

    shapes: HandShapes = field(default_factory=HandShapes)

    def advance(
        self, moment: Moment, facts: FrameFacts, verdict: Verdict, repertoire: Repertoire
    ) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """Take the stream's next frame in order. Returns what changed, and the windows that closed."""
        changes: list[Change] = []
        changes += self.shapes.advance(moment, facts, repertoire.shape_names)
        return changes, ()

    def take_late(self, moment: Moment, facts: FrameFacts, verdict: Verdict) -> Sequence[Change]:
        """Take a frame that is not judged."""
        return ()

    def end(self) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """The stream is over, or its time was set back: end what is open, and forget what was building up."""
        return list(self.shapes.end()), ()
