"""Dashboards of Grafana and alerts of Prometheus, as Python. `make monitoring` writes what is copied."""
