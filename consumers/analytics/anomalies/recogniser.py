"""What somebody may have to look at: falls, stillness, trembling, leaving, and motion unlike a stream's own past."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.analytics.anomalies.falls import Falls
from consumers.analytics.anomalies.leaving import Leaving
from consumers.analytics.anomalies.stillness import Stillness
from consumers.analytics.anomalies.tremor import Tremor
from consumers.analytics.anomalies.unusual import UnusualMotion
from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Moment


@dataclass(slots=True)
class Anomalies:
    """A Recogniser. It takes frames from which what is not to be believed has been taken out."""

    falls: Falls = field(default_factory=Falls)
    stillness: Stillness = field(default_factory=Stillness)
    left: Tremor = field(default_factory=lambda: Tremor("left"))
    right: Tremor = field(default_factory=lambda: Tremor("right"))
    leaving: Leaving = field(default_factory=Leaving)
    unusual: UnusualMotion = field(default_factory=UnusualMotion)

    def advance(self, moment: Moment, facts: FrameFacts) -> Sequence[Change]:
        """Take the stream's next frame, in order of time."""
        body = facts.body
        changes = self.falls.take(moment, body)
        changes += self.stillness.take(moment, facts, after_fall=self.falls.is_fallen)
        if body is None:
            changes += self.left.pass_over(moment)
            changes += self.right.pass_over(moment)
        else:
            changes += self.left.take(moment, body.left_wrist_right, body.left_wrist_up, body.scale)
            changes += self.right.take(moment, body.right_wrist_right, body.right_wrist_up, body.scale)
        changes += self.leaving.take(moment, facts)
        changes += self.unusual.take(moment, facts)
        return changes

    def end(self) -> Sequence[Change]:
        """The stream is over, or its time was set back: end what goes on."""
        changes = [*self.falls.end(), *self.stillness.end(), *self.left.end(), *self.right.end()]
        return [*changes, *self.leaving.end(), *self.unusual.end()]
