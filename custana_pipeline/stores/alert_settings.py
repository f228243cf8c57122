"""Where a failed night is told, besides the log file; secrets come from the environment only."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from custana_pipeline.stores.settings_rules import OneLine


def _listed(told: Any) -> Any:
    return [part.strip() for part in told.split(",") if part.strip()] if isinstance(told, str) else told


Names = Annotated[tuple[OneLine, ...], NoDecode, BeforeValidator(_listed)]
"""Several names; in the environment with commas between them."""


class AlertSettings(BaseSettings):
    """Channels of alerts: a webhook, an e-mail server, both or none."""

    alert_webhook: SecretStr = Field(
        SecretStr(""),
        description="Address that alerts are posted to as JSON, such as Slack's; a secret, so only in the environment.",
    )
    alert_email_to: Names = Field((), description="Who gets alerts by e-mail.")
    alert_email_from: OneLine = Field("", description="The sender of these e-mails.")
    alert_smtp_host: OneLine = Field("", description="The e-mail server that they are handed to.")
    alert_smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    alert_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted; none is for a server on this machine."
    )
    alert_smtp_user: OneLine = Field("", description="The user at the e-mail server; none where it asks for none.")
    alert_smtp_password: SecretStr = Field(
        SecretStr(""), description="The password of that user; a secret, so only in the environment."
    )

    @field_validator("alert_webhook")
    @classmethod
    def _webhook_is_an_address(cls, address: SecretStr) -> SecretStr:
        told = urlsplit(address.get_secret_value())
        if address.get_secret_value() and (told.scheme not in ("http", "https") or not told.hostname):
            raise ValueError("a webhook is an address that begins with https:// (or http://)")
        return address

    @model_validator(mode="after")
    def _email_is_complete(self) -> "AlertSettings":
        if self.alert_email_to and not (self.alert_smtp_host and self.alert_email_from):
            raise ValueError("alert_email_to also needs alert_smtp_host and alert_email_from")
        if self.alert_smtp_security == "none" and self.alert_smtp_password.get_secret_value():
            raise ValueError("alert_smtp_security none would send the password as plain text: use starttls or tls")
        return self
