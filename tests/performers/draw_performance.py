"""Draw acts as stick figures, to see whether they look human.

python tests/performers/draw_performance.py OUT.png wave,thumbs_up,squat [--desk]
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from keypoints.frame import HolisticFrame
from keypoints.landmarks import FACE_CONTOURS, HAND_CONNECTIONS, POSE_CONNECTIONS
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.noise import Noise
from performers.performer import Performer, Stage

SIZE: Final = (640, 360)
ACT_S: Final = 6.0
INSTANTS_S: Final = np.array([0.3, 1.2, 2.1, 3.0, 4.5])


def draw_frame(frame: HolisticFrame, title: str) -> Image.Image:
    """Bones black, face grey, the left hand red and the right one blue."""
    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)

    def join(points: NDArray[np.float32] | None, pairs: tuple[tuple[int, int], ...], colour: str) -> None:
        if points is None:
            return
        places = points[:, :2] * SIZE
        for start, end in pairs:
            pen.line([*places[start].tolist(), *places[end].tolist()], fill=colour)

    join(frame.pose, POSE_CONNECTIONS, "black")
    for contour in FACE_CONTOURS.values():
        join(frame.face, contour, "gray")
    join(frame.left_hand, HAND_CONNECTIONS, "red")
    join(frame.right_hand, HAND_CONNECTIONS, "blue")
    pen.text((4, 4), title, fill="black")
    return image


def main() -> None:
    """One row an act, time from left to right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("acts", help="names of acts, with commas")
    parser.add_argument("--desk", action="store_true", help="a webcam's view")
    asked = parser.parse_args()
    kinds = [ActKind(name) for name in asked.acts.split(",")]
    stage = Stage(camera=Camera.at_desk() if asked.desk else Camera(), noise=Noise(0.0))
    sheet = Image.new("RGB", (SIZE[0] * len(INSTANTS_S), SIZE[1] * len(kinds)))
    for row, kind in enumerate(kinds):
        batch = Performer("drawn", [Act(kind, 0.0, ACT_S)], stage=stage).batch(INSTANTS_S)
        for column, at_s in enumerate(INSTANTS_S.tolist()):
            sheet.paste(draw_frame(batch.frame(column), f"{kind} {at_s:g} s"), (SIZE[0] * column, SIZE[1] * row))
    sheet.save(asked.out)


if __name__ == "__main__":
    main()
