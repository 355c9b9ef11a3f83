-- Crashes are counted anew, so no worker that comes back may take back an old one.
UPDATE attempts SET crashed = 0 WHERE task_id IN (SELECT value FROM json_each(?)) AND crashed = 1
