"""What the local model says: understanding, tools, results, handoffs, and the description it comes from."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsError
from engine.local.conversation.replies import Answered, Called, CallTool, HistoryLine, PromptContext, Reply, SayText
from engine.local.dialogue.description import customer_service, load_dialogue, parse_dialogue
from engine.local.dialogue.responder import DialogueResponder
from engine.local.dialogue.spoken_results import spoken_result
from engine.local.dialogue.understanding import Understanding, normalised
from engine.wire.session import FunctionToolDefinition, ToolChoice, ToolChoiceFunction

DIALOGUE = customer_service()
RESPONDER = DialogueResponder(DIALOGUE)


def tool(name: str, *, description: str = "", required: bool = True, **parameters: object) -> FunctionToolDefinition:
    properties = {key: value if isinstance(value, dict) else {"type": value} for key, value in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties) if required else []}
    return FunctionToolDefinition(name, description, schema)


WEATHER = tool("get_weather", city="string")
ORDER = tool("get_order_status", order_number="string")
REFUND = tool("refund_order", order_id="string")
BILLING = tool("transfer_to_billing_support")
TECHNICAL = tool("transfer_to_technical_support")


def context(*history, tools=(), instructions="", choice: ToolChoice = "auto", parallel=True) -> PromptContext:
    return PromptContext(instructions, tuple(tools), choice, tuple(history), parallel_calls=parallel)


def typed(text: str) -> HistoryLine:
    return HistoryLine("user", text)


def heard(text: str | None) -> HistoryLine:
    return HistoryLine("user", text, spoken=True)


def said(text: str) -> HistoryLine:
    return HistoryLine("assistant", text, spoken=True)


def words(reply: Reply) -> str:
    (part,) = reply
    assert isinstance(part, SayText)
    return part.text


def arguments(reply: Reply) -> dict[str, object]:
    (part,) = reply
    assert isinstance(part, CallTool)
    return json.loads(part.arguments)


# ---------------------------------------------------------------------------------------- understanding
def test_every_template_is_understood_as_its_intent_or_one_that_says_more():
    understanding = Understanding(DIALOGUE)
    rng = random.Random(5)
    for intent in DIALOGUE.intents:
        for template in intent.templates:
            text = re.sub(r"\{(\w+)\}", lambda slot: rng.choice(DIALOGUE.slots[slot[1]]), template)
            understood = understanding.understand(text, typed=False)
            assert understood.intent is not None, text
            assert understood.intent.name == intent.name, text


def test_the_description_is_large_enough_for_a_call():
    assert len(DIALOGUE.templates) >= 120
    assert len(set(DIALOGUE.templates)) == len(DIALOGUE.templates)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("What's the weather in New York?", "what is the weather in new york"),
        ("Order #4821, please!", "order four eight two one please"),
        ("I’d like it", "i would like it"),
        ("", ""),
    ],
)
def test_texts_are_compared_as_a_recogniser_writes_them(text: str, plain: str):
    assert normalised(text) == plain


def test_slots_are_found_anywhere():
    understood = Understanding(DIALOGUE).understand(
        "hello where is my order it is four eight two one in new york", typed=False
    )
    assert understood.value("number") == "4821"
    assert understood.value("city") == "new york"


@given(st.text(max_size=80), st.booleans())
def test_no_text_can_break_it(text: str, spoken: bool):
    line = heard(text) if spoken else typed(text)
    reply = RESPONDER.reply(context(line, tools=(WEATHER, ORDER, BILLING)))
    assert len(reply) >= 1


# ---------------------------------------------------------------------------------------- words
def test_small_talk():
    assert words(RESPONDER.reply(context(typed("Hello!")))).startswith("Hello, this is customer service")
    assert "Goodbye" in words(RESPONDER.reply(context(heard("goodbye"))))
    assert "welcome" in words(RESPONDER.reply(context(heard("thank you very much"))))


def test_phrases_are_taken_in_turn():
    first = words(RESPONDER.reply(context(heard("thank you"))))
    second = words(RESPONDER.reply(context(heard("thank you"), said(first), heard("thank you"))))
    assert first != second


def test_what_was_not_understood_is_never_guessed_at():
    for line in (heard(None), heard("the quick brown fox")):
        assert words(RESPONDER.reply(context(line, tools=(WEATHER, ORDER)))) == "Sorry, I did not catch that."


def test_unknown_typed_text_is_echoed():
    assert words(RESPONDER.reply(context(typed("Colourless green ideas")))) == "You said: Colourless green ideas"


def test_nobody_spoke_yet():
    assert words(RESPONDER.reply(context())).startswith("Hello")
    persona = "You are Ada.\nGreeting: Welcome to the bakery."
    assert words(RESPONDER.reply(context(instructions=persona))) == "Welcome to the bakery."
    assert words(RESPONDER.reply(context(typed("hi"), instructions=persona))) == "Welcome to the bakery."


def test_words_can_be_dictated():
    dictated = 'Say exactly: "One moment, please."'
    assert words(RESPONDER.reply(context(typed("hello"), instructions=dictated))) == "One moment, please."
    quoted = 'Be nice. If they swear, say exactly: "Please don\'t."'
    assert words(RESPONDER.reply(context(typed("hello"), instructions=quoted))) != "Please don't."


def test_the_last_words_again():
    assert (
        words(RESPONDER.reply(context(typed("hello"), said("Good day."), heard("can you repeat that")))) == "Good day."
    )


def test_a_story_is_long():
    story = words(RESPONDER.reply(context(heard("what is your return policy"))))
    assert len(story.split()) > 80


def test_a_picture():
    assert words(RESPONDER.reply(context(HistoryLine("user", None, images=1)))) == "Thank you for the picture."
    assert (
        words(RESPONDER.reply(context(HistoryLine("user", "Flurb", images=1))))
        == "Thank you for the picture. You said: Flurb"
    )


# ---------------------------------------------------------------------------------------- tools
@pytest.mark.parametrize(
    "declared",
    [
        tool("get_weather", city="string"),
        tool("weather", location="string"),
        tool("get_current_weather", place={"type": "string", "enum": ["Tokyo", "Paris"]}),
        tool("get_forecast", city="string", days="integer"),
    ],
)
def test_the_weather_with_anybodys_tool(declared: FunctionToolDefinition):
    called = arguments(RESPONDER.reply(context(heard("what is the weather in tokyo"), tools=(ORDER, declared))))
    assert "Tokyo" in called.values()


def test_a_tool_that_is_not_declared_is_not_called():
    assert "weather" in words(RESPONDER.reply(context(heard("what is the weather in tokyo"), tools=(ORDER,))))
    reply = RESPONDER.reply(context(heard("what is the weather in tokyo"), tools=(WEATHER,), choice="none"))
    assert isinstance(reply[0], SayText)


def test_numbers_have_the_type_of_the_schema():
    line = heard("where is order four eight two one")
    assert arguments(RESPONDER.reply(context(line, tools=(ORDER,)))) == {"order_number": "4821"}
    as_number = tool("get_order_status", order_number="integer")
    assert arguments(RESPONDER.reply(context(line, tools=(as_number,)))) == {"order_number": 4821}


def test_optional_parameters_of_strict_schemas():
    text: dict[str, object] = {"anyOf": [{"type": "null"}, {"type": "integer"}]}
    strict = tool("get_order_status", order_number=text, detail={"type": ["string", "null"]})
    line = heard("where is order four eight two one")
    assert arguments(RESPONDER.reply(context(line, tools=(strict,)))) == {"order_number": 4821, "detail": None}


def test_a_missing_value_is_asked_for_and_its_answer_understood():
    question = RESPONDER.reply(context(heard("where is my order"), tools=(ORDER,)))
    assert words(question) == "Of course. What is your order number?"
    history = (heard("where is my order"), said(words(question)), heard("it is four eight two one"))
    assert arguments(RESPONDER.reply(context(*history, tools=(ORDER,)))) == {"order_number": "4821"}


def test_a_value_given_before_is_remembered():
    history = (heard("where is order four eight two one"), said("On its way."), heard("i would like a refund"))
    assert arguments(RESPONDER.reply(context(*history, tools=(REFUND,)))) == {"order_id": "4821"}


def test_several_values_are_asked_for_one_after_the_other():
    booking = tool("book_appointment", date="string", time="string", service="string")
    history: list[HistoryLine] = [heard("i would like to book an appointment")]
    for answer in ("a repair please", "on monday", "at noon"):
        history.append(said(words(RESPONDER.reply(context(*history, tools=(booking,))))))
        history.append(heard(answer))
    called = arguments(RESPONDER.reply(context(*history, tools=(booking,))))
    assert called == {"date": "monday", "time": "noon", "service": "repair"}


def test_several_cities_are_several_calls_unless_forbidden():
    line = heard("what is the weather in paris and in rome")
    assert len(RESPONDER.reply(context(line, tools=(WEATHER,)))) == 2
    assert len(RESPONDER.reply(context(line, tools=(WEATHER,), parallel=False))) == 1


def test_a_tool_nobody_foresaw_is_found_by_its_name():
    table = tool("reserve_table", guests="integer", outdoors="boolean", remark="string")
    called = arguments(RESPONDER.reply(context(typed("Please reserve a table for 4"), tools=(table,))))
    assert called == {"guests": 4, "outdoors": True, "remark": "Please reserve a table for 4"}


def test_a_forced_call():
    reply = RESPONDER.reply(context(typed("hello"), tools=(ORDER, WEATHER), choice=ToolChoiceFunction("get_weather")))
    assert isinstance(reply[0], CallTool)
    assert reply[0].name == "get_weather"
    reply = RESPONDER.reply(context(typed("hello"), tools=(ORDER, WEATHER), choice="required"))
    assert isinstance(reply[0], CallTool)


# ---------------------------------------------------------------------------------------- results
CALL = Called("call_1", "get_order_status", '{"order_number": "4821"}')


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            '{"status": "on its way", "delivery": "on Monday"}',
            "Your order 4 8 2 1 is on its way. It should arrive on Monday.",
        ),
        ('{"status": "lost"}', "Your order 4 8 2 1 is lost."),
        ('{"parcels": 2, "insured": true}', "Parcels is 2. Insured is yes."),
        ('{"error": "no such order"}', "I am sorry, that did not work. No such order."),
        ("It is at the depot", "It is at the depot."),
        ('["red", "green"]', "Red, green."),
        ("", "Done."),
        ("null", "Done."),
        ("42", "42."),
    ],
)
def test_results_in_words(output: str, expected: str):
    assert words(RESPONDER.reply(context(heard("where is my order"), CALL, Answered("call_1", output)))) == expected


def test_results_of_parallel_calls_are_told_together():
    calls = [Called(f"call_{city}", "get_weather", json.dumps({"city": city})) for city in ("Paris", "Rome")]
    outputs = [Answered(call.call_id, '{"conditions": "fine", "temperature": 20}') for call in calls]
    reply = words(RESPONDER.reply(context(typed("weather?"), *calls, *outputs, tools=(WEATHER,))))
    assert reply == "In Paris it is fine, with 20 degrees. In Rome it is fine, with 20 degrees."


def test_a_result_that_was_told_is_not_told_again():
    history = (heard("where is my order"), CALL, Answered("call_1", "Soon."), said("Soon."), heard("thank you"))
    assert "welcome" in words(RESPONDER.reply(context(*history)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    )
)
def test_any_json_can_be_told(value: object):
    assert spoken_result(DIALOGUE, DIALOGUE.intent("order status"), CALL, json.dumps(value))


# ---------------------------------------------------------------------------------------- handoffs
def test_a_handoff_by_the_departments_name():
    reply = RESPONDER.reply(context(heard("can i speak to technical support"), tools=(BILLING, TECHNICAL)))
    assert reply == (CallTool("transfer_to_technical_support", "{}"),)
    assert "cannot transfer" in words(RESPONDER.reply(context(heard("sales please"), tools=(BILLING,))))


def test_a_handoff_by_its_description():
    to_money = tool("hand_off_two", description="Handoff to the billing agent.")
    reply = RESPONDER.reply(
        context(typed("Please connect me to somebody about my invoice"), tools=(TECHNICAL, to_money))
    )
    assert reply == (CallTool("hand_off_two", "{}"),)


def test_what_another_department_does_goes_there():
    line = heard("i was charged twice")
    assert RESPONDER.reply(context(line, tools=(WEATHER, BILLING))) == (CallTool("transfer_to_billing_support", "{}"),)
    assert "refund" in words(RESPONDER.reply(context(line, tools=(WEATHER,))))


def test_a_handoff_with_an_input():
    with_reason = tool("transfer_to_billing", reason="string")
    assert arguments(RESPONDER.reply(context(heard("billing please"), tools=(with_reason,)))) == {
        "reason": "billing please"
    }


def test_the_specialist_greets_and_goes_on_with_the_matter():
    handed_over = (
        Called("call_1", "transfer_to_billing_support", "{}"),
        Answered("call_1", '{"assistant": "Billing Support"}'),
    )
    greeting = words(RESPONDER.reply(context(heard("billing please"), *handed_over, tools=(REFUND,))))
    assert greeting == "Hello, you are through to Billing Support. How can I help you?"
    asking = words(RESPONDER.reply(context(heard("i want a refund"), *handed_over, tools=(REFUND,))))
    assert asking == "Hello, you are through to Billing Support. I can make that refund. What is the order number?"
    history = (heard("i want a refund"), *handed_over, said(asking), heard("four eight two one"))
    assert arguments(RESPONDER.reply(context(*history, tools=(REFUND,)))) == {"order_id": "4821"}
    known = context(heard("i would like a refund for order one two three four"), *handed_over, tools=(REFUND,))
    first, second = RESPONDER.reply(known)
    assert isinstance(first, SayText)
    assert isinstance(second, CallTool)


# ---------------------------------------------------------------------------------------- the description
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "is not TOML"),
        ('name = "x"', "required"),
        ('name = "x"\nintents = []\nslots = {}\nspots = {}', "spots"),
        ('name = "x"\nslots = {}\n[[intents]]\nname = "a"\ntemplates = ["in {city}"]', "unknown slot 'city'"),
        ('name = "x"\nslots = {}\n[[intents]]\nname = "a"\ntools = ["("]', "'('"),
        ('name = "x"\nslots = {}\n[[intents]]\nname = "a"\ndepartment = "b"', "unknown department 'b'"),
    ],
)
def test_mistakes_in_a_description(text: str, says: str):
    with pytest.raises(SettingsError, match=re.escape(says)) as wrong:
        parse_dialogue(text, "mine.toml")
    assert "mine.toml" in str(wrong.value)


def test_a_description_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "x"\nslots = {}\n[[intents]]\nname = "a"\ntemplates = ["ahoy"]\nsay = ["Ahoy."]\n')
    responder = DialogueResponder(load_dialogue(path))
    assert words(responder.reply(context(heard("ahoy")))) == "Ahoy."
    with pytest.raises(SettingsError, match="No such file"):
        load_dialogue(tmp_path / "theirs.toml")
