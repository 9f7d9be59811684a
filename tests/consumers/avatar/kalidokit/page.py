"""The words of docs/avatar-comparison.md; its figures are measured."""

from collections.abc import Sequence
from typing import Final

from tests.consumers.avatar.kalidokit.table import Section

EXPLAINED: Final = {
    "What is covered": """\
Kalidokit gives one turn of a head, which its examples put on the neck; no upper chest, shoulders, feet or toes. Its
pupils are counted as two bones. An act of a face (`acted_face.py`) is answered where any number changes by 0.1 or more;
its brow is among the numbers, but brows raised and lowered on this face do not change it.""",
    "Each bone against its parent": """\
A hundred random poses of the [oracle](../tests/consumers/avatar/oracle.py) without noise, mean / worst in degrees. How
a turn is shared between bones is partly convention, so see the next tables too; of thumbs even the rest is, so they are
not compared.""",
    "Where limbs point": """\
The same in space, mean / worst in degrees, whatever bones did the turning.""",
    "Where limbs point, facing the camera": """\
The same of poses with the trunk at rest: Kalidokit solves limbs against the picture, not against the trunk, and this is
the case it is made for.""",
    "Heads": """\
Acted performers with a whole face mesh, without noise, mean / worst error in degrees of the head in space.""",
    "Moving, as it is shown": """\
Acted performers with the detector's noise, 60 times a second against the truth at that very moment, so that noise, lag
and error all count: root mean square in degrees, of where limbs point, and of fingers against their parent.""",
    "Recorded people's arms": """\
Real MediaPipe landmarks: the mean angle in degrees between what is shown and where the newest landmarks say that the
arm points. Lag counts against ours and the eased one. In example.pose hands come into the picture and leave it at its
lower edge, where ours trusts them by degrees.""",
    "Jitter of one who stands still": """\
Root mean square in degrees about the mean of the second around, over the bones that both cover: a posture with the
detector's noise made up, and the fullest frame of each recording with the unrest its landmarks really had.""",
    "Largest step in 33 ms": """\
Degrees, of any bone that both cover. Ours is never over 23.3, which is 700° a second. The eased one is no standard for
steps: it takes three tenths of each, fast or false, and is late for it (see below). Where it takes smaller ones than
ours, they are of fingers: as seen in 30 pixels, or blurred, their noise is of the size and speed of motion.""",
    "Lag": """\
How late what is shown is behind what the same solver says, by best fit, with the wait for the next frame. Unfiltered it
is only that wait, and as restless as above.""",
}  # fmt: skip

DECIMALS: Final = {"What is covered": 0, "Jitter of one who stands still": 2, "Lag": 0}

_BEGINNING: Final = """\
# Ours and Kalidokit

[Kalidokit](https://github.com/yeemachine/kalidokit) 1.1.5 is a solver that many avatars on web pages are made with.
Both get the same frames, Kalidokit in Node; ours is the solver for single poses, and the whole chain with its smoothing
where frames follow each other. "Eased" is Kalidokit as its own examples show it: at each frame three tenths of the way
to what it solved.

Its results are read so that they do best: all orders and signs of angles and both sides were tried
([rival.py](../tests/consumers/avatar/kalidokit/rival.py)), of its examples' shares and whole turns the better one
counts for each row, and hands go to it in pixels, which its examples leave out.

```sh
make tests/consumers/avatar/kalidokit/node_modules/.package-lock.json
.venv/bin/python -m pytest tests/consumers/avatar/kalidokit     # fails where ours is no better
HOLISTIC_WRITE_COMPARISON=1 .venv/bin/python -m pytest tests/consumers/avatar/kalidokit     # and writes this page
```

Less is better, but for what is covered. \\* marks what is as good as ours or better: in two columns alone, steps of the
eased one and lag of the unfiltered one, to which the tests do not hold ours, and the text there says why.

"""


def write_page(sections: Sequence[Section]) -> str:
    """The page in Markdown."""
    return _BEGINNING + "\n".join(section.write() for section in sections)
