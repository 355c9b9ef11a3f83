INSERT INTO leaving_days (name) VALUES ($1)
