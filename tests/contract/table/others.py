"""Sections 5.14, 5.15, 5.20 to 5.22: statistics, tools, personal data, widget files and health."""

from tests.contract.entries import AGENT, MODEL, ORGANIZATION, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import DATE, ID, NUMBER, OBJECT, TIME, Each, OneOf, like
from tests.contract.table import objects

_RUN = Step("POST", f"{PROJECT}/agents/{{task_agent_id}}/execute", {"input": "do it", "user_identifier": "u"})
_CHAT = Step("POST", f"{AGENT}/chat", {"message": "Hello", "user_identifier": "u"})
_PROMPT = Step("POST", f"/proxy{PROJECT}/execute/{{prompt_name}}", {"variables": {"name": "{random}"}})
_RANGE = {"start": TIME, "end": TIME}
_AVERAGE = OneOf((like(r"\d+\.\d\d"), 0))
_ONLY_A_NUMBER = "a number, which the web UI formats"

STATISTICS = Section(
    "5.14 Statistics",
    (
        Entry(
            "GET",
            f"{ORGANIZATION}/statistics/dashboard",
            "viewer",
            "UI",
            before=(_RUN, _CHAT, _PROMPT),
            query={"period": "1w"},
            answer={
                "period": "1w",
                "timeRange": _RANGE,
                "overview": {
                    "totalTokensUsed": int,
                    "totalCost": NUMBER,
                    "totalApiCalls": int,
                    "totalConversations": int,
                    "totalAgents": int,
                    "totalProjects": int,
                },
                "promptExecutions": {
                    "totalCalls": int,
                    "totalTokens": int,
                    "totalCost": NUMBER,
                    "avgTokensPerCall": int,
                    "successRate": NUMBER,
                    "breakdown": {"successful": int, "errors": int, "cached": int},
                },
                "agentExecutions": {
                    "totalExecutions": int,
                    "totalTokens": int,
                    "totalCost": NUMBER,
                    "totalToolCalls": int,
                    "avgExecutionTime": int,
                    "successRate": NUMBER,
                    "breakdown": {"completed": int, "failed": int, "pending": int},
                },
                "conversations": {
                    "total": int,
                    "totalMessages": int,
                    "totalTokens": int,
                    "totalCost": NUMBER,
                    "totalToolsExecuted": int,
                    "avgMessagesPerConversation": _AVERAGE,
                    "breakdown": {"active": int, "ended": int},
                },
                "recentActivity": [
                    {
                        "_id": ID,
                        "agent": {"_id": ID, "id": ID, "name": str},
                        "status": str,
                        "createdAt": TIME,
                        "execution_time_ms?": int,
                        "usage": {"total_tokens": int},
                        "agentName": str,
                        "timestamp": TIME,
                        "executionTime?": int,
                    }
                ],
                "topAgents": [
                    {
                        "_id": ID,
                        "name": str,
                        "totalExecutions": int,
                        "totalTokens": int,
                        "totalCost": NUMBER,
                    }
                ],
                "dailyUsage": [
                    {
                        "_id": DATE,
                        "executionCount": int,
                        "tokenCount": int,
                        "costSum": NUMBER,
                        "agentExecutions": int,
                        "promptExecutions": int,
                        "conversations": int,
                    }
                ],
            },
            needs={
                "agentExecutions.successRate": _ONLY_A_NUMBER,
                "promptExecutions.successRate": _ONLY_A_NUMBER,
                "conversations.avgMessagesPerConversation": "the web UI shows text",
            },
            refusals=(Refusal(400, "Invalid period. Use '1d', '1w', or '1m'", query={"period": "1y"}),),
            differs="`successRate` is a number; agents that are gone are counted",
        ),
        Entry(
            "GET",
            f"{ORGANIZATION}/statistics/agents/{{agent_id}}",
            "viewer",
            "UI",
            ids={"agent_id": "{task_agent_id}"},
            before=(_RUN,),
            query={"period": "current-month"},
            answer={
                "agent": {"id": ID, "name": str, "type": "task"},
                "period": "current-month",
                "timeRange": _RANGE,
                "executions": {
                    "total": int,
                    "completed": int,
                    "failed": int,
                    "successRate": NUMBER,
                    "avgExecutionTime": int,
                    "totalTokens": int,
                    "totalCost": NUMBER,
                    "totalToolCalls": int,
                },
                "conversations": {
                    "total": int,
                    "active": int,
                    "totalMessages": int,
                    "avgMessagesPerConversation": OneOf((_AVERAGE, NUMBER)),
                    "totalTokens": int,
                    "totalCost": NUMBER,
                },
                "recentActivity": [
                    {
                        "_id": ID,
                        "type": "task",
                        "status": str,
                        "createdAt": TIME,
                        "execution_time_ms?": int,
                        "usage": {"total_tokens": int},
                        "timestamp": TIME,
                        "executionTime?": int,
                    }
                ],
            },
            needs={
                "executions.successRate": _ONLY_A_NUMBER,
                "recentActivity[0].timestamp": "the web UI prints it",
            },
            refusals=(Refusal(404, "Agent not found in this organization", ids={"agent_id": "{absent_id}"}),),
            differs="`successRate` is a number; months are in UTC, and end",
        ),
    ),
)

