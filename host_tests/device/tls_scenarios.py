"""Runs a scenario of `driver` over TLS or WebSocket.

    tls_scenarios.py FILE GROUP NAME HOST PORT PREFIX

FILE has further arguments of the client, as JSON.
"""

import json
import sys

import driver

with open(sys.argv[1]) as _file:
    driver.OPTIONS.update(json.load(_file))
driver.main(*sys.argv[2:])
