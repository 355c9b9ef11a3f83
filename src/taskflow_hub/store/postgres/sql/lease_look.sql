-- What else a lease has to know: who is alive at all, for what nobody serves is put aside, and which queues are paused.
SELECT
    ARRAY(SELECT id FROM workers WHERE state = 'alive') AS alive,
    ARRAY(SELECT name FROM queues WHERE paused) AS paused
