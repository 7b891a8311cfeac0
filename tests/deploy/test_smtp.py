"""The catcher of mail, as a process."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from deploy.local.ports import HOST, any_free_port


@contextmanager
def catcher(folder: Path) -> Iterator[int]:
    port = any_free_port()
    command = [sys.executable, "-m", "deploy.local.smtp", "--port", str(port), "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert str(port) in process.stdout.readline()
        try:
            yield port
        finally:
            process.terminate()
            assert process.wait(10) == 0


def test_each_message_is_kept_as_one_file_with_its_envelope(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "保养提醒", "shop@example.com", "zhang@example.com"
    message.set_content("您好，您的爱车该保养了。")
    with catcher(tmp_path / "mail") as port, smtplib.SMTP(HOST, port) as client:
        client.send_message(message)
        client.send_message(message, to_addrs=["hidden@example.com"])

    first, second = sorted((tmp_path / "mail").glob("*.eml"))
    kept = message_from_bytes(first.read_bytes(), policy=policy.default)
    assert kept["Subject"] == "保养提醒"
    assert kept["X-Envelope-To"] == "zhang@example.com"
    assert kept.get_content().strip() == "您好，您的爱车该保养了。"
    assert message_from_bytes(second.read_bytes())["X-Envelope-To"] == "hidden@example.com"
