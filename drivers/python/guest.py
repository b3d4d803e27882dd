"""The guest half of docs/guest-protocol.md in Python (3.9 and newer), with the standard library only.

It loads the modules of one bundle, and runs their hooks one at a time, as written for `tyk.decorators` (docs/python.md); those that are
`async def` run side by side on one asyncio loop, which is there only for modules that have some. Objects that hooks get are protobuf messages where `protobuf` can be imported, and otherwise look-alikes of ours that behave the same.
"""
import os
import sys
import time
from _thread import allocate_lock, get_ident
from collections import deque
from collections.abc import MutableMapping, MutableSequence
from json import JSONEncoder, loads
from struct import pack
from types import ModuleType

encode_json = JSONEncoder(separators=(",", ":")).encode

# ---------------------------------------------------------------- the channel to the host

INPUT, OUTPUT = 3, 4


class Channel:
    """Frames in and out. The main thread reads; any thread may send, and ask the host for something."""

    def __init__(self):
        self.todo = deque()
        self.waiting = {}
        self.aside = None
        self.replies = {}
        self.buffer = bytearray()
        self.outbox = []
        self.parts = []
        self.lock = allocate_lock()
        self.main = get_ident()
        self.last_request = 0
        self.flushed = 0.0
        self.mixed = False  # Frames came while a hook waited for the gateway: what is to be done belongs to several.

    def fill(self, size):
        buffer = self.buffer
        while len(buffer) < size:
            chunk = os.read(INPUT, max(65536, size - len(buffer)))
            if not chunk:
                os._exit(0)  # The host has gone.
            buffer += chunk

    def read_frame(self):
        """Wait for one frame, and sort its messages: replies and cancels count at once, the rest waits for its turn."""
        self.fill(8)
        buffer = self.buffer
        end = 4 + int.from_bytes(buffer[:4], "big")
        self.fill(end)
        self.sort_frame(buffer, end)

    def sort_frame(self, buffer, end):
        at = 8 + int.from_bytes(buffer[4:8], "big")
        messages = loads(buffer[8:at].decode())
        now = time.monotonic()
        for message in messages:
            lengths = message.get("bytes")
            if lengths is not None:
                parts = message["parts"] = []
                for length in lengths:
                    parts.append(bytes(buffer[at:at + length]))
                    at += length
            kind = message["type"]
            if kind == "call":
                message["until"] = now + message["timeoutMs"] / 1000
                self.waiting[message["id"]] = message
                self.todo.append(message)
            elif kind == "reply":
                waiter = self.replies.get(message["id"])
                if waiter is not None:
                    waiter.append(message)
                    waiter[0].release()
            elif kind == "cancel":
                late = self.waiting.get(message["id"])
                if late is not None:
                    late["until"] = 0
                elif self.aside is not None:
                    self.aside.give_up(message["id"])
            else:
                self.todo.append(message)
        del buffer[:end]

    def send(self, message, parts=()):
        with self.lock:
            if parts:
                message["bytes"] = [len(part) for part in parts]
                self.parts.extend(parts)
            self.outbox.append(message)

    def flush(self):
        with self.lock:
            if not self.outbox:
                return
            header = encode_json(self.outbox).encode()
            rest = b"".join(self.parts)
            frame = pack(">II", 4 + len(header) + len(rest), len(header)) + header + rest
            self.outbox.clear()
            self.parts.clear()
            sent = os.write(OUTPUT, frame)
            while sent < len(frame):
                sent += os.write(OUTPUT, memoryview(frame)[sent:])
        self.flushed = time.monotonic()

    def ask(self, service, args):
        """Ask the host for a service, and wait for what it says. Raises RuntimeError when it refuses."""
        done = allocate_lock()
        done.acquire()
        with self.lock:
            self.last_request += 1
            number = self.last_request
            self.replies[number] = waiter = [done]
        self.send({"type": "request", "id": number, "service": service, "args": args})
        self.flush()
        if get_ident() == self.main:
            while len(waiter) == 1:
                self.read_frame()
            self.mixed = True
            if self.aside is not None and self.todo:
                self.aside.loop.stop()  # Calls have come meanwhile, of which the loop does not know.
        else:
            done.acquire()
        del self.replies[number]
        if "error" in waiter[1]:
            raise RuntimeError(waiter[1]["error"])
        return waiter[1].get("result")

    def log(self, level, message):
        fields = None if self.aside is None else self.aside.fields()
        told = {"type": "log", "level": level, "message": message}
        self.send(told if fields is None else {**told, "fields": fields})
        self.flush()


channel = Channel()

# ---------------------------------------------------------------- messages without protobuf


def check_text(value):
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError("%r has type %s, but expected one of: bytes, str" % (value, type(value).__name__))
    if not value.isascii():
        value.encode()
    return value


def check_bytes(value):
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("%r has type %s, but expected one of: bytes" % (value, type(value).__name__))
    return bytes(value)


def check_integer(bits):
    def check(value):
        if not hasattr(value, "__index__"):
            raise TypeError("%r has type %s, but expected one of: int" % (value, type(value).__name__))
        value = value.__index__()
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError("Value out of range: %d" % value)
        return value
    return check


