"""Tables of scenarios: what the broker does and what the client must do. Literals only.

Each file has SCENARIOS, a tuple of dicts with "name", "broker" (steps of `fake_broker.py`),
"client" (steps of `device/driver.py`) and maybe "covers" (statements of the specification)
and "cases" (see `device/expand.py`). They are read by CPython and by MicroPython.
"""

GROUPS = (
    "connect",
    "connack",
    "publish",
    "acks",
    "window",
    "receive",
    "handlers",
    "leaving",
    "subscribe",
    "keep_alive",
    "reconnect",
    "resume",
    "malformed",
    "oversize",
    "bad_arguments",
    "streams",
    "peers",
)

# Groups of MQTT 5.0 alone; those above are played in both versions (see `device/expand.py`).
GROUPS_5 = (
    "v5_connect",
    "v5_alias",
    "v5_publish",
    "v5_limits",
    "v5_subscribe",
    "v5_disconnect",
    "v5_auth",
    "v5_fallback",
    "v5_arguments",
)
