"""Policies at a web address, from a server on the loopback."""

from __future__ import annotations

import functools
import threading
from collections.abc import Generator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from pushgrasp.errors import UserError
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import PolicySource, load_policy

SMALL = NetworkConfig(widths=(16, 16, 16))


class Handler(SimpleHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[str, Path]]:
    """Yield the address and the folder of a server, which an empty cache has never seen."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "served"
    folder.mkdir()
    Handler.asked.clear()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()
    thread.join()


def publish(folder: Path, seed: int) -> None:
    Policy.random_init(SMALL, seed=seed).save_pretrained(folder)


def test_weights_are_downloaded_once_and_again_when_the_policy_changes(
    served: tuple[str, Path],
) -> None:
    address, folder = served
    publish(folder / "careful", 1)
    for end in ("", "/", ",max_pushes=7"):
        loaded = load_policy(f"{address}/careful{end}")
        assert isinstance(loaded, Policy)
        assert loaded.name == "careful" + end.strip("/")
    first = PolicySource.resolve(f"{address}/careful").sha256()
    assert first == PolicySource.resolve(folder / "careful").sha256()
    assert Handler.asked.count("/careful/model.safetensors") == 1
    publish(folder / "careful", 2)
    second = PolicySource.resolve(f"{address}/careful").sha256()
    assert second == PolicySource.resolve(folder / "careful").sha256() != first
    assert Handler.asked.count("/careful/model.safetensors") == 2


def test_without_a_network_the_cache_is_used(
    served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = served
    publish(folder / "careful", 1)
    before = PolicySource.resolve(f"{address}/careful").sha256()

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    assert PolicySource.resolve(f"{address}/careful").sha256() == before
    with pytest.raises(UserError, match=r"cannot get .*/other/config\.json: no route to host"):
        PolicySource.resolve(f"{address}/other")


def test_what_is_no_policy_is_refused(served: tuple[str, Path]) -> None:
    address, folder = served
    with pytest.raises(UserError, match=r"cannot get .*/none/config\.json: HTTP Error 404"):
        PolicySource.resolve(f"{address}/none")
    for content in ("<html>", "[]", '{"format": "other"}'):
        (folder / "config.json").write_text(content)
        with pytest.raises(UserError, match="is not a policy's configuration"):
            PolicySource.resolve(address)
    publish(folder / "cut", 1)
    (folder / "cut/model.safetensors").unlink()
    with pytest.raises(UserError, match=r"cannot get .*/cut/model\.safetensors"):
        PolicySource.resolve(f"{address}/cut")
