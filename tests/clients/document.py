"""Clients that are documents (CIMD): serves two over https, with a certificate authority of its own.

    python document.py AUTHORITY     writes the authority's certificate into the file AUTHORITY, prints where the documents are

/client.json may refresh, /online.json may not; in any folder, so that each visitor can be a client of its own. Both name
each redirect URI that a client of these tests uses, for any port.
"""

import json
import ssl
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

REDIRECTS = [f"http://{host}{path}" for host in ("localhost", "127.0.0.1") for path in ("/callback", "/oauth/callback")]


def certificate(name: str, key, issuer: str, by, *extensions) -> x509.Certificate:
    named = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(by, hashes.SHA256())


def tls(authority: str) -> ssl.SSLContext:
    root, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = certificate("tests", root, "tests", root, x509.BasicConstraints(ca=True, path_length=None))
    name = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = certificate("localhost", key, "tests", root, name, usage)
    pem = serialization.Encoding.PEM
    with open(authority, "wb") as file:
        file.write(ca.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write(leaf.public_bytes(pem) + private)
        file.flush()
        context.load_cert_chain(file.name)
    return context


GRANTS = {"/client.json": ["authorization_code", "refresh_token"], "/online.json": ["authorization_code"]}


class Document(BaseHTTPRequestHandler):
    def grants(self):
        return GRANTS.get("/" + self.path.rpartition("/")[2])

    def do_GET(self):
        about = {
            "client_id": self.server.address + self.path,
            "client_name": "A client that is a document",
            "redirect_uris": REDIRECTS,
            "grant_types": self.grants(),
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        body = json.dumps(about).encode()
        self.send_response(200 if self.grants() else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Document)
server.address = f"https://localhost:{server.server_port}"
server.socket = tls(sys.argv[1]).wrap_socket(server.socket, server_side=True)
print(server.address, flush=True)
server.serve_forever()
