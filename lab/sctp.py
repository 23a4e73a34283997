"""SCTP's first two messages on raw sockets, for kernels without SCTP of their own.

    sctp.py server NAME PORT               answers an INIT with an INIT ACK whose cookie is its name and the client's address
    sctp.py probe HOST PORT COUNT TIMEOUT  sends INITs, one after the other; prints a JSON list with the cookies, `silent`
                                           (after TIMEOUT seconds) or the names of errors
"""

import errno
import json
import os
import random
import select
import socket
import struct
import sys
import time

IPPROTO_SCTP = 132
INIT, INIT_ACK = 1, 2
STATE_COOKIE = 7


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packet(source_port, destination_port, verification_tag, chunk_type, tag, parameters=b""):
    chunk = struct.pack("!BBHIIHHI", chunk_type, 0, 20 + len(parameters), tag, 65536, 1, 1, 1) + parameters
    chunk += bytes(-len(chunk) % 4)
    header = struct.pack("!HHI", source_port, destination_port, verification_tag)
    # Conntrack drops what has a wrong checksum. It is the one little-endian field.
    return header + struct.pack("<I", crc32c(header + bytes(4) + chunk)) + chunk


def receive(raw):
    """Source, and the SCTP message: on IPv4 a raw socket gives the IP header too."""
    data, source = raw.recvfrom(65536)
    return source[0], data[(data[0] & 0xF) * 4 :] if raw.family == socket.AF_INET else data


def parse(message):
    source_port, destination_port, verification_tag, _, chunk_type, _, length = struct.unpack("!HHIIBBH", message[:16])
    tag = struct.unpack("!I", message[16:20])[0]
    return source_port, destination_port, verification_tag, chunk_type, tag, message[32 : 12 + length]


def serve(name, port):
    families = (socket.AF_INET, socket.AF_INET6)
    sockets = [socket.socket(family, socket.SOCK_RAW, IPPROTO_SCTP) for family in families]
    print("listening", flush=True)
    while True:
        for raw in select.select(sockets, [], [])[0]:
            source, message = receive(raw)
            if len(message) < 32:
                continue
            client_port, server_port, _, chunk_type, tag, _ = parse(message)
            if server_port == port and chunk_type == INIT:
                text = f"{name} {source}".encode()
                cookie = struct.pack("!HH", STATE_COOKIE, 4 + len(text)) + text
                raw.sendto(packet(port, client_port, tag, INIT_ACK, 1, cookie), (source, 0))


def probe(host, port, timeout):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    own_port, own_tag = random.randrange(20000, 60000), random.randrange(1, 1 << 32)
    try:
        with socket.socket(family, socket.SOCK_RAW, IPPROTO_SCTP) as raw:
            # Only a connected socket is told of ICMP errors.
            raw.connect((host, 0))
            raw.send(packet(own_port, port, 0, INIT, own_tag))
            deadline = time.monotonic() + timeout
            while select.select([raw], [], [], max(0, deadline - time.monotonic()))[0]:
                _, message = receive(raw)
                if len(message) < 32:
                    continue
                server_port, client_port, verification_tag, chunk_type, _, parameters = parse(message)
                if (server_port, client_port, verification_tag, chunk_type) == (port, own_port, own_tag, INIT_ACK):
                    return parameters[4:].decode()
            return "silent"
    except OSError as error:
        return errno.errorcode.get(error.errno, os.strerror(error.errno))


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        host, port, count, timeout = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
        print(json.dumps([probe(host, port, timeout) for _ in range(count)]))