def check_number(value):
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError("%r has type %s, but expected one of: int, float" % (value, type(value).__name__))
    return float(value)


def check_bool(value):
    if not hasattr(value, "__index__"):
        raise TypeError("%r has type %s, but expected one of: bool, int" % (value, type(value).__name__))
    return bool(value)


CHECKS = {
    "text": check_text, "bytes": check_bytes, "int32": check_integer(32), "int64": check_integer(64),
    "double": check_number, "bool": check_bool,
}
ZEROS = {"text": "", "bytes": b"", "int32": 0, "int64": 0, "double": 0.0, "bool": False}


class Container:
    """A message, map or list within a message. Writing to it makes the messages around it present."""
    __slots__ = ("_around", "_present")

    def _touch(self):
        self._present = True
        if self._around is not None and not self._around._present:
            self._around._touch()

    def MergeFrom(self, other):
        if type(other) is not type(self):
            wrong = TypeError if isinstance(self, Message) else AttributeError
            raise wrong("Merging of %s is not allowed" % type(other).__name__)
        self._merge(other)

    def CopyFrom(self, other):
        if other is not self:
            self.Clear()
            self.MergeFrom(other)


class Map(Container, MutableMapping):
    __slots__ = ("_items", "_kind")

    def __init__(self, around, kind, items):
        self._around, self._kind, self._present = around, kind, False
        if kind in CHECKS:
            self._items = items or {}
        else:
            self._items = {key: MESSAGES[kind]._of(value, self) for key, value in (items or {}).items()}

    def __getitem__(self, key):
        if key in self._items:
            return self._items[key]
        kind = self._kind
        value = self._items[check_text(key)] = ZEROS[kind] if kind in CHECKS else MESSAGES[kind]._of({}, self)
        self._touch()
        return value

    get_or_create = __getitem__

    def __setitem__(self, key, value):
        if self._kind not in CHECKS:
            raise ValueError("May not set values directly, call my_map[key].foo = 5")
        self._items[check_text(key)] = CHECKS[self._kind](value)
        self._touch()

    def __delitem__(self, key):
        del self._items[key]
        self._touch()

    def __contains__(self, key):
        if not isinstance(key, (str, bytes)):
            check_text(key)
        return key in self._items

    def get(self, key, default=None):
        return self._items.get(key, default)

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __repr__(self):
        return repr(self._items)

    def clear(self):
        self._items.clear()
        self._touch()

    Clear = clear

    def _merge(self, other):
        for key, value in other._items.items():
            if self._kind in CHECKS:
                self[key] = value
            else:
                self[key].CopyFrom(value)

    def _plain(self):
        return {key: plain(value) for key, value in self._items.items()}


class List(Container, MutableSequence):
    __slots__ = ("_items", "_kind")

    def __init__(self, around, kind, items):
        self._around, self._kind, self._present = around, kind, False
        self._items = []
        if items and kind in CHECKS:
            self._items = [float(item) for item in items] if kind == "double" else items
        elif items:
            self._items = [MESSAGES[kind]._of(item, self) for item in items]

    def _checked(self, value):
        if self._kind in CHECKS:
            return CHECKS[self._kind](value)
        if type(value) is not MESSAGES[self._kind]:
            raise TypeError("expected a message of type %s, got %s" % (self._kind, type(value).__name__))
        own = MESSAGES[self._kind]._of({}, self)
        own._merge(value)
        return own

    def __getitem__(self, at):
        return self._items[at]

    def __setitem__(self, at, value):
        if self._kind not in CHECKS:
            raise TypeError("'List' object does not support item assignment")
        self._items[at] = [self._checked(one) for one in value] if isinstance(at, slice) else self._checked(value)
        self._touch()

    def __delitem__(self, at):
        del self._items[at]
        self._touch()

    def __len__(self):
        return len(self._items)

    def __repr__(self):
        return repr(self._items)

    def __eq__(self, other):
        return list(self._items) == (other._items if isinstance(other, List) else other)

    __hash__ = None

    def insert(self, at, value):
        self._items.insert(at, self._checked(value))
        self._touch()

    def extend(self, values):
        self._items.extend([self._checked(value) for value in values or ()])
        self._touch()

    def add(self, **fields):
        if self._kind in CHECKS:
            raise AttributeError("a list of texts or numbers has no add")
        self.append(MESSAGES[self._kind](**fields))
        return self._items[-1]

    def sort(self, **how):
        self._items.sort(**how)

    def clear(self):
        self._items.clear()
        self._touch()

    Clear = clear

    def _merge(self, other):
        self.extend(other._items)

    def _plain(self):
        return [plain(item) for item in self._items]


