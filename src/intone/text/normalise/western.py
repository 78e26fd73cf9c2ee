"""Tables of English, German, Italian, Portuguese, Spanish and French."""

from __future__ import annotations

from collections.abc import Mapping

from intone.text.normalise.tables import Table, moneys, nouns

_NARROW_SPACES = "\u00a0\u202f"

ENGLISH = Table(
    num2words_name="en",
    group_marks=",",
    decimal_marks=".",
    point="point",
    are_decimals_digits=True,
    minus="minus",
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
        $ USD = dollar | dollars
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
    group_marks="." + _NARROW_SPACES,
    decimal_marks=",.",
    point="Komma",
    are_decimals_digits=True,
    minus="minus",
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
        $ USD = Dollar | Dollar
        Cent | Cent
        € EUR = Euro | Euro
        Cent | Cent
        £ GBP = Pfund | Pfund
        Penny | Pence
        ¥ JPY = Yen | Yen
        -"""),
)  # fmt: skip

ITALIAN = Table(
    num2words_name="it",
    group_marks="." + _NARROW_SPACES,
    decimal_marks=",.",
    point="virgola",
    are_decimals_digits=False,
    minus="meno",
    to="a",
    months=(
        *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto"),
        *("settembre", "ottobre", "novembre", "dicembre"),
    ),
    at="chiocciola",
    dot="punto",
    slash="barra",
    money_and="e",
    number="numero",
    and_word="e",
    halves={"1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto",
            "3/4": "tre quarti"},
    units=nouns("""
        % = per cento | per cento
        km = chilometro | chilometri
        m = metro | metri
        cm = centimetro | centimetri
        mm = millimetro | millimetri
        kg = chilogrammo | chilogrammi
        g = grammo | grammi
        mg = milligrammo | milligrammi
        l L = litro | litri
        ml mL = millilitro | millilitri
        km/h = chilometro all'ora | chilometri all'ora
        m² = metro quadrato | metri quadrati
        km² = chilometro quadrato | chilometri quadrati
        °C = grado Celsius | gradi Celsius
        °F = grado Fahrenheit | gradi Fahrenheit
        ° = grado | gradi
        kWh = chilowattora | chilowattora
        MB = megabyte | megabyte
        GB = gigabyte | gigabyte
        min = minuto | minuti
        h = ora | ore | f"""),
    moneys=moneys("""
        $ USD = dollaro | dollari
        centesimo | centesimi
        € EUR = euro | euro
        centesimo | centesimi
        £ GBP = sterlina | sterline | f
        penny | pence
        ¥ JPY = yen | yen
        -"""),
)  # fmt: skip

PORTUGUESE = Table(
    num2words_name="pt_BR",
    group_marks="." + _NARROW_SPACES,
    decimal_marks=",.",
    point="vírgula",
    are_decimals_digits=False,
    minus="menos",
    to="a",
    months=(
        *("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto"),
        *("setembro", "outubro", "novembro", "dezembro"),
    ),
    at="arroba",
    dot="ponto",
    slash="barra",
    money_and="e",
    number="número",
    and_word="e",
    halves={"1/2": "meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto",
            "3/4": "três quartos"},
    units=nouns("""
        % = por cento | por cento
        km = quilômetro | quilômetros
        m = metro | metros
        cm = centímetro | centímetros
        mm = milímetro | milímetros
        kg = quilograma | quilogramas
        g = grama | gramas
        mg = miligrama | miligramas
        l L = litro | litros
        ml mL = mililitro | mililitros
        km/h = quilômetro por hora | quilômetros por hora
        m² = metro quadrado | metros quadrados
        km² = quilômetro quadrado | quilômetros quadrados
        °C = grau Celsius | graus Celsius
        °F = grau Fahrenheit | graus Fahrenheit
        ° = grau | graus
        kWh = quilowatt-hora | quilowatts-hora
        MB = megabyte | megabytes
        GB = gigabyte | gigabytes
        min = minuto | minutos
        h = hora | horas | f"""),
    moneys=moneys("""
        R$ BRL = real | reais
        centavo | centavos
        $ US$ USD = dólar | dólares
        centavo | centavos
        € EUR = euro | euros
        cêntimo | cêntimos
        £ GBP = libra | libras | f
        penny | pence
        ¥ JPY = iene | ienes
        -"""),
)  # fmt: skip

SPANISH = Table(
    num2words_name="es",
    group_marks="." + _NARROW_SPACES,
    decimal_marks=",.",
    point="coma",
    are_decimals_digits=False,
    minus="menos",
    to="a",
    months=(
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
        *("septiembre", "octubre", "noviembre", "diciembre"),
    ),
    at="arroba",
    dot="punto",
    slash="barra",
    money_and="con",
    number="número",
    and_word="y",
    halves={"1/2": "un medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto",
            "3/4": "tres cuartos"},
    units=nouns("""
        % = por ciento | por ciento
        km = kilómetro | kilómetros
        m = metro | metros
        cm = centímetro | centímetros
        mm = milímetro | milímetros
        kg = kilogramo | kilogramos
        g = gramo | gramos
        mg = miligramo | miligramos
        l L = litro | litros
        ml mL = mililitro | mililitros
        km/h = kilómetro por hora | kilómetros por hora
        m² = metro cuadrado | metros cuadrados
        km² = kilómetro cuadrado | kilómetros cuadrados
        °C = grado Celsius | grados Celsius
        °F = grado Fahrenheit | grados Fahrenheit
        ° = grado | grados
        kWh = kilovatio hora | kilovatios hora
        MB = megabyte | megabytes
        GB = gigabyte | gigabytes
        min = minuto | minutos
        h = hora | horas | f"""),
    moneys=moneys("""
        $ USD US$ = dólar | dólares
        centavo | centavos
        € EUR = euro | euros
        céntimo | céntimos
        £ GBP = libra | libras | f
        penique | peniques
        ¥ JPY = yen | yenes
        -"""),
)  # fmt: skip

FRENCH = Table(
    num2words_name="fr",
    group_marks=" ." + _NARROW_SPACES,
    decimal_marks=",.",
    point="virgule",
    are_decimals_digits=False,
    minus="moins",
    to="à",
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
        *("septembre", "octobre", "novembre", "décembre"),
    ),
    at="arobase",
    dot="point",
    slash="barre oblique",
    money_and="et",
    number="numéro",
    and_word="et",
    halves={"1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart",
            "3/4": "trois quarts"},
    units=nouns("""
        % = pour cent | pour cent
        km = kilomètre | kilomètres
        m = mètre | mètres
        cm = centimètre | centimètres
        mm = millimètre | millimètres
        kg = kilogramme | kilogrammes
        g = gramme | grammes
        mg = milligramme | milligrammes
        l L = litre | litres
        ml mL = millilitre | millilitres
        km/h = kilomètre heure | kilomètres heure
        m² = mètre carré | mètres carrés
        km² = kilomètre carré | kilomètres carrés
        °C = degré Celsius | degrés Celsius
        °F = degré Fahrenheit | degrés Fahrenheit
        ° = degré | degrés
        kWh = kilowattheure | kilowattheures
        Mo MB = mégaoctet | mégaoctets
        Go GB = gigaoctet | gigaoctets
        min = minute | minutes | f
        h = heure | heures | f"""),
    moneys=moneys("""
        $ USD = dollar | dollars
        cent | cents
        € EUR = euro | euros
        centime | centimes
        £ GBP = livre | livres | f
        penny | pence
        ¥ JPY = yen | yens
        -"""),
)  # fmt: skip

TABLES: Mapping[str, Table] = {
    "english": ENGLISH,
    "german": GERMAN,
    "italian": ITALIAN,
    "portuguese": PORTUGUESE,
    "spanish": SPANISH,
    "french": FRENCH,
}
