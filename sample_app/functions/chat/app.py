"""Answer word by word, as server-sent events; `fail` is `begin` or `middle`."""

import time

WORDS = ("Yes,", "we", "have", "it", "in", "blue,", "and", "it", "keeps", "tea", "warm.")
LONGEST = 3.0  # seconds


def handler(event, context):
    try:
        pause = min(max(float(event.get("pause", 0.3)), 0), LONGEST)
    except (TypeError, ValueError):
        pause = 0.3
    print(f"chat: a word every {pause} s")
    if event.get("fail") == "begin":
        raise RuntimeError("nothing was sent yet")
    yield {"headers": {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}}
    for number, word in enumerate(WORDS):
        time.sleep(pause)
        # The id is the time at which the word was made, in milliseconds.
        yield f"id: {time.time() * 1000:.0f}\ndata: {word}\n\n"
        if number == 2 and event.get("fail") == "middle":
            raise RuntimeError("the rest is missing")
    yield "event: end\ndata:\n\n"
