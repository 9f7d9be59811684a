"""Synthetic performers: a kinematic skeleton that acts, seen as MediaPipe Holistic would see it.

performer = Performer("dancer", [Act(ActKind.WAVE, 1.0, 4.0, Side.LEFT)], seed=7)
batch = performer.batch(np.arange(150) / 30.0)     # frames, as columns
truth = performer.truth(np.arange(150) / 30.0)     # joint rotations and positions, hand shapes
"""

from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.hand_shapes import HandShape
from performers.joints import Joint, Side
from performers.noise import Noise
from performers.performer import Performer, Stage, Truth
from performers.skeleton import Body

__all__ = [
    "Act",
    "ActKind",
    "Body",
    "Camera",
    "HandShape",
    "Joint",
    "Noise",
    "Performer",
    "Side",
    "Stage",
    "Truth",
]
