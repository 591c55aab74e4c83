#!/usr/bin/python3
"""Runs the system tests: the real binary between real clients and a real app.

run.py [--long] [--list] [--jobs N] [--shuffle [SEED]] [WORD…]      a WORD picks tests whose name contains it
The binary is PROVGATE_BIN, by default build/provgate. The last line is "N passed, N failed"; exit 1 when any failed.
"""

import argparse
import contextlib
import faulthandler
import io
import multiprocessing
import os
import queue
import random
import signal
import sys
import time
import unittest
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from lab.gateway import end_with_parent  # noqa: E402

TEST_S = 300
TEST_LONG_S = 1800
TRACE_CHARACTERS_MAX = 5000


class TestTimeout(Exception):
    """A test took longer than it may."""


def _on_alarm(_signal, _frame):
    raise TestTimeout("the test took too long")


class Result(unittest.TestResult):
    """One line per test, the failure below it, an alarm around each."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.passed = 0
        self.started = 0.0

    def startTest(self, test):
        """Arm the alarm."""
        super().startTest(test)
        self.started = time.monotonic()
        seconds = getattr(test, "timeout_s", self.seconds)
        # It goes on ringing each second: a subTest swallows the exception and the next row would run on.
        signal.setitimer(signal.ITIMER_REAL, max(seconds, self.seconds), 1.0)

    def stopTest(self, test):
        """Disarm it."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        super().stopTest(test)

    def _line(self, test, word, more=""):
        signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.monotonic() - self.started if self.started else 0
        print(f"{word:7} {seconds:6.2f} s  {name_of(test)}{more}", flush=True)

    @staticmethod
    def _trace(rows):
        text = rows[-1][1]
        cut, half = len(text) - TRACE_CHARACTERS_MAX, TRACE_CHARACTERS_MAX // 2
        return text if cut <= 0 else f"{text[:half]}\n[{cut} more]\n{text[-half:]}"

    def addSuccess(self, test):
        """Count and tell."""
        self.passed += 1
        self._line(test, "ok")

    def addFailure(self, test, err):
        """Tell with the trace."""
        super().addFailure(test, err)
        self._line(test, "FAILED", "\n" + self._trace(self.failures))

    def addError(self, test, err):
        """Tell with the trace."""
        super().addError(test, err)
        self._line(test, "FAILED", "\n" + self._trace(self.errors))

    def addSkip(self, test, reason):
        """Tell why."""
        super().addSkip(test, reason)
        self._line(test, "skipped", f": {reason}")

    def addSubTest(self, test, subtest, err):
        """A failing row of a table is told at once."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            rows = self.failures if issubclass(err[0], test.failureException) else self.errors
            print(f"FAILED  {name_of(subtest)}\n{self._trace(rows)}", flush=True)


def name_of(test):
    """module.Class.test, or what unittest calls it."""
    return test.id() if hasattr(test, "id") else str(test)


def flatten(suite):
    """All tests of a suite, in order."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def by_class(tests):
    """The tests of each class, in order."""
    classes = {}
    for test in tests:
        classes.setdefault(type(test), []).append(test)
    return list(classes.values())


def shuffled(tests, chance):
    """Classes in any order, each with its tests together; a story's steps stay in theirs."""
    classes = by_class(tests)
    for members in classes:
        if not getattr(type(members[0]), "is_story", False):
            chance.shuffle(members)
    chance.shuffle(classes)
    return [test for members in classes for test in members]


def run_here(classes, seconds):
    """Class after class in this process; how many tests passed, failed and were skipped."""
    result = Result(seconds)
    unittest.TestSuite(test for members in classes for test in members).run(result)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return Counter(passed=result.passed, failed=failed, skipped=len(result.skipped))


def work(classes, tasks, results, seconds):
    """One of several processes: class after class, each told when it is over."""
    end_with_parent()
    random.seed()
    for number in iter(tasks.get, None):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            counts = run_here([classes[number]], seconds)
        results.put((number, said.getvalue(), counts))


def run_shared(classes, jobs, seconds):
    """The same with several processes, each with ports and worlds of its own."""
    context, waiting, counts = multiprocessing.get_context("fork"), set(range(len(classes))), Counter()
    tasks, results = context.Queue(), context.Queue()
    for number in [*waiting, *[None] * jobs]:
        tasks.put(number)
    workers = [context.Process(target=work, args=(classes, tasks, results, seconds)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    while waiting:
        try:
            number, said, found = results.get(timeout=1)
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                print(f"FAILED  a process ended before its tests did; {len(waiting)} classes are not told", flush=True)
                counts["failed"] += 1
                break
            continue
        waiting.discard(number)
        counts += found
        print(said, end="", flush=True)
    for worker in workers:
        worker.join(1 if waiting else None)
    return counts


def main():
    """Find, run, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="more rounds, longer limits")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    parser.add_argument("--jobs", type=int, default=1, help="so many classes at a time, but for those that measure")
    parser.add_argument("--shuffle", type=int, nargs="?", const=int(time.time()), metavar="SEED",
                        help="classes, and the tests in each, in another order")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.long:
        os.environ["PROVGATE_TEST_LONG"] = "1"
    tests = list(flatten(unittest.TestLoader().discover(str(HERE), "test_*.py", str(HERE))))
    tests = [test for test in tests if not args.words or any(word in name_of(test) for word in args.words)]
    if args.shuffle is not None:
        print(f"shuffled with --shuffle {args.shuffle}")
        tests = shuffled(tests, random.Random(args.shuffle))
    if args.list:
        print("\n".join(name_of(test) for test in tests))
        return 0
    faulthandler.enable()
    signal.signal(signal.SIGALRM, _on_alarm)
    seconds = TEST_LONG_S if args.long else TEST_S
    classes = by_class(tests)
    shared = [members for members in classes if args.jobs > 1 and not getattr(type(members[0]), "is_alone", False)]
    counts = run_shared(shared, args.jobs, seconds) if shared else Counter()
    counts += run_here([members for members in classes if members not in shared], seconds)
    if counts["skipped"]:
        print(f"{counts['skipped']} skipped")
    print(f"{counts['passed']} passed, {counts['failed']} failed", flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
