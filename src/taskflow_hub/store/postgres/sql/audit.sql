-- The newest entries that meet the conditions, which store/audit.py writes.
SELECT
    id::text AS id, ts, action, entity, entity_id, account_id, actor_kind, actor, actor_name, actor_account, address, agent,
    before, after, meta
FROM audit
/* where */
ORDER BY audit.id DESC
LIMIT /* limit */
