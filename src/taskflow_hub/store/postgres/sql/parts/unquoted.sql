-- Instead of quoted.sql, where their rows are locked.
quoted AS (SELECT '' AS account_id WHERE false),
