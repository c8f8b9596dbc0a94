"""Whoever may do everything, and calls an API server directly."""

import http.client
import json
import ssl
import urllib.parse


class Api:
    """An administrator's calls over one connection. Thread: its owner's."""
    PATH = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications"

    def __init__(self, plane):
        place = urllib.parse.urlparse(plane.url)
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=60,
                                                      context=ssl.create_default_context(cafile=plane.ca_file))
        self.token = plane.token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def call(self, method, path, body=None, content_type="application/json"):
        self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                {"Authorization": f"Bearer {self.token}", "Content-Type": content_type})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
