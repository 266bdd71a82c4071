"""Receive a form: return the values of the fields, and the size and SHA-256 of each file."""

import base64
import hashlib


def handler(event, context):
    fields, files = {}, []
    for name, value in event.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict) and "filename" in part:
                files.append(describe(name, part))
            else:
                fields.setdefault(name, []).append(part)
    print(f"upload: {len(files)} files, {sum(file['size'] for file in files)} bytes")
    return {"files": files, "fields": fields, "event": event}


def describe(name, part):
    data = base64.b64decode(part["body"])
    return {
        "field": name,
        "filename": part["filename"],
        "content_type": part["content_type"],
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
