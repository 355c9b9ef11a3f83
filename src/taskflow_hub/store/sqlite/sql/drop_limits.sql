-- Forget the limits of a workflow that has ended, but for those that an operator has pinned.
DELETE FROM limits WHERE account_id = ? AND key IN (SELECT value FROM json_each(?)) AND NOT pinned
