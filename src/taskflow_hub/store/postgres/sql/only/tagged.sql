-- How many tasks have this tag, up to a number that is many; of one account, or of all. (It is planned for what it is given.)
SELECT count(*)
FROM (
    SELECT 1 FROM task_tags WHERE ($1::text IS NULL OR account_id = $1) AND tag = $2 LIMIT $3::integer
) AS tagged
