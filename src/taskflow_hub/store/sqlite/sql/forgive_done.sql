UPDATE attempts SET crashed = 0 WHERE worker = ? AND crashed = 1
