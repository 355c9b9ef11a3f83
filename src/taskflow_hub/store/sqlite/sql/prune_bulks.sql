DELETE FROM bulks WHERE id IN (SELECT id FROM bulks WHERE finished_at < ? LIMIT ?)
