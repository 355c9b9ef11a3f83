"""Who asks, and the use cases around it: logins, users and keys."""
