"""Tables of Italian, Portuguese, Spanish and French."""

from __future__ import annotations

from collections.abc import Mapping

from intone.text.normalise.tables import NARROW_SPACES, Table, moneys, nouns

ITALIAN = Table(
    num2words_name="it",
    group_marks="." + NARROW_SPACES,
    decimal_marks=",.",
    point="virgola",
    are_decimals_digits=False,
    minus="meno",
    plus="più",
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
    group_marks="." + NARROW_SPACES,
    decimal_marks=",.",
    point="vírgula",
    are_decimals_digits=False,
    minus="menos",
    plus="mais",
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
    group_marks="." + NARROW_SPACES,
    decimal_marks=",.",
    point="coma",
    are_decimals_digits=False,
    minus="menos",
    plus="más",
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
    group_marks=" ." + NARROW_SPACES,
    decimal_marks=",.",
    point="virgule",
    are_decimals_digits=False,
    minus="moins",
    plus="plus",
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
    "italian": ITALIAN,
    "portuguese": PORTUGUESE,
    "spanish": SPANISH,
    "french": FRENCH,
}
