"""Drive is asked as often as it likes, and no more."""

from __future__ import annotations

import threading

from drivesync.bucket import (
    ONE_STORM_S,
    RECOVERY_S,
    SLOWEST,
    Bucket,
    Buckets,
    Level,
    allow,
    rate,
    slow,
    take,
)


def times(level: Level, count: int, now: float) -> tuple[Level, list[float]]:
    waits = []
    for _ in range(count):
        level, wait_s = take(level, now)
        waits.append(wait_s)
    return level, waits


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    _, waits = times(Level(ceiling=2, burst=3), 6, now=100)
    assert waits == [0, 0, 0, 0.5, 1.0, 1.5]


def test_what_was_saved_up_is_never_more_than_a_burst() -> None:
    level, _ = times(Level(ceiling=2, burst=3), 6, now=100)
    _, waits = times(level, 4, now=1000)
    assert waits == [0, 0, 0, 0.5]


def test_a_refusal_halves_the_rate_and_ends_the_burst() -> None:
    level = slow(Level(ceiling=4, burst=10), now=100)
    assert rate(level, 100) == 2
    _, waits = times(level, 3, now=100)
    assert waits == [0, 0.5, 1.0]


def test_refusals_of_one_moment_count_once() -> None:
    level = Level(ceiling=4, burst=1)
    for after in range(16):
        level = slow(level, now=100 + after * ONE_STORM_S / 32)
    assert rate(level, 100) == 2
    assert rate(slow(level, 100 + ONE_STORM_S), 100 + ONE_STORM_S) < 2


def test_it_is_never_slowed_to_a_stop() -> None:
    level = Level(ceiling=4, burst=1)
    for second in range(100):
        level = slow(level, now=100 + second * ONE_STORM_S)
    assert rate(level, 100 + 99 * ONE_STORM_S) >= 4 * SLOWEST


def test_it_recovers_by_itself_and_no_further_than_before() -> None:
    level = slow(Level(ceiling=4, burst=1), now=100)
    assert 2 < rate(level, 100 + RECOVERY_S / 4) < 4
    assert rate(level, 100 + RECOVERY_S) == 4


def test_nothing_goes_before_drive_said() -> None:
    level = slow(Level(ceiling=4, burst=10), now=100, after_s=30)
    _, (wait_s,) = times(level, 1, now=100)
    assert wait_s == 30


def test_another_ceiling_holds_at_once_and_keeps_it_slowed() -> None:
    level = slow(Level(ceiling=4, burst=8), now=100)
    changed = allow(level, 1)
    assert (rate(changed, 100), changed.burst) == (0.5, 2)
    assert rate(changed, 100 + RECOVERY_S) == 1


def test_a_ceiling_of_nothing_is_not_taken() -> None:
    assert take(allow(Level(ceiling=4, burst=1), 0), 100)[1] < float("inf")


def test_a_thread_that_came_first_goes_first() -> None:
    bucket = Bucket(per_s=1, burst=1, clock=lambda: 100.0)
    waits: list[float] = []
    lock = threading.Lock()

    def take_one() -> None:
        with lock:
            waits.append(bucket.take())

    threads = [threading.Thread(target=take_one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits == list(range(20))


def test_a_write_takes_of_both_and_a_read_of_one() -> None:
    buckets = Buckets(requests_per_s=10, writes_per_s=1, clock=lambda: 100.0)
    assert [buckets.take(write=True) for _ in range(11)] == [0] * 10 + [1.0]
    assert [buckets.take(write=False) for _ in range(9)] == [0] * 9
    assert buckets.take(write=False) > 0


def test_a_refused_write_does_not_slow_reads() -> None:
    buckets = Buckets(requests_per_s=10, writes_per_s=2, clock=lambda: 100.0)
    buckets.slow(write=True)
    assert (buckets.writes.rate, buckets.requests.rate) == (1, 10)


def test_both_rates_can_be_set_while_it_runs() -> None:
    buckets = Buckets(requests_per_s=10, writes_per_s=2, clock=lambda: 100.0)
    buckets.set(requests_per_s=5, writes_per_s=1)
    assert (buckets.requests.rate, buckets.writes.rate) == (5, 1)
