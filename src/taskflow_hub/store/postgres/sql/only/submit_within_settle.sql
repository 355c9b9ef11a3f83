-- What submit_within.sql took and is not to be kept so: without an `answer` all was refused, and the keys are free again; else the
-- holder of a unique key answers for some task, and a repetition shall be answered the same.
WITH given AS (
    SELECT doc.*
    FROM
        json_to_record(CAST(CAST($1 AS text) AS json))
            AS doc (account_id text, route text, key text, taken text, answer text, held json)
),
dropped AS (
    DELETE FROM idempotency_keys AS kept
    USING given
    WHERE
        kept.account_id = ANY (ARRAY[given.account_id]) AND kept.route = given.route AND kept.key = given.key
        AND kept.answer = given.taken AND given.answer IS NULL
),
kept AS (
    UPDATE idempotency_keys AS kept SET answer = given.answer
    FROM given
    WHERE
        kept.account_id = ANY (ARRAY[given.account_id]) AND kept.route = given.route AND kept.key = given.key
        AND kept.answer = given.taken AND given.answer IS NOT NULL
),
freed AS (
    DELETE FROM unique_keys AS held
    USING
        given
        CROSS JOIN LATERAL json_to_recordset(given.held) AS mine (account_id text, type text, key text, task_id uuid)
    WHERE
        held.account_id = ANY (ARRAY[mine.account_id]) AND held.type = mine.type AND held.key = mine.key
        AND held.task_id = mine.task_id AND given.answer IS NULL
)
SELECT '{}'
