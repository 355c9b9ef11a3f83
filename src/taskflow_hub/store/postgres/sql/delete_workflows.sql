DELETE FROM workflows WHERE id = ANY ($1::uuid[])
