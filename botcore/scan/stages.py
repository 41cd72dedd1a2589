"""What a scan asked at each stage, and what failed."""

from __future__ import annotations

from botcore.model import Failure

__all__ = ["Stages"]

TOLERATED = 10
"""A stage fails when more than one in this many of its requests failed for good."""
ENOUGH_TO_JUDGE = 20


class Stages:
    """Requests and failures by stage. ``tries`` counts requests, repetitions by the client left out."""

    def __init__(self) -> None:
        self.tries: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        self._failures: dict[tuple[str, str], int] = {}

    def tried(self, stage: str) -> None:
        """A request of this stage is about to be made."""
        self.tries[stage] = self.tries.get(stage, 0) + 1

    def fail(self, stage: str, error: str) -> None:
        """A request of this stage failed for good."""
        self._failed[stage] = self._failed.get(stage, 0) + 1
        self.note(stage, error)

    def note(self, what: str, error: str, times: int = 1) -> None:
        """Something failed that is no request of a stage: it stands in the report and fails no stage."""
        self._failures[what, error] = self._failures.get((what, error), 0) + times

    def hopeless(self, stage: str) -> bool:
        """Whether the stage has failed too often for it to be chance."""
        return self.tries[stage] >= ENOUGH_TO_JUDGE and self._too_many(stage)

    def failed(self) -> list[str]:
        """The stages that failed, looked at when all is over."""
        return [stage for stage in self._failed if self._too_many(stage)]

    def failures(self) -> list[Failure]:
        """What failed, for the report."""
        return [Failure(what, error, times) for (what, error), times in sorted(self._failures.items())]

    def _too_many(self, stage: str) -> bool:
        return TOLERATED * self._failed.get(stage, 0) > self.tries.get(stage, 0)
