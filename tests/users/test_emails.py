"""Canonical e-mail addresses: one account, however its address is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crafter.users.emails import canonical_email

OUTLOOK_FAMILY = """
    hotmail.at hotmail.be hotmail.ca hotmail.cl hotmail.co.il hotmail.co.nz hotmail.co.th hotmail.co.uk
    hotmail.com hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.gr hotmail.com.mx
    hotmail.com.pe hotmail.com.tr hotmail.com.vn hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fr
    hotmail.hu hotmail.id hotmail.ie hotmail.in hotmail.it hotmail.jp hotmail.kr hotmail.lv hotmail.my
    hotmail.ph hotmail.pt hotmail.sa hotmail.sg hotmail.sk live.be live.co.uk live.com live.com.ar
    live.com.mx live.de live.es live.eu live.fr live.it live.nl msn.com outlook.at outlook.be outlook.cl
    outlook.co.il outlook.co.nz outlook.co.th outlook.com outlook.com.ar outlook.com.au outlook.com.br
    outlook.com.gr outlook.com.pe outlook.com.tr outlook.com.vn outlook.cz outlook.de outlook.dk
    outlook.es outlook.fr outlook.hu outlook.id outlook.ie outlook.in outlook.it outlook.jp outlook.kr
    outlook.lv outlook.my outlook.ph outlook.pt outlook.sa outlook.sg outlook.sk passport.com
