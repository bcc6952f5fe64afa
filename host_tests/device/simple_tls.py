"""`umqtt_full.simple` with `ssl`, on MicroPython and CPython: simple_tls.py KIND HOST PORT FOLDER.

KIND: plain (verifies nothing), named (the names of CPython), context or wrong (another CA).
"""

import sys

from umqtt_full.simple import MQTTClient

kind, host, port, folder = sys.argv[1:]


ssl = True
params = {}
if kind in ("named", "wrong"):
    import ssl as module

    ca = folder + ("/ca.crt" if kind == "named" else "/other.crt")
    params = {"ca_certs": ca, "cert_reqs": module.CERT_REQUIRED, "server_hostname": "localhost",
              "certfile": folder + "/device.crt", "keyfile": folder + "/device.key"}  # fmt: skip
elif kind == "context":
    try:
        import ssl as module
    except ImportError:  # the unix port of MicroPython has what its ssl is made of
        import tls as module
    ssl = module.SSLContext(module.PROTOCOL_TLS_CLIENT)
    if hasattr(ssl, "check_hostname"):
        ssl.check_hostname = False
    ssl.verify_mode = module.CERT_NONE
got = []
client = MQTTClient("simple-tls-" + kind, host, int(port), ssl=ssl, ssl_params=params)
client.set_callback(lambda topic, msg: got.append(msg))
try:
    client.connect()
except OSError as error:
    print("REFUSED", error)
else:
    client.sock.setblocking(False)
    client.subscribe("simple/tls/" + kind, 1)
    client.publish("simple/tls/" + kind, b"x" * 5000, qos=1)
    while not got:
        client.wait_msg()
    assert got == [b"x" * 5000]
    client.disconnect()
    print("DONE")
print("OK")
