-- So much has been submitted in this minute, and on this day.
UPDATE quotas SET minute = item.column2, in_minute = item.column3, day = item.column4, in_day = item.column5
FROM (VALUES /*items*/ (?, ?, ?, ?, ?)) AS item
WHERE quotas.account_id = item.column1
