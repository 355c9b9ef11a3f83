-- An object: each state and its count. The branches (search.py) count, each as far as it is asked to.
SELECT json_group_object(status, count) FROM (/*branches*/)
