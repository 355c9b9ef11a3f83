SELECT input FROM workflows WHERE id = ?
