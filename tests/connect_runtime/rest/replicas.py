"""A group of processes of one connector, asked over REST."""

from __future__ import annotations

from typing import Any

import httpx

from tests.connect_runtime.harness import wait_until
from tests.connect_runtime.test_faults import Replica


class Api:
    """One replica's REST API, about one connector."""

    def __init__(self, replica: Replica, name: str) -> None:
        self.replica = replica
        self.name = name
        self.url = f"http://127.0.0.1:{replica.port}"

    def ask(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        """Ask about the connector; `path` begins with a slash."""
        return httpx.request(method, f"{self.url}/connectors/{self.name}{path}", json=body, timeout=30)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.ask("GET", "/status").json()
        return status

    def states(self) -> list[str]:
        """States of all tasks of the group, as this replica tells them."""
        return [task["state"] for task in self.status()["tasks"]]

    def wait_for(self, *states: str, timeout_s: float = 40) -> None:
        wait_until(f"tasks are {states}", lambda: self.states() == list(states), timeout_s)
