"""Section 5.9: tasks and their runs."""

from tests.contract.entries import AGENT, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ID,
    OBJECT,
    TIME,
    Each,
)
from tests.contract.table import objects
from tests.contract.table.agents import NO_AGENT
from tests.contract.table.chats import BY_KEY, CHAT_USAGE, OWN_CODES

_WORK = {"input": "do it", "user_identifier": "user-123"}
TASK_AGENT = {"agent_id": "{task_agent_id}"}
TASK_ANSWER = {
    "execution_id": ID,
    "output": str,
    "output_files": [],
    "thinking_process": [objects.TASK_STEP],
    "tools_used": Each(objects.EXECUTED_TOOL),
    "token_usage": CHAT_USAGE,
    "status": "completed",
}
_RUN = Step("POST", f"{PROJECT}/agents/{{task_agent_id}}/execute", _WORK, {"execution_id": "execution_id"})

TASKS = Section(
    "5.9 Tasks",
    (
        Entry(
            "POST",
            f"{AGENT}/execute",
            "member",
            "UI",
            ids=TASK_AGENT,
            body=_WORK,
            answer=TASK_ANSWER,
            refusals=(
                Refusal(400, at="input", body={}),
                NO_AGENT,
                Refusal(400, "Agent is not a task type", ids={"agent_id": "{chatbot_id}"}),
            ),
            differs=OWN_CODES + "; files are 501",
        ),
        Entry(
            "POST",
            f"{AGENT}/execute",
            "member",
            "UI",
            body=_WORK,
            given="a task agent that calls a tool",
            answer={**TASK_ANSWER, "tools_used": [objects.EXECUTED_TOOL]},
            case="with a tool",
        ),
        Entry(
            "POST",
            f"{AGENT}/execute/stream",
            "member",
            "UI",
            ids=TASK_AGENT,
            body=_WORK,
            frames={
                "type": "complete",
                "execution_id": ID,
                "token_usage": CHAT_USAGE,
                "tools_used": [],
                "status": "completed",
            },
            refusals=(Refusal(400, at="input", body={}), NO_AGENT),
            differs="ends with `complete`, where LLM Crafter's always ends with an error; " + BY_KEY,
        ),
        Entry(
            "POST",
            f"{AGENT}/execute/stream",
            "member",
            "SDK",
            ids=TASK_AGENT,
            headers={"x-api-key": "{key}", "authorization": "Bearer {key}"},
            body={"input": "do it", "context": {}},
            frames={"type": "complete", "execution_id": ID, "token_usage": CHAT_USAGE, "status": "completed"},
            case="with a platform key, as the SDK calls it",
            differs=BY_KEY,
        ),
        Entry(
            "GET",
            f"{AGENT}/executions",
            "viewer",
            "UI",
            ids=TASK_AGENT,
            before=(_RUN,),
            query={"page": "1", "limit": "5", "status": "completed", "type": "task"},
            answer={
                "total": int,
                "page": 1,
                "limit": 5,
                "executions": [
                    {
                        "_id": ID,
                        "type": "task",
                        "status": "completed",
                        "usage": OBJECT,
                        "execution_time_ms": int,
                        "createdAt": TIME,
                        "metadata": OBJECT,
                    }
                ],
            },
        ),
        Entry(
            "GET",
            f"{AGENT}/executions/{{execution_id}}",
            "viewer",
            ids=TASK_AGENT,
            before=(_RUN,),
            answer=objects.EXECUTION,
            refusals=(Refusal(404, "Execution not found", ids={"execution_id": "{absent_id}"}),),
            differs="`tool_calls_count` is the number of calls; a failed run shows no stack",
        ),
    ),
)
