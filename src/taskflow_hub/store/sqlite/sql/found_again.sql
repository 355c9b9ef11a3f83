-- Its process has registered again, so it was not lost.
UPDATE workers SET lost = 0 WHERE id = ? AND lost = 1
