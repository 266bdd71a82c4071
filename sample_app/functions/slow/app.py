"""Sleep for `seconds`; with 3 it exceeds the timeout of its route."""

import time

LONGEST = 8.0  # seconds


def handler(event, context):
    try:
        seconds = min(max(float(event.get("seconds", 3)), 0), LONGEST)
    except (TypeError, ValueError):
        return {"message": "seconds must be a number", "event": event}
    print(f"slow: sleeping {seconds} s")
    time.sleep(seconds)
    return {"slept": seconds, "event": event}
