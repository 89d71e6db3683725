"""The service's errors, each with its type, code, parameter and sentence, where clients match on them.

A rule that a client event breaks raises `Rejected`; the machine answers with one `error` event and changes
nothing. Codes and wording follow what the service was seen to say; where no code was ever seen it is None.
"""

from __future__ import annotations

from engine.wire.server_events import ErrorDetail, ErrorEvent

INVALID_REQUEST = "invalid_request_error"


class Rejected(Exception):
    """A client event that is refused. The session goes on."""

    def __init__(
        self, code: str | None, message: str, *, param: str | None = None, type_: str = INVALID_REQUEST
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.type = type_


def active_response(response_id: str) -> Rejected:
    """A default response was asked for while another one runs."""
    return Rejected(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. "
        "Wait until the response is finished before creating a new one.",
    )


def too_many_responses(limit: int) -> Rejected:
    """More responses outside the conversation than this server runs. The service has no stated limit."""
    return Rejected("rate_limit_exceeded", f"At most {limit} responses can run at once.", type_="rate_limit_exceeded")


def no_active_response() -> Rejected:
    """There is nothing to cancel."""
    return Rejected("response_cancel_not_active", "Cancellation failed: no active response found")


def buffer_too_small(buffered_ms: float) -> Rejected:
    """A commit of less than 100 ms."""
    return Rejected(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {buffered_ms:.2f}ms of audio.",
    )


def buffer_full(limit_ms: int) -> Rejected:
    """More audio waits for a commit than is kept. The service does not state its limit; this is ours."""
    return Rejected(
        "buffer_size_exceeded",
        f"Error appending to input audio buffer: at most {limit_ms // 1000}s of uncommitted audio are kept.",
    )


def unknown_item(operation: str, item_id: str) -> Rejected:
    """An item that does not exist; `operation` is delete, truncate or retrieve."""
    doing = {"delete": "deleting", "truncate": "truncating", "retrieve": "retrieving"}[operation]
    return Rejected(
        f"item_{operation}_invalid_item_id",
        f"Error {doing} item: the item with id '{item_id}' does not exist.",
        param="item_id",
    )


def unknown_previous_item(item_id: str) -> Rejected:
    """`previous_item_id` names no item."""
    return Rejected(
        "item_create_invalid_previous_item_id",
        f"Error adding item: the previous item with id '{item_id}' does not exist.",
        param="previous_item_id",
    )


def duplicate_item(item_id: str) -> Rejected:
    """The id is taken. Accounts of the service differ; two items of one id would make every later event
    ambiguous."""
    return Rejected(
        "item_create_duplicate_id",
        f"Error adding item: the item with id '{item_id}' already exists.",
        param="item.id",
    )


def unknown_reference(item_id: str) -> Rejected:
    """An `item_reference` in a response's input names no item."""
    return Rejected(
        None,
        f"Error adding item: the referenced item with id '{item_id}' does not exist.",
        param="response.input",
    )


def unknown_call(call_id: str) -> Rejected:
    """An output for a call that nobody made."""
    return Rejected(
        "invalid_tool_call_id",
        f"Error adding item: no function call with call_id '{call_id}' exists in the conversation.",
        param="item.call_id",
    )


def not_truncatable() -> Rejected:
    """Truncation of anything but an assistant message with audio."""
    return Rejected(None, "Only model output audio messages can be truncated", param="item_id")


def bad_content_index(index: int) -> Rejected:
    """An assistant message has one part."""
    return Rejected(
        "invalid_value",
        f"Invalid content_index: the item has no content part {index}.",
        param="content_index",
    )


def truncated_beyond(length_ms: int, asked_ms: int) -> Rejected:
    """A truncation at a millisecond that does not exist."""
    return Rejected(
        "invalid_value",
        f"Audio content of {length_ms}ms is already shorter than {asked_ms}ms",
        param="audio_end_ms",
    )


def negative_truncation(asked_ms: int) -> Rejected:
    """A truncation before the beginning."""
    return Rejected(
        "integer_below_min_value",
        f"Invalid 'audio_end_ms': integer below minimum value. Expected a value >= 0, but got {asked_ms} instead.",
        param="audio_end_ms",
    )


def already_truncated(item_id: str) -> Rejected:
    """A second truncation of one item."""
    return Rejected("item_already_truncated", f"Item '{item_id}' was already truncated.", param="item_id")


def not_creatable(item_type: str) -> Rejected:
    """An item that only the server makes, or of no known type."""
    return Rejected(
        "invalid_value",
        f"Invalid value: '{item_type}'. Supported values are: 'message', 'function_call', "
        "'function_call_output' and 'mcp_approval_response'.",
        param="item.type",
    )


def voice_locked() -> Rejected:
    """Another voice after the assistant spoke."""
    return Rejected(
        "cannot_update_voice",
        "Cannot update a conversation's voice if assistant audio is present.",
        param="session.audio.output.voice",
    )


def wrong_session_type(asked: str) -> Rejected:
    """A speech session was asked to become a transcription session, or the other way round."""
    return Rejected(
        "invalid_parameter",
        f"Invalid session type '{asked}': a session cannot change its type.",
        param="session.type",
    )


def not_for_model(param: str, model: str) -> Rejected:
    """A setting of reasoning models on another model."""
    return Rejected("invalid_parameter", f"'{param}' is not supported by the model '{model}'.", param=param)


def duplicate_label(label: str) -> Rejected:
    """Two MCP servers of one name."""
    return Rejected("invalid_value", f"Duplicate MCP server_label '{label}'.", param="session.tools")


def bad_schema(name: str, wrong: str, param: str) -> Rejected:
    """A tool whose parameters are no schema of an object."""
    return Rejected("invalid_function_parameters", f"Invalid schema for function '{name[:64]}': {wrong}.", param=param)


def too_many_items(limit: int) -> Rejected:
    """More items than a conversation keeps. The service has no stated limit; this is ours."""
    return Rejected(
        "conversation_above_max_items", f"The conversation has {limit} items, as many as are kept. Delete some first."
    )


def too_many_characters(limit: int) -> Rejected:
    """Longer items than a conversation keeps. The service has no stated limit; this is ours."""
    return Rejected(
        "conversation_above_max_length",
        f"The items of the conversation would have more than {limit} characters. Delete some first.",
    )


def tracing_frozen() -> Rejected:
    """Tracing was already on."""
    return Rejected(
        "invalid_parameter",
        "Cannot update tracing configuration once it is enabled.",
        param="session.tracing",
    )


def unsupported_value(param: str, value: object, supported: tuple[str, ...]) -> Rejected:
    """A value that is not on the list."""
    listed = ", ".join(f"'{name}'" for name in supported)
    return Rejected("invalid_value", f"Invalid value: {value!r}. Supported values are: {listed}.", param=param)


def no_responses_in_transcription() -> Rejected:
    """`response.create` in a session that only listens. The service's code for it is not known."""
    return Rejected("invalid_parameter", "Responses cannot be created in a transcription session.")


def session_expired(minutes: float) -> Rejected:
    """The longest session was reached; the socket closes after it."""
    return Rejected("session_expired", expiry_sentence(minutes))


def expiry_sentence(minutes: float) -> str:
    """What the error and the close frame say about it."""
    return f"Your session hit the maximum duration of {minutes:g} minutes."


def event_of(refusal: Rejected, event_id: str, refused: str | None = None) -> ErrorEvent:
    """The `error` event for a refusal; `refused` is the id that the client gave its event."""
    detail = ErrorDetail(refusal.type, refusal.message, refusal.code, refusal.param, refused)
    return ErrorEvent(detail, event_id=event_id)
