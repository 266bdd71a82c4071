"""Speak HTTP to one server, over connections that are reused.

A prepared request comes in; the status, headers and body of its response go out.
Nothing here retries, follows a redirect, or knows Lambda.
"""