class Message(Container):
    """Fields are in one dict. What came as JSON stays plain in it until it is looked at."""
    __slots__ = ("_fields",)

    def __init__(self, **fields):
        self._fields, self._around, self._present = {}, None, False
        for name, value in fields.items():
            kind = self._kinds.get(name)
            if kind is None:
                raise ValueError('Protocol message %s has no "%s" field.' % (type(self).__name__, name))
            if is_scalar(kind):
                setattr(self, name, value)
            elif isinstance(kind, list):
                getattr(self, name).extend(value)
            elif isinstance(kind, dict) and kind["of"] in CHECKS:
                getattr(self, name).update(value)
            elif isinstance(kind, dict):
                for key, item in value.items():
                    getattr(self, name)[key].CopyFrom(item)
            elif isinstance(value, dict):
                getattr(self, name).CopyFrom(MESSAGES[kind](**value))
            else:
                getattr(self, name).CopyFrom(value)

    @classmethod
    def _of(cls, fields, around=None):
        message = cls.__new__(cls)
        message._fields, message._around, message._present = fields, around, False
        return message

    def HasField(self, name):
        kind = self._kinds.get(name)
        if is_scalar(kind) or not isinstance(kind, str):
            raise ValueError('Field %s.%s does not have presence.' % (type(self).__name__, name))
        return name in self._fields and getattr(self, name)._present

    def ClearField(self, name):
        if name not in self._kinds:
            raise ValueError('Protocol message %s has no "%s" field.' % (type(self).__name__, name))
        self._fields.pop(name, None)
        self._touch()

    def Clear(self):
        self._fields.clear()
        self._touch()

    def ListFields(self):
        """Names and values of what is not empty. (Protobuf has descriptors in place of the names.)"""
        return [(name, getattr(self, name)) for name in self._kinds if self._shown(name)]

    def _shown(self, name):
        value = self._fields.get(name)
        if isinstance(value, Message):
            return value._present
        return bool(value)

    def IsInitialized(self):
        return True

    def SetInParent(self):
        self._touch()

    def _merge(self, other):
        for name, value in other.ListFields():
            if is_scalar(self._kinds[name]):
                setattr(self, name, value)
            else:
                getattr(self, name)._merge(value)
        self._touch()

    def __eq__(self, other):
        return type(other) is type(self) and self._plain() == other._plain()

    __hash__ = None

    def __repr__(self):
        return "".join("%s: %s\n" % (name, encode_json(exact(plain(value)))) for name, value in self.ListFields())

    def _plain(self):
        return {name: plain(value) for name, value in self.ListFields()}


def is_scalar(kind):
    return isinstance(kind, str) and kind in CHECKS


def plain(value):
    return value._plain() if isinstance(value, Container) else value


def scalar(name, kind):
    zero, check = ZEROS[kind], CHECKS[kind]

    def read(self):
        return self._fields.get(name, zero)

    def read_number(self):
        return float(self._fields.get(name, zero))  # JSON has 1 for 1.0.

    def write(self, value):
        self._fields[name] = check(value)
        self._touch()

    return property(read_number if kind == "double" else read, write)


def composite(name, make):
    """A field that is made when it is first looked at: out of what came as JSON, or of what a function gives."""

    def read(self):
        value = self._fields.get(name)
        if not isinstance(value, Container):
            value = self._fields[name] = make(self, value() if callable(value) else value)
        return value

    def write(self, value):
        raise AttributeError('Assignment not allowed to map, repeated or message field "%s"' % name)

    return property(read, write)


def make_nested(kind):
    def make(around, fields):
        message = MESSAGES[kind]._of(fields or {}, around)
        message._present = fields is not None
        return message
    return make


def message_class(name, kinds):
    members = {"__slots__": (), "_kinds": kinds}
    for field, kind in kinds.items():
        if isinstance(kind, dict):
            members[field] = composite(field, lambda around, items, of=kind["of"]: Map(around, of, items))
        elif isinstance(kind, list):
            members[field] = composite(field, lambda around, items, of=kind[0]: List(around, of, items))
        elif kind in CHECKS:
            members[field] = scalar(field, kind)
        else:
            members[field] = composite(field, make_nested(kind))
    return type(name, (Message,), members)


