"""What a role knows of its performer's body and face, given to the solver; calibrations, brought back to the role."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.role import Role
from consumers.avatar.cast.showing import Showing
from consumers.avatar.stage.performer import Performer
from consumers.avatar.stage.stage import Stage
from keypoints.errors import HolisticError

log = logging.getLogger(__name__)


class Calibrating:
    """Looks after the performers on one stage, on its sink's thread; writing to the topic is another's work."""

    def __init__(self, stage: Stage, showing: Showing, book: RoleBook) -> None:
        self._solver = stage.solver
        self._showing = showing
        self._book = book
        self._known: dict[int, tuple[Performer, Role]] = {}
        self._running: dict[int, tuple[Performer, int]] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="calibrations")

    def look(self, performers: Sequence[Performer]) -> None:
        """Do what the roles of these ask for, and keep what was found out."""
        for performer in performers:
            role = self._showing.of(performer.stream_id).role
            known = self._known.get(performer.slot)
            if known is None or known[0] is not performer or known[1] is not role:
                before = None if known is None or known[0] is not performer else known[1]
                self._known[performer.slot] = (performer, role)
                if role != before:
                    self._apply(performer, role, before)
            if performer.slot in self._running:
                self._follow(performer)

    def close(self) -> None:
        """End."""
        self._writer.shutdown(wait=False, cancel_futures=True)

    def _apply(self, performer: Performer, role: Role, before: Role | None) -> None:
        self._solver.keep_feet(performer.slot, bool(role.ground_contact))
        faces = self._solver.faces
        if role.calibrate_at_ms is not None and role.is_calibration_due:
            running = self._running.get(performer.slot)
            if running is None or running != (performer, role.calibrate_at_ms):
                self._running[performer.slot] = (performer, role.calibrate_at_ms)
                faces.calibrate(np.array([performer.slot], dtype=np.intp))
        elif role.neutral_face is not None:
            faces.restore(performer.slot, role.neutral_face)
        elif before is not None and before.neutral_face is not None:
            # What was known is taken back: it is found out again.
            faces.reset(np.array([performer.slot], dtype=np.intp))

    def _follow(self, performer: Performer) -> None:
        of, wish_ms = self._running[performer.slot]
        if of is not performer:
            del self._running[performer.slot]
        elif not self._solver.faces.is_calibrating(performer.slot):
            del self._running[performer.slot]
            face = self._solver.faces.export(performer.slot)
            self._writer.submit(self._write, performer.stream_id, face, wish_ms)

    def _write(self, stream: str, face: dict[str, float], wish_ms: int) -> None:
        own = self._book.all().get(stream, Role(stream=stream))
        try:
            self._book.give(own.model_copy(update={"neutral_face": face, "calibrated_at_ms": wish_ms}))
            log.info("A face is calibrated.", extra={"stream": stream})
        except HolisticError as error:
            log.warning("the calibration of a face could not be kept: %s", error.message, extra={"stream": stream})
