from __future__ import annotations

import os

import pytest

from tests import browser


def program(folder, name, script="exit 0"):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with no browser: an empty folder is the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "_PLACES", ())
    return tmp_path


def test_a_browser_on_the_path_is_found(bare):
    assert browser.chromium() is None
    chrome = program(bare, "google-chrome")
    assert browser.chromium() == chrome
    assert browser.chromium() != program(bare, "chromium")
    assert browser.chromium() == str(bare / "chromium")


def test_a_browser_in_a_usual_place_is_found(bare, monkeypatch):
    place = program(bare, "Google Chrome")
    monkeypatch.setattr(browser, "_PLACES", (str(bare / "nowhere"), place))
    assert browser.chromium() == place


def test_where_nothing_can_be_installed_one_line_says_so(bare, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(bare, "apt-get")
    browser.main()
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", browser.missing() + "\n")
    assert browser.missing().startswith("no Chromium: ")


def test_a_failing_installation_is_one_line_with_the_reason(bare, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(bare, "apt-get", "echo 'W: something' >&2; echo 'E: no network' >&2; exit 100")
    browser.main()
    assert capsys.readouterr().err == "no Chromium: apt-get update -qq failed: E: no network\n"


def test_what_is_missing_is_installed_in_silence(bare, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    target = bare / "chromium"
    program(bare, "apt-get", f'[ "$1" = install ] && {{ echo "#!/bin/sh" > {target}; /bin/chmod 755 {target}; }}; exit 0')
    browser.main()
    assert browser.chromium() == str(target)
    assert capsys.readouterr() == ("", "")