TEXTS = {"of": "text"}
MESSAGES = {
    "StringSlice": {"items": ["text"]},
    "ReturnOverrides": {
        "response_code": "int32", "response_error": "text", "headers": TEXTS, "override_error": "bool",
        "response_body": "text",
    },
    "MiniRequestObject": {
        "headers": TEXTS, "set_headers": TEXTS, "delete_headers": ["text"], "body": "text", "url": "text", "params": TEXTS,
        "add_params": TEXTS, "extended_params": TEXTS, "delete_params": ["text"], "return_overrides": "ReturnOverrides",
        "method": "text", "request_uri": "text", "scheme": "text", "raw_body": "bytes",
    },
    "Header": {"key": "text", "values": ["text"]},
    "ResponseObject": {
        "status_code": "int32", "raw_body": "bytes", "body": "text", "headers": TEXTS, "multivalue_headers": ["Header"],
    },
    "AccessSpec": {"url": "text", "methods": ["text"]},
    "AccessDefinition": {"api_name": "text", "api_id": "text", "versions": ["text"], "allowed_urls": ["AccessSpec"]},
    "BasicAuthData": {"password": "text", "hash": "text"},
    "JWTData": {"secret": "text"},
    "Monitor": {"trigger_limits": ["double"]},
    "SessionState": {
        "last_check": "int64", "allowance": "double", "rate": "double", "per": "double", "expires": "int64",
        "quota_max": "int64", "quota_renews": "int64", "quota_remaining": "int64", "quota_renewal_rate": "int64",
        "access_rights": {"of": "AccessDefinition"}, "org_id": "text", "oauth_client_id": "text", "oauth_keys": TEXTS,
        "basic_auth_data": "BasicAuthData", "jwt_data": "JWTData", "hmac_enabled": "bool", "hmac_secret": "text",
        "is_inactive": "bool", "apply_policy_id": "text", "data_expires": "int64", "monitor": "Monitor",
        "enable_detailed_recording": "bool", "metadata": TEXTS, "tags": ["text"], "alias": "text", "last_updated": "text",
        "id_extractor_deadline": "int64", "session_lifetime": "int64", "apply_policies": ["text"], "certificate": "text",
        "max_query_depth": "int64", "key_id": "text", "post_expiry_action": "text", "post_expiry_grace_period": "int64",
    },
    "Object": {
        "hook_type": "int32", "hook_name": "text", "request": "MiniRequestObject", "session": "SessionState",
        "metadata": TEXTS, "spec": TEXTS, "response": "ResponseObject",
    },
}
for message_name, field_kinds in list(MESSAGES.items()):
    MESSAGES[message_name] = message_class(message_name, field_kinds)


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def message_to_dict(message, preserving_proto_field_name=False, **options):
    """What json_format.MessageToDict gives, for look-alikes."""
    from base64 import b64encode
    every = options.get("always_print_fields_with_no_presence") or options.get("including_default_value_fields")

    def convert(value, kind):
        if isinstance(value, Message):
            return message_to_dict(value, preserving_proto_field_name, **options)
        if isinstance(value, Map):
            return {key: convert(item, kind["of"]) for key, item in value.items()}
        if isinstance(value, List):
            return [convert(item, kind[0]) for item in value]
        return b64encode(value).decode() if kind == "bytes" else str(value) if kind == "int64" else value

    shown = {}
    for name, kind in message._kinds.items():
        if message._shown(name) or callable(message._fields.get(name)) or (every and (is_scalar(kind) or not isinstance(kind, str))):
            value = getattr(message, name)
            if every or isinstance(value, Message) or value:
                shown[name if preserving_proto_field_name else camel(name)] = convert(value, kind)
    return shown


def message_to_json(message, preserving_proto_field_name=False, indent=2, sort_keys=False, ensure_ascii=True, **options):
    from json import dumps
    shown = message_to_dict(message, preserving_proto_field_name, **options)
    return dumps(shown, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)


# ---------------------------------------------------------------- messages with protobuf


