-- Forget the limits of a workflow that has ended, but for those that an operator has pinned.
DELETE FROM limits WHERE account_id = $1::text AND key = ANY ($2::text[]) AND NOT pinned
