"""What proxies are told fits what the hub does. No proxy is run here."""

import re
from typing import Final

from tests.docs.pages import blocks

from taskflow_hub.http.headers import MAX_WAIT_S
from taskflow_hub.http.settings import MIB, HttpSettings
from taskflow_hub.http.sse import KEEP_ALIVE_S

PAGE: Final = "docs/how-to/behind-a-proxy.md"
NGINX_KEEPS_S: Final = 60.0  # an idle connection to the hub, unless told otherwise (keepalive_timeout)


def block(language: str) -> str:
    (found,) = [block.text for block in blocks(PAGE) if block.language == language]
    return found


def test_nginx() -> None:
    told = block("nginx")
    hub = HttpSettings()
    assert told.count("{") == told.count("}")
    assert f"server 127.0.0.1:{hub.port};" in told
    assert f"client_max_body_size {hub.max_batch_body // MIB}m;" in told
    (reads_s,) = re.findall(r"proxy_read_timeout (\d+)s;", told)
    assert int(reads_s) > max(MAX_WAIT_S, KEEP_ALIVE_S)
    assert hub.keep_alive > NGINX_KEEPS_S, "the hub must not close what nginx is about to use"
    said = dict(re.findall(r"proxy_set_header ([\w-]+) (\S+);", told))
    assert said == {
        "Connection": '""',
        "Host": "$host",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
    }


def test_caddy() -> None:
    assert f"reverse_proxy 127.0.0.1:{HttpSettings().port}\n" in block("caddyfile")
