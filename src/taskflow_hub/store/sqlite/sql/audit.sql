-- The newest entries that meet the conditions, which store/audit.py writes.
SELECT json_group_array(json_array(
    id, ts, action, entity, entity_id, account_id, actor_kind, actor, actor_name, actor_account, address, agent, before, after, meta
))
FROM (SELECT * FROM audit /* where */ ORDER BY id DESC LIMIT /* limit */)
