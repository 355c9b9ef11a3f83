"""What systems are made to do; one workload to a file."""

from typing import Final

from bench.workloads.base import Workload
from bench.workloads.burdened import Held, Read
from bench.workloads.drain import Drain
from bench.workloads.fan import Fan
from bench.workloads.history import History
from bench.workloads.http import Http1, Http32, Http256, HttpBatch
from bench.workloads.latency import Latency
from bench.workloads.mixed import Mixed
from bench.workloads.queued import Queued
from bench.workloads.submit import Bulk, Concurrent, Single
from bench.workloads.waiting import Waiting

WORKLOADS: Final[tuple[Workload, ...]] = (
    Drain(), Single(), Bulk(), Concurrent(), Http1(), Http32(), Http256(), HttpBatch(), Latency(), Waiting(), Mixed(), Queued(),
    History(), Held(), Read(), Fan(),
)  # fmt: skip
