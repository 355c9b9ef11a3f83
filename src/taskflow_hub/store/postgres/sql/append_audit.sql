-- Entries, all of one time.
INSERT INTO audit (
    id, ts, account_id, actor, actor_kind, actor_name, actor_account, address, agent, action, entity, entity_id, before, after, meta
)
SELECT
    item.id, coalesce($1::timestamptz, now()), item.account_id, item.actor, item.actor_kind, item.actor_name, item.actor_account,
    item.address, item.agent, item.action, item.entity, item.entity_id, item.before, item.after, item.meta
FROM unnest(
    $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::text[], $13::text[], $14::text[], $15::text[]
) AS item (
    id, account_id, actor, actor_kind, actor_name, actor_account, address, agent, action, entity, entity_id, before, after, meta
)
