"""Deadlines of threads, queues, executors, retry libraries and signals around calls that may have none."""

from __future__ import annotations

import concurrent.futures
import queue
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from typing import Any

import backoff
import requests
import tenacity
import timeout_decorator

from tests.world.clients import client, requests_plain
from tests.world.entering import HTTP


def fetch() -> Any:
    return requests.get(HTTP, timeout=3).json()


def started(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


# --- what threads tell one another with


def through(answers: queue.Queue[Any], item: Callable[[Any], Any] = lambda answer: answer) -> Any:
    started(lambda: answers.put(item(requests_plain())))
    return answers.get(timeout=5)


@client(connect="Empty 5.0", response="Empty 5.0", trickle="Empty 5.0")
def lifo_queue() -> Any:
    return through(queue.LifoQueue())


@client(connect="Empty 5.0", response="Empty 5.0", trickle="Empty 5.0")
def priority_queue() -> Any:
    return through(queue.PriorityQueue(), lambda answer: (1, answer))[1]


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
def event() -> Any:
    answers: list[Any] = []
    done = threading.Event()
    started(lambda: (answers.append(requests_plain()), done.set()))
    if not done.wait(5):
        raise LookupError("nothing came")
    return answers[0]


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
def condition() -> Any:
    answers: list[Any] = []
    changed = threading.Condition()

    def work() -> None:
        answer = requests_plain()
        with changed:
            answers.append(answer)
            changed.notify_all()

    started(work)
    with changed:
        if not changed.wait_for(lambda: answers, timeout=5):
            raise LookupError("nothing came")
    return answers[0]


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
def semaphore() -> Any:
    answers: list[Any] = []
    free = threading.Semaphore(0)
    started(lambda: (answers.append(requests_plain()), free.release()))
    if not free.acquire(timeout=5):
        raise LookupError("nothing came")
    return answers[0]


@client(connect="BrokenBarrierError 5.0", response="BrokenBarrierError 5.0", trickle="BrokenBarrierError 5.0")
def barrier() -> Any:
    answers: list[Any] = []
    together = threading.Barrier(2)
    started(lambda: (answers.append(requests_plain()), together.wait()))
    together.wait(timeout=5)
    return answers[0]


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
def joined_thread() -> Any:
    answers: list[Any] = []
    thread = started(lambda: answers.append(requests_plain()))
    thread.join(timeout=5)
    if thread.is_alive():
        raise LookupError("nothing came")
    return answers[0]


# --- executors


def left_alone(use: Callable[[concurrent.futures.ThreadPoolExecutor], Any]) -> Any:
    pool = concurrent.futures.ThreadPoolExecutor(2)
    try:
        return use(pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@client(connect="LookupError 5.0", response="LookupError 5.0", trickle="LookupError 5.0")
def wait_of_futures() -> Any:
    def use(pool: concurrent.futures.ThreadPoolExecutor) -> Any:
        done, _ = concurrent.futures.wait([pool.submit(requests_plain)], timeout=5)
        if not done:
            raise LookupError("nothing came")
        return done.pop().result()

    return left_alone(use)


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def as_completed_of_futures() -> Any:
    return left_alone(lambda pool: next(concurrent.futures.as_completed([pool.submit(requests_plain)], timeout=5)).result())


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def map_of_an_executor() -> Any:
    return left_alone(lambda pool: next(pool.map(lambda _: requests_plain(), [1], timeout=5)))


@client(connect="TimeoutError 5.0", response="TimeoutError 5.0", trickle="TimeoutError 5.0")
def thread_pool_of_multiprocessing() -> Any:
    with ThreadPool(1) as pool:
        return pool.apply_async(requests_plain).get(timeout=5)


KEPT = concurrent.futures.ThreadPoolExecutor(2)


@client(connect="ConnectTimeout 3.0", response="ReadTimeout 3.0", trickle="TimeoutError 5.0")
def executor_of_the_module() -> Any:
    return KEPT.submit(fetch).result(timeout=5)


# --- retry libraries


@client(connect="ConnectTimeout 12.0", response="ReadTimeout 12.0", trickle="endless")  # three tries of 3 s, pauses of 1 and 2 s
@tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_exponential(multiplier=1, min=1, max=10), reraise=True)
def tenacity_three_times() -> Any:
    return fetch()


@client(connect="RetryError 11.0", response="RetryError 11.0", trickle="endless")  # tries at 0, 4 and 8 s
@tenacity.retry(stop=tenacity.stop_after_delay(10), wait=tenacity.wait_fixed(1))
def tenacity_for_ten_seconds() -> Any:
    return fetch()


@client(connect="ConnectTimeout 11.0", response="ReadTimeout 11.0", trickle="endless")
@tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(1), reraise=True)
async def tenacity_async() -> Any:
    return fetch()


@client(connect="runaway", response="runaway", trickle="endless")
@tenacity.retry(wait=tenacity.wait_fixed(1))
def tenacity_without_a_stop() -> Any:
    return fetch()


@client(connect="ConnectTimeout 11.0", response="ReadTimeout 11.0", trickle="endless")
@backoff.on_exception(backoff.constant, requests.RequestException, interval=1, jitter=None, max_tries=3)
def backoff_three_times() -> Any:
    return fetch()


@client(connect="ConnectTimeout 15.0", response="ReadTimeout 15.0", trickle="endless")  # tries at 0, 4, 8 and, at 11 s, cut to 12 s
@backoff.on_exception(backoff.constant, requests.RequestException, interval=1, jitter=None, max_time=10)
def backoff_for_ten_seconds() -> Any:
    return fetch()


# --- signals


class TimedOut(Exception):
    """Raised by the handler of an alarm."""


def _on_alarm(*_: object) -> None:
    raise TimedOut


@client(connect="TimedOut 4.0", response="TimedOut 4.0", trickle="TimedOut 4.0")
def alarm() -> Any:
    before = signal.signal(signal.SIGALRM, _on_alarm)
    signal.alarm(4)
    try:
        return requests_plain()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@client(connect="TimeoutError 4.5", response="TimeoutError 4.5", trickle="TimeoutError 4.5")
@timeout_decorator.timeout(4.5)
def timeout_by_a_decorator() -> Any:
    return requests_plain()


# --- loops


@client(connect="LookupError 7.0", response="LookupError 7.0", trickle="endless")  # tries at 0 and 3.5 s
def polling_until_a_deadline() -> Any:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            return fetch()
        except requests.RequestException:
            time.sleep(0.5)
    raise LookupError("nothing came")
