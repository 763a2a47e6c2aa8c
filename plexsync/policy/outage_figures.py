"""What outages add up to, as plain numbers.

A file of its own: it is loaded for each request of a page, and dataclasses would double that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Span = tuple[float, float | None]


def mttr(spans: Sequence[Span]) -> float | None:
    """Mean seconds from first failure to recovery of the outages that ended."""
    return _mean([end - start for start, end in spans if end])


def mtbf(spans: Sequence[Span]) -> float | None:
    """Mean seconds from one recovery to the next failure; None with fewer than two outages."""
    pairs = zip(spans, spans[1:], strict=False)
    return _mean([max(0.0, start - end) for (_, end), (start, _) in pairs if end])


def availability(
    spans: Sequence[Span], earlier_downtime: float, observed_since: float | None, now: float
) -> float:
    """The part of the observed time, 0 to 1, without an outage; 1 before any time passed."""
    if observed_since is None or now <= observed_since:
        return 1.0
    down = earlier_downtime + sum(
        max(0.0, (now if end is None else end) - start) for start, end in spans
    )
    return min(1.0, max(0.0, 1.0 - down / (now - observed_since)))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
