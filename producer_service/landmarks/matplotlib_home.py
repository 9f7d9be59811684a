"""MediaPipe imports matplotlib for drawings nobody asks for; it wants a directory for its fonts, and says so."""

import atexit
import logging
import os
import shutil
import tempfile


def give_matplotlib_a_home() -> None:
    """Have this process and its children use one directory, gone with this process, where the user has no home.

    Asked for before children start: one that is killed would leave a directory of its own behind.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    if "MPLCONFIGDIR" not in os.environ and not os.access(home, os.W_OK):
        directory = tempfile.mkdtemp(prefix="holistic-matplotlib-")
        os.environ["MPLCONFIGDIR"] = directory
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
