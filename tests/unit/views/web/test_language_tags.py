"""Languages with a region or a script, and those from right to left: addresses, pages, and the rule for nginx."""

import re

import pytest
from flask.testing import FlaskClient

from hubs import i18n
from tests.stack import ROOT

pytestmark = pytest.mark.usefixtures("every_catalogue")


@pytest.mark.parametrize(
    ("accepted", "opening"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", '<html lang="pt-BR" dir="ltr"'),
        ("zh-CN,zh;q=0.9", '<html lang="zh-Hans" dir="ltr"'),
        ("zh-TW,zh-Hant;q=0.9,es-419;q=0.5", '<html lang="es" dir="ltr"'),
        ("ar-EG", '<html lang="ar" dir="rtl"'),
    ],
)
def test_pages_are_in_the_language_of_the_browser(client: FlaskClient, accepted: str, opening: str) -> None:
    assert opening in client.get("/", headers={"Accept-Language": accepted}).get_data(as_text=True)
    assert opening in client.get("/no/such/page", headers={"Accept-Language": accepted}).get_data(as_text=True)


@pytest.mark.parametrize("spelling", ["pt_BR", "pt-BR", "pt-br"])
def test_an_address_names_a_language_by_code_or_tag(client: FlaskClient, spelling: str) -> None:
    assert '<html lang="pt-BR"' in client.get(f"/?lang={spelling}").get_data(as_text=True)
    client.get(f"/language?lang={spelling}")
    page = client.get("/").get_data(as_text=True)
    assert '<html lang="pt-BR"' in page
    assert '<option value="pt_BR" lang="pt-BR" selected>Português (Brasil)</option>' in page


def test_nginx_reads_the_fragments_of_every_language() -> None:
    site = (ROOT / "deploy" / "nginx" / "hubs.conf").read_text()
    match = re.search(r'map \$args \$hubs_language {.*?"~(\^lang=[^"]+)"', site, re.S)
    assert match
    rule = re.compile(match[1].replace("?<", "?P<"))
    for code in i18n.locales():
        query = rule.search(f"lang={code}")
        assert query, code
        assert query["hubs_code"] == code
    assert not rule.search("lang=de&lang=en")
