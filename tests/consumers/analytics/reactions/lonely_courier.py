"""`python -m … DATABASE_URL RULES_FILE`: a courier in a process of its own, until it is killed."""

import sys
import threading
from pathlib import Path

from consumers.analytics.database import connect
from consumers.analytics.reactions.courier import WebhookCourier
from consumers.analytics.reactions.rules_file import read_rules
from consumers.analytics.reactions.signing import find_routes
from observability.metrics import Metrics
from tests.consumers.analytics.reactions.receiver import SECRET

if __name__ == "__main__":
    routes = find_routes(read_rules(Path(sys.argv[2])), {"HOLISTIC_WEBHOOK_SECRET": SECRET})
    WebhookCourier(connect(sys.argv[1]), routes, Metrics()).start()
    threading.Event().wait()
