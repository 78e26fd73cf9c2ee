"""Tables of English and German."""

from __future__ import annotations

from collections.abc import Mapping

from intone.text.normalise.tables import NARROW_SPACES, Table, moneys, nouns

ENGLISH = Table(
    num2words_name="en",
    group_marks=",",
    decimal_marks=".",
    point="point",
    are_decimals_digits=True,
    minus="minus",
    plus="plus",
    to="to",
    months=(
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
    at="at",
    dot="dot",
    slash="slash",
    money_and="and",
    number="number",
    and_word="and",
    halves={"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter",
            "3/4": "three quarters"},
    units=nouns("""
        % = percent | percent
        km = kilometre | kilometres
        m = metre | metres
        cm = centimetre | centimetres
        mm = millimetre | millimetres
        kg = kilogram | kilograms
        g = gram | grams
        mg = milligram | milligrams
        l L = litre | litres
        ml mL = millilitre | millilitres
        km/h = kilometre per hour | kilometres per hour
        mph = mile per hour | miles per hour
        m² = square metre | square metres
        km² = square kilometre | square kilometres
        °C = degree Celsius | degrees Celsius
        °F = degree Fahrenheit | degrees Fahrenheit
        ° = degree | degrees
        lb lbs = pound | pounds
        ft = foot | feet
        kWh = kilowatt hour | kilowatt hours
        MB = megabyte | megabytes
        GB = gigabyte | gigabytes
        min = minute | minutes
        h = hour | hours"""),
    moneys=moneys("""
        $ US$ USD = dollar | dollars
        cent | cents
        € EUR = euro | euros
        cent | cents
        £ GBP = pound | pounds
        penny | pence
        ¥ JPY = yen | yen
        -"""),
)  # fmt: skip

GERMAN = Table(
    num2words_name="de",
    group_marks="." + NARROW_SPACES,
    decimal_marks=",.",
    point="Komma",
    are_decimals_digits=True,
    minus="minus",
    plus="plus",
    to="bis",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August"),
        *("September", "Oktober", "November", "Dezember"),
    ),
    at="ät",
    dot="Punkt",
    slash="Schrägstrich",
    money_and="und",
    number="Nummer",
    and_word="und",
    halves={"1/2": "ein halb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel",
            "3/4": "drei Viertel"},
    units=nouns("""
        % = Prozent | Prozent
        km = Kilometer | Kilometer
        m = Meter | Meter
        cm = Zentimeter | Zentimeter
        mm = Millimeter | Millimeter
        kg = Kilogramm | Kilogramm
        g = Gramm | Gramm
        mg = Milligramm | Milligramm
        l L = Liter | Liter
        ml mL = Milliliter | Milliliter
        km/h = Kilometer pro Stunde | Kilometer pro Stunde
        m² = Quadratmeter | Quadratmeter
        km² = Quadratkilometer | Quadratkilometer
        °C = Grad Celsius | Grad Celsius
        °F = Grad Fahrenheit | Grad Fahrenheit
        ° = Grad | Grad
        kWh = Kilowattstunde | Kilowattstunden | f
        MB = Megabyte | Megabyte
        GB = Gigabyte | Gigabyte
        min Min. = Minute | Minuten | f
        h Std. = Stunde | Stunden | f"""),
    moneys=moneys("""
        $ US$ USD = Dollar | Dollar
        Cent | Cent
        € EUR = Euro | Euro
        Cent | Cent
        £ GBP = Pfund | Pfund
        Penny | Pence
        ¥ JPY = Yen | Yen
        -"""),
)  # fmt: skip

TABLES: Mapping[str, Table] = {"english": ENGLISH, "german": GERMAN}
