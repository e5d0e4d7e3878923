"""Measures processes of Python's standard library: a line asks for them, a line answers, in nanoseconds."""

import multiprocessing
import sys
import time


def nothing():
    pass


def spawned(method):
    """A process that does nothing, from before it is made until it has been joined."""
    context = multiprocessing.get_context(method)
    start = time.monotonic_ns()
    process = context.Process(target=nothing)
    process.start()
    process.join()
    took = time.monotonic_ns() - start
    assert process.exitcode == 0
    return took


if __name__ == "__main__":
    print(sys.version.split()[0], flush=True)
    for line in sys.stdin:
        print(spawned(line.strip()), flush=True)
