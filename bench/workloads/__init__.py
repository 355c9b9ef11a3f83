"""What systems are made to do; one workload to a file."""

from typing import Final

from bench.workloads.base import Workload
from bench.workloads.drain import Drain

WORKLOADS: Final[tuple[Workload, ...]] = (Drain(),)