def protobuf_messages(path):
    """The message classes made from the descriptors in a file, or None without protobuf."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        with open(path, "rb") as file:
            descriptors = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        pool = descriptor_pool.DescriptorPool()
        for file in descriptors.file:
            if file.package == "coprocess":
                pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
        make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
        return {name: make(pool.FindMessageTypeByName("coprocess." + name)) for name in MESSAGES}
    except ImportError:
        return None


# ---------------------------------------------------------------- the modules that plugins import


CO_COROUTINE = 0x80  # As inspect has it, which takes long to import.


class HandlerDecorator:
    def __init__(self, function):
        self.f = function
        self.name = function.__name__

    def __call__(self, *args, **named):
        return self.f(*args, **named)


class Hook(HandlerDecorator):
    def __init__(self, function):
        super().__init__(function)
        code = getattr(function, "__code__", None)
        if code is None:
            from inspect import getfullargspec, iscoroutinefunction
            self.arg_count = len(getfullargspec(function).args)
            self.is_async = iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))
        else:
            self.arg_count = code.co_argcount
            self.is_async = bool(code.co_flags & CO_COROUTINE)


class Event(HandlerDecorator):
    pass


class Pre(HandlerDecorator):
    pass


class Post(HandlerDecorator):
    pass


class PostKeyAuth(HandlerDecorator):
    pass


class CustomKeyCheck(HandlerDecorator):
    pass


DECORATORS = (HandlerDecorator, Hook, Event, Pre, Post, PostKeyAuth, CustomKeyCheck)


class TykGateway:
    """What plugins know as `from gateway import TykGateway as tyk`."""

    @staticmethod
    def log(message, level="info"):
        level = {"debug": "debug", "error": "error", "warning": "warn"}.get(level, "info")
        channel.log(level, str(message))

    @staticmethod
    def log_error(message):
        channel.log("error", str(message))

    @staticmethod
    def store_data(key, value, ttl=0):
        args = {"key": check_text(key), "value": check_text(value), "ttlSeconds": int(ttl)}
        try:
            channel.ask("storage.set", args)
        except RuntimeError as error:
            channel.log("error", "store_data(%r) failed: %s" % (key, error))

    @staticmethod
    def get_data(key):
        try:
            value = channel.ask("storage.get", {"key": check_text(key)})
        except RuntimeError as error:
            channel.log("error", "get_data(%r) failed: %s" % (key, error))
            value = None
        return b"" if value is None else value.encode()

    @staticmethod
    def trigger_event(name, payload):
        try:
            channel.ask("events.trigger", {"name": check_text(name), "payload": check_text(payload)})
        except RuntimeError as error:
            channel.log("error", "trigger_event(%r) failed: %s" % (name, error))


class TykCoProcessRequest:
    """What hooks get as `request`. Its message is made when it is first looked at."""
    __slots__ = ("_call", "_object", "_set")

    def __init__(self, call):
        self._call, self._object, self._set = call, None, {}

    @property
    def object(self):
        if self._object is None:
            self._object = self._call.make_request()
            if self._set:
                self._object.set_headers.update(self._set)
        return self._object

    def add_header(self, key, value):
        if self._object is None and type(key) is str and type(value) is str and key.isascii() and value.isascii():
            self._set[key] = value
        else:
            self.object.set_headers[key] = value

    def delete_header(self, key):
        self.object.delete_headers.append(key)

    def add_param(self, key, value):
        self.object.add_params[key] = value

    def delete_param(self, key):
        self.object.delete_params.append(key)

    def get_header(self, key):
        if self._object is None:
            return self._call.headers().get(key)
        return self._object.headers.get(key)

    @property
    def traceparent(self):
        """W3C trace context of this call, for requests that go on from here; None without one."""
        return self._call.message.get("traceparent")

    @property
    def tracestate(self):
        return self._call.message.get("tracestate")


def add_module(name, **members):
    module = sys.modules[name] = ModuleType(name)
    module.__dict__.update(members)
    if "." in name:
        parent, own = name.rsplit(".", 1)
        setattr(sys.modules[parent], own, module)


def add_modules(messages):
    session = ("AccessSpec", "AccessDefinition", "BasicAuthData", "JWTData", "Monitor")
    add_module("tyk", __path__=[])
    add_module("tyk.decorators", **{one.__name__: one for one in DECORATORS})
    add_module("tyk.request", TykCoProcessRequest=TykCoProcessRequest)
    add_module("tyk.session", TykSession=messages["SessionState"], **{name: messages[name] for name in session})
    add_module("tyk.object", TykCoProcessObject=messages["Object"])
    add_module("gateway", TykGateway=TykGateway)
    for file in ("common", "mini_request_object", "object", "response_object", "return_overrides", "session_state"):
        add_module("coprocess_%s_pb2" % file, **messages)


class JsonFormat:
    """Stands in for google.protobuf.json_format where protobuf is not installed."""
    members = {"MessageToDict": message_to_dict, "MessageToJson": message_to_json}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name not in ("google", "google.protobuf", "google.protobuf.json_format"):
            return None
        from importlib.machinery import ModuleSpec
        return ModuleSpec(name, cls, is_package=not name.endswith("format"))

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        if module.__name__.endswith("format"):
            module.__dict__.update(cls.members)


# ---------------------------------------------------------------- loading


class Siblings:
    """While a plugin's module is imported, `import helper` finds helper.py beside it, where nothing else of that name is installed."""

    def __init__(self, folder):
        self.folder = folder
        self.found = set()

    def find_spec(self, name, path=None, target=None):
        file = os.path.join(self.folder, name + ".py")
        if "." in name or not os.path.isfile(file):
            return None
        from importlib.util import spec_from_file_location
        self.found.add(name)
        return spec_from_file_location(name, file)


def cure_of(error):
    """What to do about a package that is missing; nothing for other errors."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<frozen") and file != __file__:
            place = "; it is imported by %s, line %d" % (file, trace.tb_lineno)
        trace = trace.tb_next
    return "; install it for %s (%s -m pip install %s), or pack it into the bundle's vendor folder%s" % (
        sys.executable, sys.executable, error.name.partition(".")[0], place)


class Plugin:
    """A plugin's module: its hooks by name, or why it has none."""

    def __init__(self, name, file):
        self.name, self.file, self.hooks, self.problem = name, file, {}, None
        siblings = Siblings(os.path.dirname(file))
        sys.meta_path.append(siblings)
        try:
            with open(file, "rb") as source:
                code = compile(source.read(), file, "exec")
            module = sys.modules[name] = ModuleType(name)
            module.__file__ = file
            exec(code, module.__dict__)
            for value in list(module.__dict__.values()):
                if type(value) in DECORATORS:
                    self.hooks[value.name] = value
        except BaseException as error:  # A plugin that ends the interpreter while it is imported has just failed, too.
            from traceback import format_exc
            self.problem = "Middleware initialization error: %s: %s" % (type(error).__name__, error)
            self.problem += cure_of(error)
            channel.log("error", "%s\n%s" % (self.problem, format_exc()))
        finally:
            sys.meta_path.remove(siblings)
            for found in siblings.found:
                sys.modules.pop(found, None)

    def problem_with(self, function):
        """Why a function cannot be a hook; None when it can."""
        if self.problem is not None:
            return self.problem
        hook = self.hooks.get(function)
        if hook is None and not self.hooks:
            return "No hooks defined for bundle: %s" % self.name
        if hook is None:
            return "no function %r under @Hook in %s; there are: %s" % (
                function, os.path.basename(self.file), ", ".join(sorted(self.hooks)))
        if type(hook) is not Hook:
            return "%s is under @%s; only functions under @Hook can be run" % (function, type(hook).__name__)
        if hook.arg_count not in (3, 4, 5):
            return "%s takes %d parameters; a hook takes 3, 4 or 5" % (function, hook.arg_count)
        return None


# ---------------------------------------------------------------- calls


