-- Lock the quotas of these accounts, until somebody else's transaction ends.
WITH locked AS (
    SELECT account_id
    FROM quotas
    WHERE account_id = ANY (ARRAY(SELECT json_array_elements_text(CAST(CAST($1 AS text) AS json) -> 'accounts')))
    ORDER BY account_id COLLATE "C"
    FOR UPDATE
)
SELECT CAST(json_build_object('quoted', (SELECT json_agg(account_id) FROM locked)) AS text)
