from __future__ import annotations

import pytest

from benchmarks import load
from docktasks.errors import BenchError
from tests.unit.fakes.programs import Programs


def test_load_of_another_machine_is_refused() -> None:
    """Only 127.0.0.1 is ever loaded."""
    with pytest.raises(ValueError, match="may be loaded"):
        load.burst("http://example.com/", 1)


def test_burst_gives_rates_and_latency(programs: Programs) -> None:
    """Requests and bytes are given by the second, p99 in milliseconds."""
    programs.add(
        "wrk", '{"requests": 40, "bytes": 4000, "microseconds": 2000000, "failed": 0, "p50": 9, "p99": 1500}\n'
    )
    assert load.burst("http://127.0.0.1:1/", 2) == load.Load(20, 2000, 1.5)


@pytest.mark.parametrize(("seconds", "duration"), [(0.2, "1s"), (2, "2s"), (1000, "30s")])
def test_burst_lasts_between_one_and_thirty_seconds(programs: Programs, seconds: float, duration: str) -> None:
    """wrk counts whole seconds, and no load is endless."""
    programs.add("wrk", '{"requests": 1, "bytes": 1, "microseconds": 1000000, "failed": 0, "p50": 0, "p99": 0}\n')
    load.burst("http://127.0.0.1:1/", seconds, ["/a", "/b"], keepalive=False)
    (call,) = programs.calls
    assert f"--duration {duration} " in call
    assert "Connection: close" in call
    assert call.endswith("http://127.0.0.1:1/ -- /a /b")


def test_server_without_an_answer_in_time_has_the_length_of_the_burst_as_latency(programs: Programs) -> None:
    """No request failed, but each one would have taken longer than the burst."""
    programs.add("wrk", '{"requests": 0, "bytes": 0, "microseconds": 2000000, "failed": 0, "p50": 0, "p99": 0}\n')
    assert load.burst("http://127.0.0.1:1/", 2) == load.Load(0, 0, 2000)


def test_failed_requests_give_no_figure(programs: Programs) -> None:
    """The error counts them."""
    programs.add("wrk", '{"requests": 9, "bytes": 9, "microseconds": 2000000, "failed": 3, "p50": 0, "p99": 0}\n')
    with pytest.raises(BenchError, match="3 of 9 requests"):
        load.burst("http://127.0.0.1:1/", 2)
