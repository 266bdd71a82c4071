"""HTTP to one server, over kept connections that end in time.

A prepared request goes in; the status, headers and body of its response come
out. Nothing here knows Lambda, and nothing is retried or redirected.
"""
