-- Entries, all of one time. What fills the batch up has no id.
WITH clock (now) AS (VALUES (?)),
item (
    id, account_id, actor, actor_kind, actor_name, actor_account, address, agent, action, entity, entity_id, before, after, meta
) AS (VALUES /*items*/ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
INSERT INTO audit (
    id, ts, account_id, actor, actor_kind, actor_name, actor_account, address, agent, action, entity, entity_id, before, after, meta
)
SELECT
    item.id, clock.now, item.account_id, item.actor, item.actor_kind, item.actor_name, item.actor_account, item.address, item.agent,
    item.action, item.entity, item.entity_id, item.before, item.after, item.meta
FROM item CROSS JOIN clock
WHERE item.id IS NOT NULL