"""


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Alice.Smith+tag@Gmail.com", "alicesmith@gmail.com"),
        ("alice.smith@googlemail.com", "alicesmith@gmail.com"),
        ("alice+a+b@gmail.com", "alice@gmail.com"),
        (" a@X.IO ", "a@x.io"),
        ("A.b+C@x.io", "a.b+c@x.io"),
        ("a-b@x.io", "a-b@x.io"),
        ("Al.Ice+tag@icloud.com", "al.ice@icloud.com"),
        ("alice+tag@me.com", "alice@me.com"),
        ("alice+tag@mac.com", "alice+tag@mac.com"),
        ("alice-shop@yahoo.com", "alice@yahoo.com"),
        ("alice-b-shop@yahoo.co.uk", "alice-b@yahoo.co.uk"),
        ("alice+tag@ymail.com", "alice+tag@ymail.com"),
        ("alice-x@rocketmail.com", "alice@rocketmail.com"),
        ("alice-x@yahoo.es", "alice-x@yahoo.es"),
        ("a.b+c-d@yandex.com", "a.b+c-d@yandex.ru"),
        ("alice@ya.ru", "alice@yandex.ru"),
        ("alice@yandex.by", "alice@yandex.ru"),
        ("alice@yandex.net", "alice@yandex.net"),
        ("o'neil@x.io", "o'neil@x.io"),
        ("alice@corp.local", "alice@corp.local"),
        ("alice@bücher.de", "alice@xn--bcher-kva.de"),
        ("alice@BÜCHER.de", "alice@xn--bcher-kva.de"),
        ("alice@XN--BCHER-KVA.de", "alice@xn--bcher-kva.de"),
        ("a" * 64 + "@x.io", "a" * 64 + "@x.io"),
    ],
)
def test_an_address_has_one_form(typed: str, canonical: str) -> None:
    assert canonical_email(typed) == canonical


@pytest.mark.parametrize("domain", OUTLOOK_FAMILY.split())
def test_the_outlook_family_drops_what_follows_a_plus(domain: str) -> None:
    assert canonical_email(f"Al.Ice-x+tag@{domain.upper()}") == f"al.ice-x@{domain}"


def test_domains_outside_the_outlook_family_keep_what_follows_a_plus() -> None:
    for domain in (
        "hotmail.nl",
        "live.at",
        "live.ca",
        "outlook.ca",
        "outlook.co.uk",
        "outlook.com.mx",
        "outlook.nl",
    ):
        assert canonical_email(f"alice+tag@{domain}") == f"alice+tag@{domain}"


@pytest.mark.parametrize(
    "look_alike",
    [
        pytest.param("VICTIM@x.io", id="capitals"),
        pytest.param("\N{FULLWIDTH LATIN SMALL LETTER V}ictim@x.io", id="a full-width letter"),
        pytest.param("\N{CIRCLED LATIN SMALL LETTER V}ictim@x.io", id="a circled letter"),
        pytest.param("victim\N{FULLWIDTH COMMERCIAL AT}x.io", id="a full-width at"),
        pytest.param("victim@x\N{IDEOGRAPHIC FULL STOP}io", id="an ideographic dot"),
        pytest.param("victim@\N{FULLWIDTH LATIN SMALL LETTER X}.io", id="a full-width domain"),
        pytest.param("\N{NO-BREAK SPACE}victim@x.io", id="a hard space before"),
    ],
)
def test_a_look_alike_that_unicode_joins_is_the_same_account(look_alike: str) -> None:
    assert canonical_email(look_alike) == "victim@x.io"


@pytest.mark.parametrize(
    "look_alike",
    [
        pytest.param("v\N{LATIN SMALL LETTER DOTLESS I}ctim@x.io", id="a dotless i"),
        pytest.param("v\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}ctim@x.io", id="a Cyrillic letter"),
        pytest.param("víctim@x.io", id="an accent"),
        pytest.param("vi\N{COMBINING ACUTE ACCENT}ctim@x.io", id="a combining accent"),
        pytest.param("victim\N{ZERO WIDTH SPACE}@x.io", id="an invisible space"),
        pytest.param("straße@x.io", id="a letter that would fold to two"),
    ],
)
def test_other_characters_outside_ascii_before_the_at_are_refused(look_alike: str) -> None:
    with pytest.raises(ValueError, match="before the @ may hold only unaccented letters"):
        canonical_email(look_alike)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a@straße.de", "a@strasse.de"), ("a@\N{CYRILLIC SMALL LETTER A}pple.com", "a@apple.com")],
)
def test_domains_of_different_owners_stay_different(one: str, other: str) -> None:
    assert canonical_email(one) != canonical_email(other)


@pytest.mark.parametrize(
    "typed",
    [
        "", "@", "alice", "alice@", "@x.io", "alice@x", "alice@localhost", "alice@@x.io", "a@b@x.io",
        "a b@x.io", ".a@x.io", "a..b@x.io", "a.@x.io", "alice@x..io", "alice@-x.io", "alice@x.io.",
        "alice@1.2.3.4", "alice@[127.0.0.1]", '"a b"@x.io', "Alice <alice@x.io>", "alice@x.io\x00",
        "al\x00ice@x.io", "a\r\n@x.io", "alice@x.io\r\nBcc: b@x.io", "alice@\ud800.io", "alice@x_y.io",
        "alice@xn--a.io", "a" * 65 + "@x.io", "alice@" + "b" * 64 + ".io", "+tag@gmail.com",
        "+tag@outlook.com", "+tag@me.com", "-shop@yahoo.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ValueError) as refused:
        canonical_email(typed)

    assert str(refused.value) == "Enter a valid e-mail address."


def test_an_address_has_at_most_254_characters() -> None:
    labels = ".".join(["b" * 63] * 3)
    longest = "a@" + labels + "." + "c" * (254 - len(labels) - 3)

    assert canonical_email(longest) == longest
    with pytest.raises(ValueError, match="at most 254"):
        canonical_email(longest + "c")
    with pytest.raises(ValueError, match="at most 254"):
        canonical_email("a" * 1_000_000 + "@x.io")


def test_the_limit_holds_for_the_ascii_form_of_the_domain() -> None:
    with pytest.raises(ValueError):
        canonical_email("a@" + ".".join(["ü" * 50] * 4) + ".de")


@given(local=st.text(max_size=20), domain=st.text(max_size=20))
def test_the_form_is_lower_case_ascii_or_the_address_is_refused(local: str, domain: str) -> None:
    try:
        form = canonical_email(f"{local}@{domain}.io")
    except ValueError:
        return

    assert form.isascii()
    assert form == form.lower()
    assert form.count("@") == 1
    assert len(form) <= 254


@given(st.from_regex(r"[a-z0-9][a-z0-9+-]{0,10}[a-z0-9]@[a-z0-9]{1,10}\.(com|io)", fullmatch=True))
def test_case_width_and_surrounding_blanks_make_no_difference(address: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in address)

    assert canonical_email(f" {address.upper()}\t") == canonical_email(wide) == canonical_email(address)
