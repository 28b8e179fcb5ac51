"""A mail server for the tests: mail_server.py plain|starttls|tls|refuse [CERT KEY USER PASSWORD].

Says `port N`, then one line of JSON for each mail it took.
"""

import json
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Keeper:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mode == "refuse":
            return "451 come back later"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode(),
            "is_signed_in": session.authenticated,
            "is_encrypted": session.ssl is not None or mode == "tls",
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    is_right = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=is_right, handled=False)


mode, *rest = sys.argv[1:]
options = {}
if rest:
    certificate, key, user, password = rest
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    options = {"authenticator": check, "auth_required": True}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options |= {"ssl_context": context, "auth_require_tls": False}

class OnAnyPort(Controller):
    """Takes a free port, and tries itself there and not at port 0."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


controller = OnAnyPort(Keeper(), hostname="127.0.0.1", port=0, **options)
controller.start()
print("port", controller.port, flush=True)
threading.Event().wait()
