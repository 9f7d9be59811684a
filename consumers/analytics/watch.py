"""All recognisers of one stream, in the order they see a frame."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields

from consumers.analytics.anomalies.recogniser import Anomalies
from consumers.analytics.exercises.recogniser import Exercises
from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.recogniser import CaptureFaults
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Moment, Recogniser
from consumers.analytics.movements.recogniser import Movements
from consumers.analytics.reactions.recogniser import Reactions
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.shapes.holding import HandShapes
from consumers.analytics.taught.movements import TaughtMovements
from consumers.analytics.windows.recogniser import Windows
from consumers.analytics.windows.window_row import WindowRow


@dataclass(slots=True)
class Watch:
    """Faults of the capture come first: what is not to be believed is taken out of the facts for all others."""

    faults: CaptureFaults = field(default_factory=CaptureFaults)
    shapes: HandShapes = field(default_factory=HandShapes)
    movements: Movements = field(default_factory=Movements)
    exercises: Exercises = field(default_factory=Exercises)
    taught: TaughtMovements = field(default_factory=TaughtMovements)
    anomalies: Anomalies = field(default_factory=Anomalies)
    windows: Windows = field(default_factory=Windows)
    reactions: Reactions = field(default_factory=Reactions)

    def advance(
        self, moment: Moment, facts: FrameFacts, verdict: Verdict, repertoire: Repertoire
    ) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """Take the stream's next frame in order. Returns what changed, and the windows that closed."""
        changes = list(self.faults.advance(moment, facts, verdict))
        changes += self.shapes.advance(moment, facts, repertoire.shape_names, repertoire.taught_versions)
        changes += self.movements.advance(moment, facts)
        changes += self.exercises.advance(moment, facts)
        changes += self.taught.advance(moment, facts, repertoire.taught_movements)
        changes += self.anomalies.advance(moment, facts)
        closed = self.windows.advance(moment, facts)
        self.windows.count(changes)
        if repertoire.rules:
            shown = self._list_shown(moment.at_us) if self.reactions.awaited else ()
            changes += self.reactions.advance(moment, facts.stream_id, changes, shown, repertoire.rules)
        return changes, closed

    def take_late(
        self, moment: Moment, facts: FrameFacts, verdict: Verdict, repertoire: Repertoire
    ) -> Sequence[Change]:
        """Take a frame that is not judged."""
        if verdict is Verdict.LATE:
            self.windows.take_late(moment.at_us, facts)
        changes = self.faults.advance(moment, facts, verdict)
        return [*changes, *self.reactions.take_late(facts.stream_id, changes, repertoire.rules)]

    def end(self, stream_id: str, repertoire: Repertoire) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """The stream is over, or its time was set back: end what is open, and forget what was building up."""
        changes = [*self.faults.end(), *self.shapes.end(), *self.movements.end(), *self.exercises.end()]
        changes += [*self.taught.end(repertoire.taught_movements), *self.anomalies.end()]
        self.windows.count(changes)
        changes += self.reactions.take_late(stream_id, changes, repertoire.rules)
        self.reactions.end()
        return changes, self.windows.end()

    def give_up(self, repertoire: Repertoire) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """A recogniser broke: end what can still be ended, and be as new."""
        changes: list[Change] = []
        closed: Sequence[WindowRow] = ()
        recognisers: tuple[Recogniser, ...] = (self.shapes, self.movements, self.exercises, self.anomalies)
        with suppress(Exception):
            changes += self.faults.end()
        with suppress(Exception):
            changes += self.taught.end(repertoire.taught_movements)
        for recogniser in recognisers:
            with suppress(Exception):
                changes += recogniser.end()
        with suppress(Exception):
            closed = self.windows.end()
        # The same ten seconds may come again, and are to stand beside what is closed now.
        windows = Windows(stretch=self.windows.stretch + 1)
        new = Watch(windows=windows)
        for part in fields(self):
            setattr(self, part.name, getattr(new, part.name))
        return changes, closed

    def _list_shown(self, at_us: int) -> list[tuple[str, str]]:
        """Kind and subject of what the newest frame shows of what is held."""
        return [*self.shapes.shown(at_us), *self.movements.poses.shown(at_us)]
