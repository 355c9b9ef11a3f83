UPDATE attempts SET crashed = false WHERE worker = $1 AND crashed
