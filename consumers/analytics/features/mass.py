"""Where the centre of mass of bodies is, from the masses of their segments."""

from typing import Final

import numpy as np

from consumers.analytics.features.geometry import Floats, add_up
from consumers.analytics.features.poses import MIDDLES, PoseColumns
from keypoints.landmarks import PoseLandmark as Landmark

_ENDS: Final = {name: len(Landmark) + number for number, name in enumerate(MIDDLES)} | {
    landmark.name: landmark.value for landmark in Landmark
}
# Start, end, share of the body's mass, and where between the two its centre lies (source: D. A. Winter, Biomechanics
# and Motor Control of Human Movement, 4th ed. 2009, table 4.1). Head and neck weigh at the ear canals.
_TRUNK_SEGMENTS: Final = (("SHOULDERS", "HIPS", 0.497, 0.5), ("EARS", "EARS", 0.081, 0.0))
_SIDE_SEGMENTS: Final = (
    ("SHOULDER", "ELBOW", 0.028, 0.436),
    ("ELBOW", "WRIST", 0.016, 0.430),
    ("WRIST", "KNUCKLES", 0.006, 0.506),
    ("HIP", "KNEE", 0.100, 0.433),
    ("KNEE", "ANKLE", 0.0465, 0.433),
    ("ANKLE", "FOOT_INDEX", 0.0145, 0.5),
)
_SEGMENTS: Final = _TRUNK_SEGMENTS + tuple(
    (f"{side}_{start}", f"{side}_{end}", mass, centre)
    for side in ("LEFT", "RIGHT")
    for start, end, mass, centre in _SIDE_SEGMENTS
)
_SEGMENT_STARTS: Final = [_ENDS[start] for start, *_ in _SEGMENTS]
_SEGMENT_ENDS: Final = [_ENDS[end] for _, end, *_ in _SEGMENTS]
_MASSES: Final = np.array([mass for *_, mass, _ in _SEGMENTS])[:, None]
_CENTRES: Final = np.array([centre for *_, centre in _SEGMENTS])[:, None]
MASS_NEEDED: Final = 0.7
"""Share of the body: seen from its side it has an arm and a leg hidden (79 % seen), at a desk both legs (68 %)."""


def find_centre_of_mass(poses: PoseColumns) -> Floats:
    """(2, N): x and y in image heights, of the segments that are seen; NaN without the trunk, or too little else."""
    middles = np.stack([poses.middle[name] for name in MIDDLES], axis=1)
    ends = np.concatenate([poses.in_image, middles], axis=1)[:2]
    starts = ends[:, _SEGMENT_STARTS]
    centres = starts + _CENTRES * (ends[:, _SEGMENT_ENDS] - starts)
    seen = ~np.isnan(centres[0])
    masses = np.where(seen, _MASSES, 0.0)
    mass = add_up(masses)
    moments = np.where(seen, centres, 0.0) * masses
    centre = np.stack([add_up(moments[0]), add_up(moments[1])]) / mass
    return np.asarray(np.where(seen[0] & (mass >= MASS_NEEDED), centre, np.nan))
