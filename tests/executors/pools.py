"""Executors that tests name on the command line."""

import multiprocessing
import os
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def threads() -> Executor:
    return ThreadPoolExecutor(4)


def nothing() -> None:
    """No executor."""


def elsewhere() -> Executor:
    """Workers in whose environment a variable has another value."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_other_url)


def _other_url() -> None:
    os.environ["URL"] = "http://127.0.0.1:9"
