-- A worker that was taken for dead is back: what it still runs by our books will be lost without a crash being counted.
UPDATE tasks SET missing = -1 WHERE worker = $1 AND status = 'running'
