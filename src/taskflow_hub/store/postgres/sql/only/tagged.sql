-- How many tasks have this tag, up to a number that is many.
SELECT count(*) FROM (SELECT 1 FROM task_tags WHERE account_id = $1 AND tag = $2 LIMIT $3::integer) AS tagged
