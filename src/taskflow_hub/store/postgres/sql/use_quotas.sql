-- So much has been submitted in this minute, and on this day, for accounts whose rows are locked.
UPDATE quotas SET minute = item.minute, in_minute = item.in_minute, day = item.day, in_day = item.in_day
FROM
    unnest($1::text[], $2::timestamptz[], $3::integer[], $4::timestamptz[], $5::integer[])
        AS item (account_id, minute, in_minute, day, in_day)
WHERE quotas.account_id = ANY (ARRAY[item.account_id])
