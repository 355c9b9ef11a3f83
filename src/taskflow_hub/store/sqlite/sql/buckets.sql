SELECT json_group_object(name, full_at) FROM json_each(?) AS item CROSS JOIN buckets ON buckets.name = item.value
