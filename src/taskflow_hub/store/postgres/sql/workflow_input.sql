SELECT input FROM workflows WHERE id = $1::uuid
