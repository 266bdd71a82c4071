"""An invocation goes out, a reply comes back."""
