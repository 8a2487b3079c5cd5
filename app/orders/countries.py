"""Countries, currencies, and the postal codes of countries."""

import re
from typing import Final

COUNTRIES: Final = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 -- a list of them has a line each
)
"""ISO 3166-1 alpha-2."""

CURRENCIES: Final = frozenset(
    """
    AED ARS AUD BGN BRL CAD CHF CNY COP CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR KES MAD MXN MYR NGN NOK NZD
    PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TWD UAH USD UYU ZAR
    """.split()  # noqa: SIM905 -- a list of them has a line each
)
"""Of ISO 4217 what an order may be in: money has two decimals everywhere in this service."""

_POSTAL_CODES: Final = {
    **dict.fromkeys(("DE", "ES", "FI", "FR", "IT", "EE", "HR", "MX", "TR", "UA"), r"\d{5}"),
    **dict.fromkeys(("AT", "AU", "BE", "BG", "CH", "DK", "HU", "LI", "LU", "NO", "NZ", "SI", "ZA"), r"\d{4}"),
    **dict.fromkeys(("CN", "IN", "RO", "SG"), r"\d{6}"),
    **dict.fromkeys(("CZ", "GR", "SE", "SK"), r"\d{3} ?\d{2}"),
    "BR": r"\d{5}-?\d{3}",
    "CA": r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}",
    "JP": r"\d{3}-?\d{4}",
    "LT": r"(LT-)?\d{5}",
    "LV": r"LV-\d{4}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "PT": r"\d{4}-\d{3}",
    "US": r"\d{5}(-\d{4})?",
}
_ELSEWHERE: Final = r"[A-Z\d][A-Z\d -]{0,10}[A-Z\d]|[A-Z\d]"


def fits(postal_code: str, country: str) -> bool:
    """Tests whether a code, in capitals, has the country's format, or a general one where none is known."""
    return re.fullmatch(_POSTAL_CODES.get(country, _ELSEWHERE), postal_code, re.ASCII) is not None


def has_postal_codes(country: str) -> bool:
    """Tests whether addresses in the country need a code; false where no format is known: some countries have none."""
    return country in _POSTAL_CODES
