"""One performer's motion over time: smoothed while seen, held and faded when lost, led back on return."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from consumers.avatar.face.expressions import SHAPE_COUNT, Ratios
from consumers.avatar.humanoid.rotations import Quaternions, slerp
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE, Bone
from consumers.avatar.smoothing.one_euro import BONE_TUNING, RotationFilter, Tuning, ValueFilter
from consumers.avatar.smoothing.presence import Flags, Presence

_SHAPE_TUNING: Final = Tuning(np.full(SHAPE_COUNT, 2.0), np.full(SHAPE_COUNT, 4.0))


@dataclass(frozen=True, slots=True)
class AvatarState:
    """What an avatar shows at one moment.

    `rotations` float64[55, 4] local, of unit length; `shapes` float64[7] in 0…1; `bones_known` and `shapes_known` say
    which of them were ever seen (the others are not to be sent); `tracked` whether the body is seen now.
    """

    rotations: Quaternions
    shapes: Ratios
    bones_known: Flags
    shapes_known: Flags
    tracked: bool


class Motion:
    """Times are seconds on the clock of the performer's own frames; `observe` wants them in ascending order."""

    def __init__(self) -> None:
        self._bones = Presence(BONE_COUNT)
        self._shapes = Presence(SHAPE_COUNT)
        self._rotation_filter = RotationFilter(BONE_TUNING)
        self._shape_filter = ValueFilter(_SHAPE_TUNING)
        self._rotations_before = REST_POSE.copy()
        self._shapes_before = np.zeros(SHAPE_COUNT)

    def observe(self, rotations: Quaternions, shapes: Ratios, at_s: float) -> None:
        """Take what the solver made of one frame: float64[55, 4] and float64[7], NaN where it saw nothing."""
        shown = self.state_at(at_s)
        bones_seen, shapes_seen = np.isfinite(rotations[:, 0]), np.isfinite(shapes)
        bones_back, shapes_back = self._bones.observe(bones_seen, at_s), self._shapes.observe(shapes_seen, at_s)
        self._rotations_before[bones_back] = shown.rotations[bones_back]
        self._shapes_before[shapes_back] = shown.shapes[shapes_back]
        self._rotation_filter.observe(rotations, bones_seen, bones_back, at_s)
        self._shape_filter.observe(shapes, shapes_seen, shapes_back, at_s)

    def state_at(self, at_s: float) -> AvatarState:
        """What to show at a moment at or after the last frame's."""
        live = slerp(self._rotations_before, self._rotation_filter.value, self._bones.returned_share(at_s))
        open_share = self._shapes.returned_share(at_s)
        open_live = self._shapes_before + open_share * (self._shape_filter.value - self._shapes_before)
        return AvatarState(
            rotations=slerp(live, REST_POSE, self._bones.lost_share(at_s)),
            shapes=open_live * (1.0 - self._shapes.lost_share(at_s)),
            bones_known=self._bones.known,
            shapes_known=self._shapes.known,
            tracked=self._bones.is_held(Bone.HIPS, at_s),
        )

    def rebase(self, old_s: float, new_s: float) -> None:
        """Go on with another clock, whose `new_s` is the old one's `old_s`, from the pose shown there."""
        shown = self.state_at(old_s)
        self._rotation_filter.value[:] = shown.rotations
        self._shape_filter.value[:] = shown.shapes
        self._bones.rebase(new_s)
        self._shapes.rebase(new_s)
