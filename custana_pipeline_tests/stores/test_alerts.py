import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores import alerts
from custana_pipeline.stores.alert_channels import Mail, Undelivered, Webhook, channels_of
from custana_pipeline.stores.alert_settings import AlertSettings
from custana_pipeline.stores.alerts import Alert, AlertDesk
from custana_pipeline.stores.settings import load_settings
from custana_pipeline_tests.stores.alert_receivers import mail_receiver, web_receiver

EMPTY = Alert(
    code="NO_DATA",
    kind="BadFile",
    message="NO_DATA: there is no line for raw.transactions.",
    run_id="0123456789abcdef",
    job="nightly",
    source="shop",
    partition="2025-01-15",
    assets=("raw/transactions",),
)


def _log(desk: AlertDesk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.log.read_text().splitlines()]


def _forget_waiting(desk: AlertDesk) -> None:
    """As if the time to wait had passed."""
    for path in desk.folder.glob("*.later"):
        path.unlink()


def test_without_channels_an_alert_stands_in_the_log_and_nothing_waits(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path)
    desk.tell(EMPTY)
    assert desk.deliver() == 0
    (told,) = _log(desk)
    assert told["event"] == "alert"
    assert (told["run_id"], told["assets"], told["code"]) == (EMPTY.run_id, ["raw/transactions"], "NO_DATA")


