"""Sentences filled into patterns: numbers in words, times, prices, names, everyday requests.

Books and dictionaries rarely say what a voice is asked to say; and a word heard only once is soon
forgotten, so word lists go through plain carrier sentences too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth twentieth thirtieth"
).split()

_LISTS = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November "
    "December",
    "season": "spring summer autumn winter",
    "color": "red blue green yellow black white brown gray orange purple pink silver golden",
    "person": "mother father sister brother aunt uncle neighbor teacher doctor friend boss cousin "
    "daughter son grandmother grandfather wife husband colleague landlord nurse",
    "place": "kitchen garden office library station airport hotel museum market bakery pharmacy "
    "hospital school park theater restaurant bank church beach village bridge harbor cinema",
    "city": "London Paris Boston Chicago Madrid Berlin Rome Tokyo Sydney Toronto Denver Seattle "
    "Dublin Vienna Athens Cairo Moscow Oslo Houston Dallas Atlanta Portland",
    "thing": "book letter ticket umbrella jacket suitcase phone camera bicycle newspaper blanket "
    "bottle hammer candle mirror basket pencil wallet picture chair table lamp printer computer "
    "laptop keyboard key bag box cup plate glass knife pan coat shirt shoe hat scarf",
    "food": "bread cheese butter soup salad rice chicken fish potatoes carrots onions apples "
    "oranges bananas coffee tea milk juice sugar salt pepper honey chocolate cake pasta eggs",
    "weather": "cloudy sunny rainy windy foggy cold warm hot stormy dry humid freezing snowy",
    "feeling": "happy tired hungry thirsty angry nervous excited sorry proud worried bored glad "
    "surprised afraid lonely grateful busy ready late early sick",
    "animal": "dog cat horse cow sheep rabbit bird duck mouse tiger lion elephant monkey bear wolf "
    "spider snake turtle whale dolphin eagle owl chicken goat",
    "verb": "open close bring find fix wash move carry paint clean sell buy check send return "
    "replace remove deliver collect repair",
    "amount": "a little|a lot of|some|no|plenty of|too much|enough|half a cup of",
    "app": "update download backup password account printer network screen battery message",
    "unit": "minutes hours days weeks months years miles meters pounds dollars people pages",
}  # fmt: skip

_PATTERNS = """
Could you tell me where the nearest {place} is located?|Where can I find the {place} in {city}?
The {thing} costs {num} dollars and {num} cents.|The total comes to {num} dollars.
It is {hour} o'clock in the morning.|The train leaves at {hour} {min} on {day}.
We will meet on {day} at half past {hour}.|It is a quarter to {hour}.|She woke up at {hour} {min}.
Her birthday is on the {ord} of {month}.|On {month} {ord}, we moved to {city}.
Tomorrow will be {weather} with a high of {num} degrees.|Today it is {weather} and {weather}.
My {person} lives in {city} with {num} {animal}s.|{name} and {name} went to the {place} together.
Please {verb} the {thing} before {day}.|Would you please {verb} that {color} {thing}?
I am {feeling} because my {person} forgot the {thing}.|Are you {feeling} today?
The {color} {thing} belongs to {name}.|{name} bought a {color} {thing} at the {place}.
Turn left at the {place} and walk for {num} minutes.|Go straight ahead until you see the {place}.
Your {app} is ready.|The {app} has failed, please try again later.|Please enter your new {app}.
There are {num} {unit} left.|It took us {num} {unit} to get there.|He is {num} years old.
In nineteen {two}, there were {big} people in the village.|The number is {digits}.
Call me at {digits}.|The code is {digits}.|Chapter {num} begins on page {big}.
I would like {amount} {food}, please.|Do you have {amount} {food} at home?|We need more {food}.
The {animal} jumped over the {thing}.|A small {color} {animal} was sleeping near the {place}.
How much does the {thing} cost?|How many {unit} are there?|Why is the {place} closed on {day}?
When does the {place} open on {day}?|What is the name of your {person}?|Who took my {thing}?
Good morning, {name}, how are you?|Good evening, {name}.|Thank you, {name}.
Hello, my name is {name}.|See you on {day}, {name}.
I have never been to {city} in {season}.|Last {season}, {name} visited {city}.
My {person} is a {feeling} person.|The {food} is on the table.|She put the {thing} in the {place}.
He left his {thing} at the {place} on {day}.|They will {verb} the {thing} next {month}.
It was {feeling} and {adj}.|{Word} means something else.|The word is {word}.
She said {word}, not {word}.|He wrote {word} on the {color} {thing}.|Can you spell {word}?
The {word} and the {word} were there.|I know a {word} about {word} and {word}.
{Word}, {word}, {word} and {word}.|They talked about {word} and {word} all day.
This {word} is not a {word}.|Some {word} with a {word}, please.|We saw the {word} near the {word}.
What a {word} {word}!|Is it {word} or {word}?|There was a {word} in the {place}.
Without {word}, there is no {word}.|My {person} likes {word} more than {word}.
The {word} {word} of {city}.|I think the {word} is very {word}.|{name} has a {word} {thing}.
"""


def in_words(number: int) -> str:
    """Returns a number from 0 to 999,999 in English words."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{in_words(number // size)} {name}{rest}"


class Templates:
    """Fills patterns at random."""

    def __init__(self, rng: random.Random, words: Sequence[str], names: Sequence[str]) -> None:
        self._rng, self._words, self._names = rng, words, names
        self._patterns = [p for line in _PATTERNS.strip().split("\n") for p in line.split("|")]
        self._lists = {
            key: value.split("|") if "|" in value else value.split()
            for key, value in _LISTS.items()
        }

    def sentences(self, count: int) -> Iterator[str]:
        """Yields that many."""
        for _ in range(count):
            yield self._filled(self._rng.choice(self._patterns))

    def _filled(self, pattern: str) -> str:
        head, *parts = pattern.split("{")
        filled = [head]
        for part in parts:
            slot, _, tail = part.partition("}")
            filled.append(self._value(slot) + tail)
        line = "".join(filled)
        return line[0].upper() + line[1:]

    def _value(self, slot: str) -> str:
        rng = self._rng
        if slot in self._lists:
            return rng.choice(self._lists[slot])
        if slot in ("word", "Word", "adj"):
            # Half of the draws from the common thousand, which carry most of what is said.
            return rng.choice(self._words if rng.random() < 0.6 else self._words[:1500])
        made = {
            "name": lambda: rng.choice(self._names),
            "num": lambda: in_words(rng.randrange(2, 100)),
            "big": lambda: in_words(rng.choice((rng.randrange(100, 1000), rng.randrange(99_999)))),
            "two": lambda: in_words(rng.randrange(10, 100)),
            "hour": lambda: in_words(rng.randrange(1, 13)),
            "min": lambda: in_words(rng.randrange(10, 60)),
            "ord": lambda: rng.choice(_ORDINALS),
            "digits": lambda: " ".join(rng.choices(_UNITS[:10], k=rng.randrange(3, 8))),
        }
        return made[slot]()
