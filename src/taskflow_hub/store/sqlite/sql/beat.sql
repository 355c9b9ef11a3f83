UPDATE workers SET beats = beats + 1, last_beat_at = ?, stuck = ?, loop_lag_s = ? WHERE id = ?
