"""What an idle hub costs: the share of a core, and its memory (PSS: shared pages counted once) over all its processes."""

import time

from bench.databases import Databases
from bench.hub_process import HubProcess
from bench.process import cpu_s, pss_mb

SETTLE_S = 5.0
WATCH_S = 60.0


class Idle:
    name = "idle"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url, HubProcess(url, slots=20) as hub:
            time.sleep(SETTLE_S)
            before_s, server_before_s, began = cpu_s(hub.pid), databases.server_cpu_s(), time.monotonic()
            time.sleep(WATCH_S)  # what is measured is an hour's minute in which nothing happens
            took_s = time.monotonic() - began
            found = {
                "idle cpu": 100 * (cpu_s(hub.pid) - before_s) / took_s,
                "idle memory": pss_mb(hub.pid),
            }
            if databases.has_server:
                found["idle server cpu"] = 100 * (databases.server_cpu_s() - server_before_s) / took_s
            return found
