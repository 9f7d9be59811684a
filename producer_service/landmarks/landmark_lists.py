"""MediaPipe's landmark messages to numpy, without touching the landmarks one by one."""

from typing import Any, Final

import numpy as np

from keypoints.frame import Float32Array

# A landmark list is `repeated Landmark landmark = 1`, a landmark `float x = 1, y = 2, z = 3, visibility = 4`
# (mediapipe/framework/formats/landmark.proto): in protobuf's encoding every landmark is a tag and a length, then each
# value a tag and four little-endian bytes.
_LIST_TAG: Final = 0x0A
_VALUE_TAGS: Final = (0x0D, 0x15, 0x1D, 0x25)
_HEAD_BYTES: Final = 2
_VALUE_BYTES: Final = 5
_VALUE_NAMES: Final = ("x", "y", "z", "visibility")


def read_landmarks(landmark_list: Any, values: int) -> Float32Array:
    """f32[points, values] of a (Normalized)LandmarkList: x, y, z and, with `values` 4, visibility.

    Read out of the serialised message in one step (478 points: 0.02 ms against 0.29 ms by attributes), when all its
    landmarks hold exactly these values; else by attributes.
    """
    points = len(landmark_list.landmark)
    data = np.frombuffer(landmark_list.SerializeToString(), dtype=np.uint8)
    row_bytes = _HEAD_BYTES + values * _VALUE_BYTES
    if data.size == points * row_bytes:
        rows = data.reshape(points, row_bytes)
        if (rows[:, _tag_columns(values)] == _expected_tags(values)).all():
            payload = rows[:, _HEAD_BYTES:].reshape(points, values, _VALUE_BYTES)[:, :, 1:]
            return np.ascontiguousarray(payload).view("<f4")[:, :, 0].astype(np.float32)
    names = _VALUE_NAMES[:values]
    flat = (getattr(landmark, name) for landmark in landmark_list.landmark for name in names)
    return np.fromiter(flat, dtype=np.float32, count=points * values).reshape(points, values)


def _tag_columns(values: int) -> list[int]:
    return [0, 1, *(_HEAD_BYTES + value * _VALUE_BYTES for value in range(values))]


def _expected_tags(values: int) -> list[int]:
    return [_LIST_TAG, values * _VALUE_BYTES, *_VALUE_TAGS[:values]]
