"""Tools that need nothing but their arguments, and the one that asks another model."""

from crafter.tools.catalogue.definition import SystemTool

CALCULATOR = SystemTool(
    name="calculator",
    display_name="Calculator",
    description=(
        "Evaluate a mathematical expression exactly. Use it for every calculation beyond mental arithmetic. "
        "It knows + - * / ^ %, parentheses, functions such as sqrt, abs, round, log, sin, cos, tan (angles "
        "in radians), and the constants pi and e; it knows no variables, units or dates."
    ),
    category="computation",
    handler="calculatorHandler",
    parameters={
        "expression": {
            "type": "string",
            "minLength": 1,
            "description": 'One expression, for example "(17.5 * 1.19) / 12" or "sqrt(2) ^ 3".',
        },
    },
    required=("expression",),
    returns={
        "expression": {"type": "string"},
        "result": {"type": "number"},
        "type": {"type": "string", "description": "The kind of the result, such as number."},
    },
)

CURRENT_TIME = SystemTool(
    name="current_time",
    display_name="Current Time",
    description=(
        "Get the current date and time in a time zone. Use it once before you answer anything that depends "
        "on today, such as deadlines, ages, opening hours or calendar entries: you do not know the date "
        "yourself. For dates in other calls, take current_date (YYYY-MM-DD)."
    ),
    category="utility",
    handler="currentTimeHandler",
    parameters={
        "timezone": {
            "type": "string",
            "default": "UTC",
            "description": 'An IANA time zone, such as "UTC", "Europe/Berlin" or "America/New_York".',
        },
        "format": {
            "type": "string",
            "enum": ["iso", "unix", "human"],
            "default": "iso",
            "description": "How current_time is written: ISO 8601, seconds since 1970, or words.",
        },
    },
    required=(),
    returns={
        "success": {"type": "boolean"},
        "current_date": {"type": "string", "description": "The date in the time zone, as YYYY-MM-DD."},
        "current_time": {"type": "string", "description": "The time in the format that was asked for."},
        "timestamp": {"type": "string"},
        "timezone": {"type": "string"},
        "format": {"type": "string"},
        "unix_timestamp": {"type": "integer"},
        "iso_string": {"type": "string"},
        "year": {"type": "integer"},
        "month": {"type": "integer"},
        "day": {"type": "integer"},
    },
)

JSON_PROCESSOR = SystemTool(
    name="json_processor",
    display_name="JSON Processor",
    description=(
        "Work on JSON: parse text into a value, write a value as text, take one value out by its path, or "
        "check whether a text is valid JSON. Use it on data that came from another tool or from the user, "
        "instead of copying long values by hand."
    ),
    category="data",
    handler="jsonProcessorHandler",
    parameters={
        "data": {"description": "The JSON to work on: a text that holds JSON, or the value itself."},
        "operation": {
            "type": "string",
            "enum": ["parse", "stringify", "extract", "validate"],
            "default": "parse",
            "description": "What to do with the data; extract needs a path.",
        },
        "path": {
            "type": "string",
            "description": 'For extract: names and positions joined by dots, such as "user.orders.0.total".',
        },
    },
    required=("data",),
    returns={
        "operation": {"type": "string"},
        "result": {"description": "The parsed, written or extracted value, or whether the text is valid."},
        "success": {"type": "boolean"},
    },
)

LLM_PROMPT = SystemTool(
    name="llm_prompt",
    display_name="LLM Prompt",
    description=(
        "Send one self-contained prompt to a language model and get its answer. Use it to delegate a "
        "subtask, such as a translation, a summary or a second opinion. The model sees only what you send: "
        "no conversation, no tools."
    ),
    category="llm",
    handler="llmPromptHandler",
    parameters={
        "prompt": {
            "type": "string",
            "minLength": 1,
            "description": "The whole task, with every text that it needs.",
        },
        "api_key_id": {
            "type": "string",
            "minLength": 1,
            "description": "The id of one of the project's provider keys, as you were given it.",
        },
        "system_prompt": {"type": "string", "description": "How the model is to behave."},
        "model": {
            "type": "string",
            "default": "gpt-4o-mini",
            "description": "A model that the key's provider serves.",
        },
        "temperature": {
            "type": "number",
            "minimum": 0,
            "maximum": 2,
            "default": 0.7,
            "description": "0 for the most predictable answer, more for variety.",
        },
        "max_tokens": {
            "type": "integer",
            "minimum": 1,
            "default": 1000,
            "description": "The longest answer, in tokens.",
        },
    },
    required=("prompt", "api_key_id"),
    returns={
        "prompt": {"type": "string"},
        "response": {"type": "string"},
        "model": {"type": "string"},
        "usage": {
            "type": "object",
            "properties": {
                "prompt_tokens": {"type": "integer"},
                "completion_tokens": {"type": "integer"},
                "total_tokens": {"type": "integer"},
                "cost": {"type": "number", "description": "In US dollars."},
            },
        },
        "finish_reason": {"type": "string"},
    },
)

BASIC_TOOLS = (CALCULATOR, CURRENT_TIME, JSON_PROCESSOR, LLM_PROMPT)
