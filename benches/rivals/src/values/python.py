"""Measures what Python's standard library shares between processes: a line asks for it, a line answers, in nanoseconds each."""

import multiprocessing
import random
import sys
import time


def add(value, times, together, spans):
    together.wait()
    start = time.monotonic_ns()
    for _ in range(times):
        with value.get_lock():
            value.value += 1
    spans.put((start, time.monotonic_ns()))


def added(times):
    """By two processes: the time of each addition, all taken together."""
    value, together = multiprocessing.Value("Q", 0), multiprocessing.Barrier(2)
    spans = multiprocessing.SimpleQueue()
    both = [
        multiprocessing.Process(target=add, args=(value, times, together, spans))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    starts, ends = zip(spans.get(), spans.get())
    for process in both:
        process.join()
    assert value.value == 2 * times
    return (max(ends) - min(starts)) / (2 * times)


def got(shared, keys):
    start = time.monotonic_ns()
    for key in keys:
        shared[key]
    return (time.monotonic_ns() - start) / len(keys)


if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict({key: 0 for key in range(1000)})
        keys = [random.randrange(1000) for _ in range(200)]
        print(sys.version.split()[0], flush=True)
        for line in sys.stdin:
            answer = got(shared, keys) if line.strip() == "get" else added(5000)
            print(answer, flush=True)
