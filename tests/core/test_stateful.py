"""The composed machine keeps its promises in every conversation that Hypothesis can think of."""

from __future__ import annotations

from hypothesis import settings

from tests.core.stateful import Conversation

TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=250, stateful_step_count=50)
