"""TaskFlow Hub: background work you can trust."""
