"""`alloc_ops` over TLS and WebSocket, on MicroPython.

tls_alloc.py ws|tls|wss CA NAME HOST PORT
"""

import sys

import alloc_ops
import umqtt_full


def main(kind, ca, name, host, port):
    """Measure one operation."""
    more = {}
    if kind != "ws":
        more = {"tls": True, "ca": ca}
    if kind != "tls":
        more["websocket"] = "/mqtt"

    def connected(host, port, **options):
        options.update(more)
        client_id = options.pop("client_id", "%s-%s" % (kind, name))
        client = umqtt_full.Client(client_id, host, port, clean_session=True, **options)
        client.connect()
        return client

    alloc_ops.connected = connected
    return alloc_ops.main(name, host, port)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
