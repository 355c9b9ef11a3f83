UPDATE leaving_days SET cleared_to = $2::uuid WHERE name = $1
