"""The one cattrs converter between JSON values (dicts, lists, strings, numbers) and the wire classes."""

from typing import get_args

import attrs
from cattrs import Converter

from engine.secret.value import Secret, SecretUrl
from engine.wire import items, reading, writing
from engine.wire.annotations import is_list, is_map, is_raw
from engine.wire.formats import AudioFormat, format_object
from engine.wire.response import Response
from engine.wire.server_response import ResponseContentPartAdded, ResponseContentPartDone
from engine.wire.struct import UnsetType


def _is_item(cls: object) -> bool:
    return cls in get_args(items.Item) and not is_raw(cls)


def _is_part_event(cls: object) -> bool:
    return cls is ResponseContentPartAdded or cls is ResponseContentPartDone


def _is_response(cls: object) -> bool:
    return cls is Response


def _build() -> Converter:
    built = Converter(detailed_validation=True)
    built.register_structure_hook_factory(attrs.has, reading.object_reader)
    built.register_structure_hook_factory(is_list, reading.list_reader)
    built.register_structure_hook_factory(is_map, reading.map_reader)
    built.register_structure_hook_factory(reading.is_choice, reading.AlternativesReader)
    built.register_structure_hook_factory(is_raw, reading.raw_reader)
    for kind, hook in (
        (str, reading.read_str),
        (int, reading.read_int),
        (float, reading.read_float),
        (bool, reading.read_bool),
    ):
        built.register_structure_hook(kind, hook)
    built.register_structure_hook(bytes, reading.read_bytes)
    built.register_structure_hook(Secret, reading.read_any)
    built.register_structure_hook(SecretUrl, reading.read_any)
    built.register_structure_hook_func(lambda kind: kind is object, reading.read_any)
    built.register_structure_hook(AudioFormat, reading.read_format)

    built.register_unstructure_hook_factory(attrs.has, writing.object_writer)
    built.register_unstructure_hook_factory(_is_item, writing.item_writer)
    built.register_unstructure_hook_factory(_is_part_event, writing.part_event_writer)
    built.register_unstructure_hook_factory(_is_response, writing.response_writer)
    built.register_unstructure_hook(items.InputAudio, writing.write_input_audio)
    built.register_unstructure_hook(AudioFormat, format_object)
    built.register_unstructure_hook(bytes, writing.write_bytes)
    built.register_unstructure_hook(UnsetType, writing.write_any)
    built.register_unstructure_hook(Secret, writing.write_any)
    built.register_unstructure_hook_func(is_raw, lambda value: value.raw)
    built.register_unstructure_hook_func(is_map, writing.write_any)
    built.register_unstructure_hook(dict, writing.write_any)
    return built


converter: Converter = _build()
