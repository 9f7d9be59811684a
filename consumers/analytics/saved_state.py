"""A session as JSON and back, to the last bit: the shortest text of a double is read as the same double."""

import logging
from functools import cache

import orjson
from pydantic import TypeAdapter, ValidationError

from consumers.analytics.session import Session

logger = logging.getLogger(__name__)


def write_session(session: Session, track: str | None) -> str:
    """All that is remembered of a session; `track` is where its body was last."""
    session.track = track
    return orjson.dumps(session).decode()


def read_session(text: str) -> Session | None:
    """The session `write_session` wrote; None, and a warning, for one of another make, which cannot go on."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        logger.warning(
            "a stream's saved state is of another make, and the stream begins anew: %s", error.errors()[0]["loc"]
        )
        return None


@cache
def _adapter() -> TypeAdapter[Session]:
    return TypeAdapter(Session)
