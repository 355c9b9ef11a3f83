-- A row for each state. The branches (search.py) count, each as far as it is asked to.
SELECT status, count FROM (/* branches */) AS counted
