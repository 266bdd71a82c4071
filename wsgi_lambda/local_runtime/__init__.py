"""Run a handler in this process, as Lambda's Python runtime does.

A handler (or its name) and the bytes of an event come in; the bytes that Lambda
would reply, and the runtime's log, go out. Nothing here knows routes or HTTP, or
any other part of the package.

    >>> environment = Environment(lambda: handler)
    >>> environment.prepare("7") or environment.run(b"{}", make_context, "7")
    Outcome(body=b'{"statusCode": 200}', error_type='', log='')
"""
