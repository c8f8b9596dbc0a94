"""The Secret in which the Go operator's webhook keeps the certificate that it has made, here made by openssl.

    secret = go_certificate.secret()                 # an object for kubectl
    go_certificate.authority(secret)                 # caBundle, as it stands in the webhook configurations
    go_certificate.certificate(secret)               # that is served, as PEM
"""

import base64
import os
import subprocess
import tempfile

HOST = "spark-operator-webhook-svc.spark-operator.svc"
DAYS = 3650
FILES = {"ca-key.pem": "ca.key", "ca-cert.pem": "ca.crt", "server-key.pem": "server.key", "server-cert.pem": "server.crt"}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


def secret():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "server.ext"), "w") as f:
            # Go writes no key identifiers into a certificate that bears its issuer's name: to OpenSSL it looks self-signed.
            f.write(f"subjectAltName=DNS:localhost,DNS:{HOST}\nkeyUsage=nonRepudiation,digitalSignature,keyEncipherment\n"
                    "extendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n"
                    "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n")
        subject = f"/O=spark-operator/CN={HOST}"
        for name in ("ca", "server"):
            openssl(folder, "genrsa", "-traditional", "-out", f"{name}.key", "2048")
        openssl(folder, "req", "-new", "-x509", "-key", "ca.key", "-out", "ca.crt", "-days", str(DAYS - 2), "-subj", subject,
                "-addext", f"subjectAltName=DNS:{HOST}", "-addext", "keyUsage=digitalSignature,keyEncipherment,keyCertSign")
        openssl(folder, "req", "-new", "-key", "server.key", "-out", "server.csr", "-subj", subject)
        openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.crt",
                "-days", str(DAYS), "-extfile", "server.ext")
        data = {}
        for key, name in FILES.items():
            with open(os.path.join(folder, name), "rb") as f:
                data[key] = base64.b64encode(f.read()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "spark-operator-webhook-certs", "namespace": "spark-operator"}, "data": data}


def authority(made):
    return made["data"]["ca-cert.pem"]


def certificate(made):
    return base64.b64decode(made["data"]["server-cert.pem"]).decode()
