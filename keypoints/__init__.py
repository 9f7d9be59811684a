"""The contract every service shares: landmarks, frames, their encoding and the topics they travel on.

>>> from keypoints import HolisticFrame, decode, encode
>>> frame = decode(encode(HolisticFrame(stream_id="ada", sequence=0, epoch=1, captured_at_us=1, processed_at_us=2,
...                                     width=1280, height=720)))
>>> frame.stream_id, frame.has_person
('ada', False)
"""

from keypoints.codec import decode, decode_records, encode
from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import FaceLandmark, HandLandmark, Part, PoseLandmark

__all__ = [
    "FaceLandmark",
    "FrameBatch",
    "HandLandmark",
    "HolisticError",
    "HolisticFrame",
    "Part",
    "PoseLandmark",
    "Terminal",
    "Transient",
    "decode",
    "decode_records",
    "encode",
]