class Entry:
    """One hook of one plugin set, as the host describes it."""
    __slots__ = ("name", "problem", "hook", "count", "is_async", "type", "raw_only", "spec", "holder")

    def __init__(self, number, plugins, messages, real):
        wanted = channel.ask("python.hook", {"hook": number})
        plugin = plugins[wanted["module"]]
        self.name, self.type, self.raw_only, self.spec = (wanted[key] for key in ("name", "type", "rawBodyOnly", "spec"))
        self.problem = plugin.problem_with(self.name)
        decorated = plugin.hooks.get(self.name)
        self.hook = None if decorated is None else decorated.f
        self.count = getattr(decorated, "arg_count", 0)
        self.is_async = getattr(decorated, "is_async", False)
        # A message that has the spec: copies of it are parsed faster than made.
        self.holder = messages["Object"](spec=self.spec).SerializeToString() if real else None


def header_dict(pairs, host):
    """First values by name, as hooks see them."""
    headers = {}
    for at in range(len(pairs) - 2, -1, -2):
        headers[pairs[at]] = pairs[at + 1]
    if host is not None:
        headers["Host"] = host
    else:
        headers.pop("Host", None)
    return headers


def first_params(url):
    """Query parameters, first values only. Pairs with `;` or a bad escape are not seen."""
    from re import search
    from urllib.parse import unquote_plus
    params = {}
    for pair in url.partition("?")[2].split("&"):
        if pair and ";" not in pair and not search("%(?![0-9A-Fa-f]{2})", pair):
            key, _, value = pair.partition("=")
            params.setdefault(unquote_plus(key), unquote_plus(value))
    return params


def text_of(body, raw_only):
    """The body as text, or nothing when it is none."""
    if raw_only or not body:
        return ""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return ""


class Call:
    """One call: the host's message, and the objects made of it."""
    __slots__ = ("guest", "entry", "message", "sent", "body", "wrapper", "holder", "response", "response_sent", "header_map", "begun")

    def __init__(self, guest, entry, message):
        self.guest, self.entry, self.message = guest, entry, message
        self.sent = message["request"]
        self.body = message["parts"][self.sent["body"]] if "body" in self.sent else b""
        self.header_map = self.response = None
        self.wrapper = TykCoProcessRequest(self)
        session = message.get("session")
        if guest.real:
            self.holder = guest.messages["Object"].FromString(entry.holder)
            if session is not None:
                self.holder.session.MergeFromString(message["parts"][session])
        else:
            fields = {"spec": dict(entry.spec)}
            if session is not None:
                fields["session"] = session
            self.holder = guest.messages["Object"]._of(fields)

    def headers(self):
        if self.header_map is None:
            self.header_map = header_dict(self.sent["headers"], self.sent.get("host"))
        return self.header_map

    def make_request(self):
        sent, kind = self.sent, self.guest.messages["MiniRequestObject"]
        url, body = sent["url"], self.body
        scalars = {"url": url, "method": sent["method"], "scheme": sent["scheme"],
                   "request_uri": sent.get("requestUri", url), "raw_body": body,
                   "body": text_of(body, self.entry.raw_only)}
        query = sent.get("originalUrl", url)
        if not self.guest.real:
            return kind._of({**scalars, "headers": lambda: dict(self.headers()), "params": lambda: first_params(query),
                             "return_overrides": {"response_code": -1}})
        request = kind(**scalars)
        request.headers.update(self.headers())
        if "?" in query:
            request.params.update(first_params(query))
        request.return_overrides.response_code = -1
        return request

    def make_response(self):
        """The response that came; an empty message in request hooks."""
        response = self.response = self.holder.response
        sent = self.message.get("response")
        if sent is None:
            return response
        body = self.message["parts"][sent["body"]]
        pairs = sent["headers"]
        every = {}
        for at in range(0, len(pairs), 2):
            every.setdefault(pairs[at], []).append(pairs[at + 1])
        first = {name: values[0] for name, values in every.items()}
        response.status_code, response.raw_body = sent["status"], body
        response.body = text_of(body, self.entry.raw_only)
        response.headers.update(first)
        for name, values in every.items():
            response.multivalue_headers.add(key=name, values=values)
        self.response_sent = (sent["status"], body, first, list(every.items()))
        return response

    def run(self):
        entry, holder, request = self.entry, self.holder, self.wrapper
        session, spec = holder.session, holder.spec
        if entry.count == 3:
            _, _ = entry.hook(request, session, spec)
        elif entry.count == 4:
            metadata = session.metadata
            _, session, merged = entry.hook(request, session, metadata, spec)
            if merged is not metadata:
                session.metadata.MergeFrom(merged)
        else:
            entry.hook(request, self.make_response(), session, session.metadata, spec)

    async def run_aside(self):
        """The same for an `async def`."""
        entry, holder, request = self.entry, self.holder, self.wrapper
        session, spec = holder.session, holder.spec
        if entry.count == 3:
            _, _ = await entry.hook(request, session, spec)
        elif entry.count == 4:
            metadata = session.metadata
            _, session, merged = await entry.hook(request, session, metadata, spec)
            if merged is not metadata:
                session.metadata.MergeFrom(merged)
        else:
            await entry.hook(request, self.make_response(), session, session.metadata, spec)

    def answer(self, number, micros):
        """The answer with what has changed, and its bytes."""
        answer, parts = {"type": "answer", "id": number, "us": micros}, []
        if self.entry.type == "response":
            if self.response is not None:
                answer["response"] = self.response_edits(parts)
            return answer, parts
        wrapper = self.wrapper
        if wrapper._object is not None:
            self.request_edits(wrapper._object, answer, parts)
        elif wrapper._set:
            answer["request"] = {"setHeaders": [text for pair in wrapper._set.items() for text in pair]}
        if self.entry.type == "auth" and self.holder.HasField("session"):
            if self.guest.real:
                answer["session"] = len(parts)
                parts.append(self.holder.session.SerializeToString())
            else:
                answer["session"] = exact(self.holder.session._plain())
        return answer, parts

    def request_edits(self, request, answer, parts):
        edits = {}
        if request.delete_headers:
            edits["deleteHeaders"] = list(request.delete_headers)
        if request.set_headers:
            edits["setHeaders"] = [text for pair in request.set_headers.items() for text in pair]
        if request.delete_params:
            edits["deleteParams"] = list(request.delete_params)
        if request.add_params:
            edits["addParams"] = [text for pair in request.add_params.items() for text in pair]
        if request.url != self.sent["url"]:
            edits["url"] = request.url
        if request.method != self.sent["method"]:
            edits["method"] = request.method
        if request.raw_body != self.body:
            edits["body"] = len(parts)
            parts.append(request.raw_body)
        answer["request"] = edits
        overrides = request.return_overrides
        if overrides.response_code > 0:
            answer["overrides"] = {
                "code": overrides.response_code, "error": overrides.response_error, "body": overrides.response_body,
                "headers": [list(pair) for pair in overrides.headers.items()],
                "overrideError": overrides.override_error,
            }

    def response_edits(self, parts):
        response = self.response
        status, body, first, every = self.response_sent
        edits = {}
        if response.status_code != status:
            edits["status"] = response.status_code
        if response.raw_body != body:
            edits["body"] = len(parts)
            parts.append(response.raw_body)
        headers = dict(response.headers)
        values = [(header.key, list(header.values)) for header in response.multivalue_headers]
        if headers != first or values != every:
            edits["headers"], edits["multivalue"] = list(headers.items()), values
        return edits


