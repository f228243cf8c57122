"""The ways that an alert leaves this machine; each raises Undelivered, which never names the address."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol

from custana_pipeline.stores.alert_settings import AlertSettings

TIMEOUT_SECONDS = 5.0


class Undelivered(Exception):
    """A channel did not take an alert; the text is a code or the kind of the error."""

    def __init__(self, reason: str, *, is_refusal: bool = False) -> None:
        super().__init__(reason)
        self.is_refusal = is_refusal
        """Whether the other side answered, so that the next alert may still be taken."""


class Channel(Protocol):
    """Somewhere that alerts go."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def send(self, told: Mapping[str, Any]) -> None:
        """Hands one alert over within some seconds; raises Undelivered."""
        ...


def channels_of(settings: AlertSettings) -> list[Channel]:
    """The channels that are set."""
    found: list[Channel] = []
    if settings.alert_webhook.get_secret_value():
        found.append(Webhook(settings.alert_webhook.get_secret_value()))
    if settings.alert_email_to:
        found.append(Mail(settings))
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A post that is led elsewhere would arrive as a get, without its body."""


@dataclass(frozen=True, repr=False)
class Webhook:
    """Posts the alert as JSON: `text` for people (what Slack shows), and its fields."""

    address: str
    name: str = "webhook"

    def send(self, told: Mapping[str, Any]) -> None:
        """Posts it; anything but a 2xx answer is Undelivered."""
        body = json.dumps(dict(told), sort_keys=True).encode()
        try:
            request = urllib.request.Request(  # noqa: S310 - http or https, see AlertSettings
                self.address, data=body, headers={"Content-Type": "application/json", "User-Agent": "custana"}
            )
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError as error:
            raise Undelivered(f"HTTP {error.code}", is_refusal=error.code not in (429, 503)) from None
        except Exception as error:  # the text of any of these may hold the address, which is a secret
            raise Undelivered(type(getattr(error, "reason", error)).__name__) from None


@dataclass(frozen=True, repr=False)
class Mail:
    """Hands the alert to an e-mail server."""

    settings: AlertSettings
    name: str = "e-mail"

    def send(self, told: Mapping[str, Any]) -> None:
        """Sends it to everybody of alert_email_to."""
        try:
            with self._connected() as server:
                server.send_message(self._message(told))
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"SMTP {error.smtp_code}", is_refusal=error.smtp_code >= 500) from None
        except Exception as error:  # names of servers and people stay out of the log
            raise Undelivered(type(error).__name__) from None

    def _message(self, told: Mapping[str, Any]) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"custana: {told.get('code', 'alert')} in {told.get('job') or 'custana'}"
        message["From"] = self.settings.alert_email_from
        message["To"] = ", ".join(self.settings.alert_email_to)
        fields = "\n".join(f"{name}: {value}" for name, value in sorted(told.items()) if name != "text" and value)
        message.set_content(f"{told.get('text', '')}\n\n{fields}\n")
        return message

    def _connected(self) -> smtplib.SMTP:
        place = (self.settings.alert_smtp_host, self.settings.alert_smtp_port)
        security = self.settings.alert_smtp_security
        if security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                *place, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(*place, timeout=TIMEOUT_SECONDS)
        if security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if self.settings.alert_smtp_user:
            server.login(self.settings.alert_smtp_user, self.settings.alert_smtp_password.get_secret_value())
        return server
