"""What keeps secret fields of payloads secret: the keys, and what is done with them."""