_STATS = {"total_calls": int, "success_calls": int, "failed_calls": int, "avg_execution_time_ms": NUMBER}
_SUMMARY = {
    "_id": ID,
    "name": str,
    "display_name": str,
    "description": str,
    "category": str,
    "parameters_schema": OBJECT,
    "usage_stats": _STATS,
    "version": str,
}
_NO_TOOL = Refusal(404, "Tool not found", ids={"tool_name": "zz"})

TOOLS = Section(
    "5.15 Tools",
    (
        Entry("GET", "/tools", "signed in", query={"category": "computation"}, answer=[_SUMMARY]),
        Entry("GET", "/tools/categories", "signed in", answer=[str]),
        Entry(
            "GET",
            "/tools/{tool_name}",
            "signed in",
            answer={**_SUMMARY, "implementation": {"type": str, "handler": str}},
            refusals=(_NO_TOOL,),
        ),
        Entry(
            "GET",
            "/tools/{tool_name}/stats",
            "signed in",
            answer={"tool_name": "calculator", "usage_stats": _STATS},
            refusals=(_NO_TOOL,),
        ),
        Entry(
            "POST",
            "/tools/{tool_name}/execute",
            "signed in",
            body={"parameters": {"expression": "2+2"}},
            answer={
                "success": True,
                "result": {"expression": "2+2", "result": 4, "type": "number"},
                "execution_time_ms": OneOf((int, NUMBER)),
                "tool_name": "calculator",
            },
            refusals=(
                Refusal(
                    400,
                    body={"parameters": {"expression": "2+"}},
                    more={"success": False, "tool_name": "calculator", "execution_time_ms": NUMBER},
                ),
            ),
            differs="the calculator, the time and the JSON processor only",
        ),
        Entry(
            "POST",
            "/tools",
            "signed in",
            status=405,
            answer={"error": str},
            differs="custom tools cannot be created yet: 405",
        ),
        Entry(
            "PUT",
            "/tools/{tool_name}",
            "signed in",
            body={},
            status=403,
            answer={"error": "Cannot update system tools"},
        ),
        Entry(
            "DELETE",
            "/tools/{tool_name}",
            "signed in",
            status=403,
            answer={"error": "Cannot delete system tools"},
        ),
    ),
)

_GDPR = f"{ORGANIZATION}/gdpr"
_CONFIDENTIAL = Step(
    "POST",
    f"{PROJECT}/agents",
    {
        "name": "private-{random}",
        "type": "chatbot",
        "system_prompt": "s",
        "api_key": "{api_key_id}",
        "llm_settings": MODEL,
        "gdpr": {"encrypt_messages": True, "retention_days": 30},
    },
    {"agent_id": "_id"},
)
_TALK = Step("POST", f"{AGENT}/chat", {"message": "Hello", "user_identifier": "canary-user"})
_USER = {"user_identifier": "canary-user"}

PRIVACY = Section(
    "5.20 Personal data",
    (
        Entry(
            "POST",
            f"{_GDPR}/agents/{{agent_id}}/run-retention",
            "admin",
            before=(_CONFIDENTIAL,),
            answer={
                "message": "Retention job completed",
                "agent_id": ID,
                "retention_days": 30,
                "deleted": {"conversations": 0, "executions": 0},
            },
            refusals=(Refusal(400, ids={"agent_id": "{chatbot_id}"}),),
        ),
        Entry(
            "DELETE",
            f"{_GDPR}/users/{{user_identifier}}",
            "admin",
            before=(_CONFIDENTIAL, _TALK),
            ids=_USER,
            answer={
                "message": "Erasure complete",
                "user_identifier": "canary-user",
                "deleted": {"conversations": 1, "session_tokens": 0},
                "anonymised": {"agent_executions": 0},
            },
            differs="what task agents were asked and answered goes, too",
        ),
        Entry(
            "GET",
            f"{_GDPR}/users/{{user_identifier}}/export",
            "admin",
            before=(_CONFIDENTIAL, _TALK),
            ids=_USER,
            answer={
                "user_identifier": "canary-user",
                "exported_at": TIME,
                "conversations": [{**objects.conversation(), "messages": [objects.MESSAGE]}],
                "executions": Each(OBJECT),
            },
            differs="streamed",
        ),
    ),
)

WIDGET = Section(
    "5.21 Widget files",
    (
        Entry(
            "GET",
            "/widget/{file_name}",
            "anybody",
            "browser",
            status=404,
            answer={"error": str},
            case="no directory is set",
            differs="the files come from `CRAFTER_WIDGET_DIR`; without it they are 404",
        ),
    ),
)

HEALTH = Section(
    "5.22 Health",
    (Entry("GET", "/health", "anybody", answer={"status": "ok", "service": "llm-crafter"}),),
)
