"""Checks answers of the API against signaling/openapi.yaml."""

import functools
import json
import re

import jsonschema
import yaml

from .processes import ROOT

PREFIX = "/api/v1/"
# Playlists and media of recordings are HLS and bytes, and OPTIONS is for browsers.
ELSEWHERE = re.compile(r"/api/v1/recordings/[^/]+/[^/]+$")


@functools.cache
def _description():
    document = yaml.safe_load((ROOT / "signaling" / "openapi.yaml").read_text())
    patterns = [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$"), item) for path, item in document["paths"].items()]
    return document, patterns


def check(method, path, answer):
    """Fails unless the API says that this may be answered; whatever is not of the API passes."""
    path = path.partition("?")[0]
    if not path.startswith(PREFIX) or method == "OPTIONS" or ELSEWHERE.match(path):
        return
    document, patterns = _description()
    item = next((item for pattern, item in patterns if pattern.match(path)), None)
    operation = (item or {}).get("get" if method == "HEAD" else method.lower())
    if operation is None:
        assert answer.status in (400, 401, 403, 404, 405, 429), f"openapi.yaml knows no {method} {path}: {answer}"
        return
    response = operation["responses"].get(str(answer.status))
    assert response is not None, f"openapi.yaml knows no {answer.status} for {method} {path}: {answer}"
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    type = (answer.headers["Content-Type"] or "").partition(";")[0]
    content = response.get("content", {})
    if method == "HEAD" or not content:
        assert not answer.body, f"{method} {path} has a body: {answer}"
        return
    assert type in content, f"{method} {path} is answered by {type}, not {list(content)}"
    if "schema" in content[type]:
        schema = {**content[type]["schema"], "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(answer.body))