def test_a_webhook_gets_a_text_for_people_and_the_fields(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        desk = AlertDesk(tmp_path, [Webhook(receiver.address)])
        desk.tell(EMPTY)
        assert desk.deliver() == 0
    (told,) = receiver.got
    assert told["text"] == (
        "custana (shop): run 01234567 of nightly for 2025-01-15: NO_DATA at raw/transactions. "
        "NO_DATA: there is no line for raw.transactions."
    )
    assert told == {**EMPTY.told(), "text": EMPTY.text}
    assert [each["event"] for each in _log(desk)] == ["alert", "delivered"]


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_an_alert_that_is_not_taken_waits_and_is_sent_again_later(tmp_path: Path, status: int) -> None:
    with web_receiver(status) as receiver:
        desk = AlertDesk(tmp_path, [Webhook(receiver.address)])
        desk.tell(EMPTY)
        assert desk.deliver() == 1
        assert desk.deliver() == 1  # too early
        assert receiver.got == []
        _forget_waiting(desk)
        assert desk.deliver() == 0
    assert len(receiver.got) == 1
    assert [each["event"] for each in _log(desk)] == ["alert", "not delivered", "delivered"]


def test_the_address_of_a_webhook_is_written_nowhere(tmp_path: Path) -> None:
    with web_receiver(500) as receiver:
        hook = Webhook(receiver.address)
        desk = AlertDesk(tmp_path, [hook])
        desk.tell(EMPTY)
        desk.deliver()
    _forget_waiting(desk)
    desk.deliver()  # nobody listens any more
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "T0P-SECRET" not in written + repr(hook) + repr(desk)
    assert [each.get("why") for each in _log(desk)] == [None, "HTTP 500", "ConnectionRefusedError"]


def test_one_alert_that_is_refused_does_not_hold_up_the_next(tmp_path: Path) -> None:
    with web_receiver(400) as receiver:
        desk = AlertDesk(tmp_path, [Webhook(receiver.address)])
        for name in "ab":
            desk.tell(Alert(code="DIED", kind="Died", message=name, run_id=name))
        assert desk.deliver() == 1
    assert [told["run_id"] for told in receiver.got] == ["b"]


def test_a_channel_that_fails_does_not_hold_up_the_other(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        dead = Webhook("http://127.0.0.1:9/", name="dead")
        desk = AlertDesk(tmp_path, [dead, Webhook(receiver.address)])
        desk.tell(EMPTY)
        assert desk.deliver() == 1
    assert len(receiver.got) == 1


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, [Webhook("http://127.0.0.1:9/")])
    desk.tell(EMPTY)
    waits = []
    for failures in range(9):
        (desk.folder / "webhook.later").write_text(json.dumps([failures, 0]))
        desk.deliver()
        waits.append(json.loads((desk.folder / "webhook.later").read_text())[1] - time.time())
    assert waits[:3] == pytest.approx([15, 30, 60], abs=2)
    assert max(waits) <= alerts.LONGEST_WAIT_SECONDS


def test_after_a_week_an_alert_is_given_up_and_the_log_says_so(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, [Webhook("http://127.0.0.1:9/")])
    desk.tell(EMPTY)
    (waiting,) = desk.folder.glob("*.webhook")
    os.utime(waiting, (0, 0))
    assert desk.deliver() == 0
    assert _log(desk)[-1]["event"] == "given up"


def test_the_same_run_waits_once(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        desk = AlertDesk(tmp_path, [Webhook(receiver.address)])
        desk.tell(EMPTY)
        desk.tell(EMPTY)
        desk.deliver()
    assert len(receiver.got) == 1


def _mail_settings(port: int) -> AlertSettings:
    return AlertSettings(
        alert_email_to=("ann@shop.example", "bob@shop.example"),
        alert_email_from="custana@shop.example",
        alert_smtp_host="127.0.0.1",
        alert_smtp_port=port,
        alert_smtp_security="none",
    )


def test_an_e_mail_has_the_text_and_the_fields(tmp_path: Path) -> None:
    with mail_receiver() as receiver:
        desk = AlertDesk(tmp_path, channels_of(_mail_settings(receiver.port)))
        desk.tell(EMPTY)
        assert desk.deliver() == 0
    (mail,) = receiver.got
    assert "Subject: custana: NO_DATA in nightly" in mail
    assert "To: ann@shop.example, bob@shop.example" in mail
    assert "partition: 2025-01-15" in mail


def test_a_mail_server_that_refuses_is_named_by_its_code() -> None:
    with (
        mail_receiver(b"554 not you ann@shop.example\r\n") as receiver,
        pytest.raises(Undelivered, match=r"^SMTP 554$"),
    ):
        Mail(_mail_settings(receiver.port)).send(EMPTY.told())


def test_a_sender_that_no_mail_can_name_holds_up_no_other_channel(tmp_path: Path) -> None:
    with mail_receiver() as post, web_receiver() as web:
        settings = _mail_settings(post.port).model_copy(update={"alert_email_from": "ann@shop.example\nBcc: all"})
        desk = AlertDesk(tmp_path, [Mail(settings), Webhook(web.address)])
        desk.tell(EMPTY)
        assert desk.deliver() == 1
    assert post.got == []
    assert len(web.got) == 1


def test_addresses_of_e_mails_are_one_line_each() -> None:
    given = {"alert_email_to": ("ann@shop.example",), "alert_email_from": "custana", "alert_smtp_host": "localhost"}
    for name in given:
        wrong = ("ann\nbob",) if name == "alert_email_to" else "ann\nbob"
        with pytest.raises(ValidationError, match="one line"):
            AlertSettings(**{**given, name: wrong})


def test_e_mail_without_encryption_takes_no_password_and_needs_a_server() -> None:
    with pytest.raises(ValidationError, match="plain text"):
        AlertSettings(alert_smtp_security="none", alert_smtp_password=SecretStr("x"))
    with pytest.raises(ValidationError, match="alert_smtp_host"):
        AlertSettings(alert_email_to=("ann@shop.example",))


def test_a_starttls_server_that_offers_none_gets_no_mail() -> None:
    with mail_receiver() as receiver:
        settings = _mail_settings(receiver.port).model_copy(update={"alert_smtp_security": "starttls"})
        with pytest.raises(Undelivered):
            Mail(settings).send(EMPTY.told())
    assert receiver.got == []


def _project(folder: Path, first_line: str = "") -> None:
    (folder / "dbt_like_sql").mkdir()
    (folder / "custana.toml").write_text(f'{first_line}\nsource = "shop"\n')


def test_the_webhook_comes_from_the_environment_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path)
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(tmp_path))
    monkeypatch.setenv("CUSTANA_ALERT_WEBHOOK", "https://hooks.example/T0P-SECRET")
    monkeypatch.setenv("CUSTANA_UI_HOSTS", "shop.example, custana.shop.example")
    settings = load_settings()
    assert settings.ui_hosts == ("shop.example", "custana.shop.example")
    (channel,) = channels_of(settings)
    assert channel == Webhook("https://hooks.example/T0P-SECRET")
    assert "T0P-SECRET" not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()


def test_a_webhook_in_custana_toml_is_refused_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, 'alert_webhook = "https://hooks.example/T0P-SECRET"')
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(tmp_path))
    with pytest.raises(WrongUse, match="CUSTANA_ALERT_WEBHOOK") as caught:
        load_settings()
    assert "T0P-SECRET" not in str(caught.value)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "hooks.example", "ftp://hooks.example/x", "https://"])
def test_a_webhook_is_a_web_address(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _project(tmp_path)
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(tmp_path))
    monkeypatch.setenv("CUSTANA_ALERT_WEBHOOK", address)
    with pytest.raises(WrongUse, match="alert_webhook"):
        load_settings()
