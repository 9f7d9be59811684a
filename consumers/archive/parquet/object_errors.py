"""What went wrong at an object store, in the project's errors and words."""

import re
from typing import Final

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from connect_runtime.sink import SinkFailed
from consumers.archive.parquet.storage import FileMissing, StorageUnavailable
from keypoints.errors import HolisticError

_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3}[\w ]*)")
_CAUSES: Final = {
    "tcp connect error": "nobody answers at its address",
    "dns error": "its address is not known",
    "timed out": "it does not answer in time",
    "metadata endpoint": "no credentials were found",
}
_NOT_ALLOWED: Final = frozenset(
    {"AccessDenied", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)


def explain_object_error(error: Exception, path: str) -> HolisticError:
    """The project's error for one of the client's, without what the client quotes of requests and answers.

    FileMissing, StorageUnavailable, or SinkFailed where the same request will be refused again.
    """
    text = str(error)
    code = found.group(1) if (found := _CODE.search(text)) else None
    if code == "NoSuchBucket":
        return SinkFailed(
            f"{path}: the bucket does not exist", hint="make it first, or mend HOLISTIC_ARCHIVE_DIR", path=path
        )
    if isinstance(error, FileNotFoundError):
        return FileMissing(f"{path}: no such object", path=path)
    if code in _NOT_ALLOWED or isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return SinkFailed(
            f"{path}: the object store refuses access ({code or _status(text) or 'unauthorised'})",
            hint="are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION those of the bucket, "
            "and may they list, read, write and delete there?",
            path=path,
        )
    reason = code or _status(text) or next((said for sign, said in _CAUSES.items() if sign in text), "no answer")
    return StorageUnavailable(
        f"{path}: the object store failed: {reason}", hint="is AWS_ENDPOINT_URL right, and the store up?", path=path
    )


def _status(text: str) -> str | None:
    found = _STATUS.search(text)
    return found.group(1).strip() if found else None