def exact(value):
    """JSON for a host that reads numbers as doubles: larger whole numbers go as text."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value) if type(value) is int and abs(value) > 1 << 53 else value


class Guest:
    def __init__(self, real):
        self.real = real is not None
        self.messages = real or MESSAGES
        self.plugins = []
        self.entries = {}
        self.aside = None

    def load(self, message):
        sys.path.extend(message["paths"])
        self.plugins = [Plugin(module["name"], module["file"]) for module in message["modules"]]
        loaded = {"type": "loaded", "hooks": []}
        if any(getattr(hook, "is_async", False) for plugin in self.plugins for hook in plugin.hooks.values()):
            self.aside = channel.aside = Aside()
            loaded["concurrency"] = 1024
            loaded["inOrder"] = False
        channel.send(loaded)

    def probe(self, message):
        problems = [self.plugins[hook["module"]].problem_with(hook["name"]) for hook in message["probe"]]
        channel.send({"type": "answer", "id": message["id"], "problems": problems})

    def call(self, message):
        number = message["id"]
        del channel.waiting[number]
        began = time.monotonic()
        if began > message["until"]:
            return channel.send({"type": "error", "id": number, "reason": "CANCELLED", "message": "given up before it began"})
        if "probe" in message:
            return self.probe(message)
        try:
            entry = self.entries.get(message["hook"])
            if entry is None:
                entry = self.entries[message["hook"]] = Entry(message["hook"], self.plugins, self.messages, self.real)
            if entry.problem is not None:
                return channel.send({"type": "error", "id": number, "reason": "HOOK_UNKNOWN", "message": entry.problem})
            call = Call(self, entry, message)
            if entry.is_async:
                return self.aside.start(call, number, began)
            call.run()
            answer, parts = call.answer(number, int((time.monotonic() - began) * 1e6))
            channel.send(answer, parts)
        except BaseException as error:  # SystemExit too: one request must not end the interpreter of all.
            name = self.entries[message["hook"]].name if message["hook"] in self.entries else message["hook"]
            channel.send(thrown(number, name, error))


def thrown(number, name, error):
    """What to say of the exception that is being handled."""
    from traceback import format_exc
    text = "Hook '%s' returned an error: %s: %s%s" % (name, type(error).__name__, error, cure_of(error))
    return {"type": "error", "id": number, "reason": "HOOK_THREW", "message": text[:4000], "stack": format_exc(limit=-20)[-8000:]}


# ---------------------------------------------------------------- calls side by side


class Aside:
    """The calls of `async def` hooks, on a loop that runs while there is nothing else to do: between its turns the main thread belongs to
    calls of other hooks, for which no loop is running."""

    def __init__(self):
        import asyncio
        from contextvars import ContextVar
        self.asyncio = asyncio
        self.loop = self.open_loop()
        self.loop.add_reader(INPUT, self.read)
        self.running = {}
        self.current = ContextVar("call", default=None)
        self.flushing = False
        for stream, level in ((sys.stdout, "info"), (sys.stderr, "warn")):
            self.attribute(stream, level)

    def open_loop(self):
        """The loop that modules may have bound their locks and queues to while they were imported (Python 3.9 does), or else a new one."""
        from warnings import catch_warnings, simplefilter
        loop = None
        with catch_warnings():
            simplefilter("ignore")
            try:
                loop = self.asyncio.get_event_loop()
            except RuntimeError:
                pass
            if loop is None or loop.is_closed():
                loop = self.asyncio.new_event_loop()
            self.asyncio.set_event_loop(loop)
        return loop

    def wait(self):
        """Run the loop until frames have come."""
        try:
            self.loop.run_forever()
        except BaseException as error:  # sys.exit() in a task that a hook left behind.
            channel.log("error", "a task ended with %s: %s" % (type(error).__name__, error))
        channel.flush()

    def read(self):
        """Take what has come, without waiting for the rest of a frame."""
        buffer = channel.buffer
        chunk = os.read(INPUT, 262144)
        if not chunk:
            os._exit(0)  # The host has gone.
        buffer += chunk
        while len(buffer) >= 8:
            end = 4 + int.from_bytes(buffer[:4], "big")
            if len(buffer) < end:
                break
            channel.sort_frame(buffer, end)
        if channel.todo:
            self.loop.stop()

    def start(self, call, number, began):
        self.running[number] = self.loop.create_task(self.serve(call, number, began))

    async def serve(self, call, number, began):
        self.current.set(call)
        call.begun = {}
        try:
            await call.run_aside()
            message, parts = call.answer(number, int((time.monotonic() - began) * 1e6))
        except BaseException as error:
            if number not in self.running:
                if not isinstance(error, self.asyncio.CancelledError):
                    from traceback import format_exc
                    channel.log("error", "after its call was given up: %s" % format_exc(limit=-20)[-8000:])
                return
            message, parts = thrown(number, call.entry.name, error), ()
        for name in list(call.begun):  # Lines without an end.
            print(file=getattr(sys, name))
        if self.running.pop(number, None) is not None:
            channel.send(message, parts)
            self.flush_soon()

    def give_up(self, number):
        """Nobody waits for this call any more. The host is told so now, whatever the hook makes of its CancelledError."""
        task = self.running.pop(number, None)
        if task is not None:
            task.cancel()
            channel.send({"type": "error", "id": number, "reason": "CANCELLED", "message": "given up"})
            self.flush_soon()

    def flush_soon(self):
        """Calls that end in one turn of the loop share a frame."""
        if not self.flushing:
            self.flushing = True
            self.loop.call_soon(self.flush)

    def flush(self):
        self.flushing = False
        channel.flush()

    def fields(self, **more):
        """Which call it is that says something; None outside of one."""
        call = self.current.get()
        if call is None:
            return None
        trace = call.message.get("traceparent", "").split("-")
        if len(trace) == 4 and trace[3] and trace[3][-1] in "13579bdf":
            more["traceId"] = trace[1]
        return {"hook": call.entry.name, "api": call.entry.spec.get("APIID", ""), **more}

    def attribute(self, stream, level):
        """Let what calls print be logged with their names: lines of several may alternate."""
        if stream is None:
            return
        name, plain = stream.name.strip("<>"), stream.write

        def write(text):
            fields = self.fields(source=name)
            if fields is None:
                return plain(text)
            begun = self.current.get().begun
            *lines, rest = (begun.pop(name, "") + text).split("\n")
            if rest:
                begun[name] = rest
            for line in lines:
                channel.send({"type": "log", "level": level, "message": line, "fields": fields})
            if lines:
                channel.flush()
            return len(text)

        stream.write = write

    def close(self):
        """Let what is still running clean up, within a moment."""
        self.loop.remove_reader(INPUT)  # Its end would end this process at once.
        tasks = self.asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(self.asyncio.wait(tasks, timeout=0.2))


def main():
    for fd in (INPUT, OUTPUT):
        os.set_inheritable(fd, False)
    sys.path.pop(0)
    real = protobuf_messages(sys.argv[1])
    if real is None:
        sys.meta_path.append(JsonFormat)
    guest = Guest(real)
    add_modules(guest.messages)
    kind = "protobuf" if real else "json"
    language = "python %s, %s" % (sys.version.split()[0], "protobuf" if real else "without protobuf")
    channel.send({"type": "hello", "protocol": 1, "language": language,
                  "capabilities": {"concurrency": 64, "inOrder": True, "session": kind}})
    channel.flush()
    todo, wait = channel.todo, channel.read_frame
    while True:
        if not todo:
            channel.mixed = False
            wait()
            continue
        message = todo.popleft()
        kind = message["type"]
        if kind == "call":
            # The answers of a frame are sent before the next is begun: the host relies on it when this process dies.
            if channel.mixed and channel.outbox:
                channel.flush()
            guest.call(message)
        elif kind == "load":
            guest.load(message)
            if guest.aside is not None:
                wait = guest.aside.wait
        elif kind == "end":
            if guest.aside is not None:
                guest.aside.close()
            sys.exit()
        # Answers share a frame, unless a hook was slow: then they have waited long enough.
        if not todo or time.monotonic() - channel.flushed > 0.001:
            channel.flush()


main()
