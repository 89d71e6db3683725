"""What the demonstration's grammar does not know: sentences from elsewhere, and its own with words exchanged."""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.local.speech.grammar import Grammar

SEED = 5
"""Of the sentences on which the recognizer was set."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(sentence.strip() for sentence in text.replace("\n", " ").split(";"))


ELSEWHERE = _listed("""
the quick brown fox jumps over the lazy dog; she sells sea shells by the sea shore; how tall is mount everest;
the stock market fell sharply this morning; my brother plays the violin in a band; book me a flight to barcelona;
they painted the kitchen yellow last summer; the train to glasgow leaves from platform nine; elephants never forget;
who won the world cup in nineteen ninety eight; play some jazz music in the living room; my dog is very sick;
turn off the lights in the bedroom; set an alarm for half past six; how many calories are in a banana;
translate this sentence into portuguese; i am allergic to peanuts and shellfish; remind me to water the plants;
where is the nearest hospital; i would like to order a large pizza; what is the price of gold; open the window;
can you check my homework; who is the president of france; do you believe in ghosts; you are completely useless;
it was the best of times it was the worst of times; my credit card was stolen in lisbon; how is your mother;
thank heavens for little girls; i need help with my divorce; what is the meaning of life; please call my wife;
my grandmother bakes wonderful apple pies every autumn; the committee will vote on the proposal after lunch;
photosynthesis turns sunlight into chemical energy; we climbed the mountain before the storm arrived;
the orchestra rehearsed the symphony for three hours; i think the football match was cancelled;
please pour some milk into the blue bowl; the museum opens its new exhibition in spring; what is two plus two;
a bird in the hand is worth two in the bush; could you recommend a good italian restaurant; nonsense; banana;
what is the capital of australia; my car does not start; the soup is too salty; helicopter; shut up; i love you;
what is the square root of two hundred; what is your favourite colour; this is ridiculous; to be or not to be;
i moved to a different apartment; yesterday all my troubles seemed so far away; hello kitty; blah blah blah;
goodbye yellow brick road; what a lovely surprise; he never answers the telephone; la la la la la
""")
"""Nothing that a caller of a shop's customer service says."""

NEAR_MISSES = _listed("""
where is my umbrella; where is my grandfather; where is the bathroom; what is the status of your marriage;
what is the weather in helsinki; what is the weather like in manchester; how is the weather on mars;
is it raining in singapore; will it snow in chicago tomorrow; will it rain in london during christmas;
what about barcelona; can you tell me the recipe for pancakes; tell me the weather forecast for the weekend;
can you check my blood pressure; please check my tyre pressure; when will my parcel of books arrive;
when will the bus arrive; my flight has not arrived; my neighbour is late; i am calling about my pension;
i have a question about my homework; i have a question about football; i would like to know the secret of your success;
my order number is missing; my order number is four seven one; it is four seven one; it is twenty past nine;
it is four seven one two nine six; the number is seventeen; order four seven one two eight; one two three;
order spaghetti for everyone; my telephone number is four seven one two; two cups of coffee; seven brides;
can you change the light bulb; please change the subject; can you deliver it to my neighbour; can you deliver a pizza;
i would like to change the delivery address; move the furniture to the garage; i will not be at home for christmas;
i would like to book a hotel; can i book a table; i would like to make a complaint; please book a taxi on friday;
i need a holiday; can you book a massage on friday at noon; i want a sandwich; i want my mother; can i get a puppy;
i would like a refund for my airline ticket; please refund my train ticket; there is a mistake in my homework;
the window is broken; my heart is broken; my marriage does not work; i would like to return my library books;
i have a political problem; my telephone is slow; i cannot sleep; i forgot my umbrella; the oven will not turn on;
please transfer one thousand dollars to my savings account; connect me to the internet; transfer me to mister miller;
i would like to speak to doctor williams; can i speak to the prime minister; can i talk to your husband;
can i talk to someone in portugal; i need electricity; are you a vegetarian; what is your foreign policy;
tell me a joke about elephants; can you explain how gravity works; can you explain how engines work; how do magnets
work; what are your favourite hobbies; are you married; when is your birthday; can you repeat the second question;
what did the doctor say; let us say grace; on christmas; hello darkness my old friend; i need some sugar please;
thank you captain; good morning vietnam; can you hear the music; in the kitchen please; a bottle of water please
""")
"""Sentences of the grammar with a word or two that it does not know, or with too few digits or too many."""

EXCHANGED = _listed("""
my carpet is broken; my partner is broken; my hammer is broken; the mirror is broken; my racket does not work; my
trumpet does not work; my hamster is broken; my lantern does not work; what is the weather in dubai; what is the
weather in turin; what is the weather in austin; is it raining in dover; will it rain in maryland tomorrow; what about
denmark; i want a reward; i need a compere; please book a vacation for friday; a conversation please; i need an
invitation; connect me to wales; i need filling; transfer me to customer surveys; i have a medical problem; i forgot
my passport; my order has not survived; where is my baggage; where is my cottage; when do you doze; are you a rabbit;
can i talk to a woman; tell me a lorry; you charged me rice; please cancel my order; please change my order; can you
change the delivery gate; on holiday; can you tell me where my daughter is; my partner has not arrived; i was charmed
twice; will it rain in paradise tomorrow; my keyhole does not work; i would like to return my hatchet; where is my
family; the kitchen is broken; the number is great; i would like to speak to sarah; i would like to talk to bill
""")
"""Sentences of the grammar with one word exchanged for one that sounds like it; `word_fit` was set on them."""

HELD_OUT = _listed("""
my suitcase is broken; my ladder is broken; the blender is broken; my rooster does not work; my napkin has not
arrived; where is my cabbage; where is my motor; what is the weather in cairo; what is the weather in stockholm; is it
raining in belgium; will it rain in dallas tomorrow; how is the weather in norway; what about oxford; and in home; i
want a balloon; i would like a divan; i need a hairdresser; please book a celebration for friday; can i book a
permutation; connect me to tales; please connect me to shaving; i would like to speak to the tailor; i have a tropical
problem; i forgot my passage; are you a rowboat; tell me a secret; you charged me once; i would like to trace my
luggage; can you explain how planets work; what are your opening chords
""")
"""More of these, which were not at hand when the limits were chosen; one limit was loosened after a first look."""


def drawn(grammar: Grammar, count: int, seed: int) -> list[str]:
    """Sentences of the grammar: `count` of its templates, with values drawn for their slots."""
    draw = random.Random(seed)
    return _with_values(grammar, draw.sample(list(grammar.templates), min(count, len(grammar.templates))), draw)


def drawn_beside(grammar: Grammar, count: int, used: int, seed: int) -> list[str]:
    """Sentences of `count` templates that are none of the first `used` which `drawn` takes with SEED."""
    taken = set(random.Random(SEED).sample(list(grammar.templates), used))
    draw = random.Random(seed)
    return _with_values(grammar, draw.sample([one for one in grammar.templates if one not in taken], count), draw)


def _with_values(grammar: Grammar, templates: Sequence[str], draw: random.Random) -> list[str]:
    return [
        " ".join(draw.choice(grammar.slots[token[1:-1]]) if token.startswith("{") else token for token in words.split())
        for words in templates
    ]
