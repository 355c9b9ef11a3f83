-- Its process has registered again, so it was not lost.
UPDATE workers SET lost = false WHERE id = $1 AND lost
