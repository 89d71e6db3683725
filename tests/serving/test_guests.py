"""Who is let in, by Origin, Host and key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsError
from engine.serving.guests import Guests, host_in, is_loopback, origin_in
from engine.serving.keys import is_known

HERE = Guests()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:80", "localhost", "LOCALHOST.:9", "[::1]:80", "app.localhost:1", "127.1.2.3", "[::ffff:127.0.0.1]"],
)
def test_loopback_is_let_in(host):
    assert HERE.refusal(host, []) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.org",
        "evil.org:80",
        "127.0.0.1.evil.org",
        "localhost.evil.org",
        "0.0.0.0",
        "192.168.1.2",
        "",
        "a b",
        "x@localhost",
        "localhost/",
        "[::2]",
        "xn--lcalhost-n0e",
        "127.0.0.1:80:80",
        "localhost\x00",
    ],
)
def test_another_host_is_refused_on_loopback(host):
    assert HERE.refusal(host, []) is not None


def test_hosts_that_were_named():
    named = Guests(hosts=["engine.test", "2001:db8::1"])
    for host in ("engine.test:8765", "ENGINE.test.", "[2001:db8::1]:1", "localhost"):
        assert named.refusal(host, []) is None
    assert named.refusal("sub.engine.test", []) is not None


def test_elsewhere_any_name_will_do_until_some_are_named():
    open_, named = Guests(listening="0.0.0.0"), Guests(listening="0.0.0.0", hosts=["engine.test"])
    assert open_.refusal("whatever.example:80", []) is None
    assert named.refusal("whatever.example:80", []) is not None
    for host in ("engine.test", "192.0.2.7:80", "localhost"):
        assert named.refusal(host, []) is None
    assert open_.refusal("whatever.example", ["https://whatever.example"]) is not None


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8", "http://app.localhost", "HTTP://LOCALHOST"],
)
def test_pages_of_this_machine_are_let_in(origin):
    assert HERE.refusal("localhost", [origin]) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.org",
        "http://localhost.evil.org",
        "http://localhost@evil.org",
        "file://",
        "http://[",
        "x",
        "http://localhost:99999999",
        "chrome-extension://localhost",
        "http://evil.org#localhost",
        "http://localhost/path",
        "http://127.0.0.1.evil.org",
    ],
)
def test_other_pages_are_not(origin):
    assert HERE.refusal("localhost", [origin]) is not None
    assert HERE.refusal("localhost", ["http://localhost", origin]) is not None


def test_origins_that_were_named():
    named = Guests(origins=["https://app.example.org", "http://Other.example:8080/"])
    for origin in ("https://app.example.org", "https://APP.example.org:443", "http://other.example:8080"):
        assert named.refusal("localhost", [origin]) is None
    for origin in ("http://app.example.org", "https://app.example.org:8443", "https://sub.app.example.org"):
        assert named.refusal("localhost", [origin]) is not None
    assert Guests(origins=["*"]).refusal("localhost", ["null"]) is None


@pytest.mark.parametrize("wrong", ["example.org", "https://", "null", "http://a/b", ""])
def test_an_origin_that_is_none_is_an_error(wrong):
    with pytest.raises(SettingsError, match=r"https://example\.org"):
        Guests(origins=[wrong])


@pytest.mark.parametrize("wrong", ["http://example.org", "", "a b"])
def test_a_host_that_is_none_is_an_error(wrong):
    with pytest.raises(SettingsError, match=r"example\.org"):
        Guests(hosts=[wrong])


@given(st.text(max_size=40))
def test_any_header_is_answered(text):
    """Nothing a client writes there is an error of the server's."""
    HERE.refusal(text, [text])
    assert host_in(text) is None or isinstance(host_in(text), str)
    assert origin_in(text) is None or "://" in (origin_in(text) or "")
    is_loopback(text)


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))
def test_a_key_is_known_if_it_is_one_of_them(given_key, keys):
    assert is_known(given_key, keys) == (given_key in keys)
