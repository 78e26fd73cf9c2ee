"""Wyoming, the protocol of Home Assistant's voices: TCP, JSON lines and 16-bit samples.

The protocol has no keys; so the server listens on loopback unless `server.insecure` says otherwise.
"""
