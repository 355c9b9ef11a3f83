-- Dead for long, and nothing is left that it owns.
DELETE FROM workers WHERE id IN (
    SELECT id FROM workers
    WHERE
        state = 'dead' AND died_at < ?
        AND NOT EXISTS (SELECT 1 FROM tasks WHERE status = 'running' AND tasks.worker = workers.id)
    LIMIT ?
)
