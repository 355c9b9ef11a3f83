-- domain/fingerprint.py's, for only here the type is known; `signature` is what failed, whatever the type.
left(encode(sha256(convert_to(type || ' ' || signature, 'UTF8')), 'hex'), 16)
