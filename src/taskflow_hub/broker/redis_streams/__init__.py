"""The broker on Redis Streams: servers and workers in different processes, on different hosts.

The keys, all of them. Each script touches one key, so that a Cluster may spread them as it likes.

    key                     kind    written by      read by          goes away
    tasks:workers           zset    workers         servers          a worker not seen for 15 s counts as gone, after a day its
                                                                     entry is dropped; the score is Redis' own time, in ms
    tasks:created:WORKER    stream  servers         that worker      60 s after its worker was last seen; entries when taken
    tasks:results           stream  workers         group `servers`  entries when stored; at most 100 000
    tasks:calls             stream  workers         group `servers`  entries when read; at most 10 000
    tasks:replies:NAME      stream  servers         one worker       60 s after the last entry; entries when read
    tasks:dead              stream  who cannot      people; group    at most 1 000 entries
                                    read an entry   `servers` counts
    tasks:rate:NAME         string  servers         servers          when the bucket is full again, which is the time it says

Every entry has one field, `data`, a JSON document with `"v": 1`: in `created` an Assignment or a Control, in `results` a Report
(domain/messages.py), in `calls`, `replies` and `dead` what envelopes.py says.

- Nothing is redelivered to a worker. A server that dies with reports collected and not stored leaves them pending; after 30 s
  another claims them. A call is answered by whoever reads it, or asked again.
- Redis may lose everything at any time. Inboxes and groups are made anew where they are missed, lost assignments are found by
  heartbeats, lost reports are sent again, lost calls asked again.
- A worker needs three connections: one waits for its inbox, one for replies, one does the rest. A server needs the same.

Needs Redis 6.2 or Valkey 7.2, or newer; alone or as a Cluster.
"""

from taskflow_hub.broker.redis_streams.broker import RedisBroker
from taskflow_hub.broker.redis_streams.keys import Timing

__all__ = ["RedisBroker", "Timing"]
