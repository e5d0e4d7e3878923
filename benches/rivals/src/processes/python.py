"""Measures processes of Python's standard library: a line asks for them, a line answers, in nanoseconds."""

import functools
import multiprocessing
import statistics
import sys
import time

WORKERS = 2
# Tasks of a map, that each sample may take about half a second.
FEW = 10_000
MANY = {"square": 200_000, "collatz": 50_000}
ROUND_TRIPS = 200


def nothing():
    pass


def square(n):
    return n * n


def collatz(n):
    n, steps = n % FEW + 1, 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


@functools.cache
def pool(method):
    """Kept for all samples."""
    return multiprocessing.get_context(method).Pool(WORKERS)


def process(method):
    """A process that does nothing, from before it is made until it has been joined."""
    context = multiprocessing.get_context(method)
    start = time.monotonic_ns()
    process = context.Process(target=nothing)
    process.start()
    process.join()
    took = time.monotonic_ns() - start
    assert process.exitcode == 0
    return took


def mapped(method, task, count, chunk):
    """The time per task."""
    workers = pool(method)
    start = time.monotonic_ns()
    results = workers.map(task, range(count), chunksize=chunk)
    took = time.monotonic_ns() - start
    assert results[-1] == task(count - 1) and len(results) == count
    return took / count


def applied(method, task):
    """One task, there and back: the median."""
    workers, times = pool(method), []
    for n in range(ROUND_TRIPS):
        start = time.monotonic_ns()
        result = workers.apply(task, (n,))
        times.append(time.monotonic_ns() - start)
        assert result == task(n)
    return statistics.median(times)


def answer(what, method, task=None):
    match what:
        case "process":
            return process(method)
        case "one":
            return mapped(method, globals()[task], FEW, 1)
        case "map":
            return mapped(method, globals()[task], MANY[task], None)
        case "apply":
            return applied(method, globals()[task])


if __name__ == "__main__":
    print(sys.version.split()[0], flush=True)
    for line in sys.stdin:
        print(answer(*line.split()), flush=True)
