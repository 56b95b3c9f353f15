"""Tools that reach other systems and other people."""

from typing import Any

from crafter.tools.catalogue.definition import SystemTool

_ISO_TIME = 'ISO 8601 with an offset, such as "2026-03-09T14:00:00+01:00"'

_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "summary": {"type": "string"},
        "description": {"type": "string"},
        "location": {"type": "string"},
        "start": {"type": "string"},
        "end": {"type": "string"},
        "attendees": {"type": "array"},
        "htmlLink": {"type": "string"},
    },
}

API_CALLER = SystemTool(
    name="api_caller",
    display_name="API Caller",
    description=(
        "Call one of the HTTP endpoints that are configured for the agent. Addresses and credentials are "
        "filled in for you: name the endpoint and give its values. Only configured endpoints and their "
        "methods can be called."
    ),
    category="communication",
    handler="apiCallerHandler",
    parameters={
        "endpoint_name": {
            "type": "string",
            "minLength": 1,
            "description": "The name of the endpoint, exactly as it is configured.",
        },
        "method": {
            "type": "string",
            "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"],
            "default": "GET",
            "description": "One of the endpoint's methods.",
        },
        "path_params": {
            "type": "object",
            "default": {},
            "description": 'Values for the {names} in the path, such as {"id": "42"} for /users/{id}.',
        },
        "query_params": {
            "type": "object",
            "default": {},
            "description": "Values for the query string.",
        },
        "body_data": {"description": "The JSON body, for POST, PUT and PATCH."},
        "headers": {
            "type": "object",
            "default": {},
            "description": "Further headers, if the endpoint asks for any; credentials are not among them.",
        },
    },
    required=("endpoint_name",),
    returns={
        "endpoint_name": {"type": "string"},
        "url": {"type": "string"},
        "method": {"type": "string"},
        "status_code": {"type": "integer"},
        "status_text": {"type": "string"},
        "success": {"type": "boolean", "description": "Whether the status is one of 200 to 299."},
        "headers": {"type": "object"},
        "data": {"description": "The body of the answer."},
        "execution_time_ms": {"type": "number"},
    },
)

REQUEST_HUMAN_HANDOFF = SystemTool(
    name="request_human_handoff",
    display_name="Request Human Handoff",
    description=(
        "Hand the conversation over to a person of the team. Use it when the user asks for a person, is "
        "upset, or needs a decision or an action that you cannot take. It ends your turn: say nothing after "
        "it."
    ),
    category="communication",
    handler="humanHandoffHandler",
    parameters={
        "reason": {
            "type": "string",
            "minLength": 1,
            "description": "Why a person is needed, in one sentence for the operator.",
        },
        "urgency": {
            "type": "string",
            "enum": ["low", "medium", "high"],
            "default": "medium",
            "description": "high only for harm, loss or a deadline within hours.",
        },
        "context_summary": {
            "type": "string",
            "description": "What the operator must know to go on: the wish, what was tried, what is open.",
        },
        "handoff_message": {
            "type": "string",
            "description": "What the user is told, in the user's language; without it a standard sentence.",
        },
    },
    required=("reason",),
    returns={
        "success": {"type": "boolean"},
        "result": {"type": "string"},
        "handoff_requested": {"type": "boolean"},
        "conversation_status": {"type": "string"},
        "suggested_message": {"type": "string"},
    },
)

GOOGLE_CALENDAR = SystemTool(
    name="google_calendar",
    display_name="Google Calendar",
    description=(
        "Read and change the calendar that is configured for the agent: create, list, get, update and delete "
        "events, or find free slots. Ask current_time for today's date first. All arguments are flat, beside "
        "action. To get, update or delete an event, take its event_id from list_events; never make one up."
    ),
    category="communication",
    handler="googleCalendarHandler",
    parameters={
        "action": {
            "type": "string",
            "enum": [
                "create_event",
                "list_events",
                "get_event",
                "update_event",
                "delete_event",
                "find_free_slots",
            ],
            "description": (
                "create_event needs summary, start_time and end_time; get_event, update_event and "
                "delete_event need event_id; find_free_slots needs duration_minutes, time_min and time_max."
            ),
        },
        "calendar_id": {
            "type": "string",
            "default": "primary",
            "description": "Another calendar than the main one.",
        },
        "event_id": {"type": "string", "description": "The complete id of an event, from list_events."},
        "summary": {"type": "string", "description": "The title of the event."},
        "description": {"type": "string", "description": "More about the event."},
        "location": {"type": "string", "description": "Where it takes place: an address or a meeting link."},
        "start_time": {"type": "string", "description": f"When the event begins: {_ISO_TIME}."},
        "end_time": {
            "type": "string",
            "description": f"When the event ends, after its beginning: {_ISO_TIME}.",
        },
        "timezone": {
            "type": "string",
            "default": "UTC",
            "description": 'The IANA time zone of the event, such as "Europe/Lisbon".',
        },
        "attendees": {
            "type": "array",
            "items": {"type": "string"},
            "description": "E-mail addresses of the people to invite; each of them gets an invitation.",
        },
        "time_min": {
            "type": "string",
            "description": f"The beginning of the range to look at: {_ISO_TIME}. Without it, from now on.",
        },
        "time_max": {"type": "string", "description": f"The end of the range to look at: {_ISO_TIME}."},
        "max_results": {
            "type": "integer",
            "minimum": 1,
            "maximum": 250,
            "default": 10,
            "description": "For list_events: the largest number of events wanted.",
        },
        "duration_minutes": {
            "type": "integer",
            "minimum": 15,
            "description": "For find_free_slots: how long a slot must be.",
        },
    },
    required=("action",),
    returns={
        "success": {"type": "boolean"},
        "action": {"type": "string"},
        "event": _EVENT,
        "events": {"type": "array", "items": _EVENT},
        "free_slots": {"type": "array", "items": {"type": "object"}},
        "calendar_id": {"type": "string"},
        "execution_time_ms": {"type": "number"},
        "message": {"type": "string"},
    },
)

COMMUNICATION_TOOLS = (API_CALLER, REQUEST_HUMAN_HANDOFF, GOOGLE_CALENDAR)
